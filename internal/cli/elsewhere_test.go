package cli

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"vaws/internal/profile"
)

func TestWhatOnlyThisShellHas(t *testing.T) {
	const home = "VAULT_ADDR=https://vault.example.com"
	for _, c := range []struct {
		env, address string
		trust        profile.Trust
		lacks        string // in the warning
		advice       string
	}{
		{"", "https://vault.example.com", profile.Trust{}, "", ""},
		{home + ",VAULT_CACERT=/ca#1.pem,VAULT_CLIENT_CERT=/c.pem,VAULT_CLIENT_KEY=/k.pem", "", profile.Trust{CACert: "/ca#1.pem", ClientCert: "/c.pem", ClientKey: "/k.pem"}, "", ""},
		{home + ",VAULT_CACERT=/c #1/ca.pem", "", profile.Trust{}, "VAULT_CACERT", "move the file"},
		{home + ",VAULT_CLIENT_CERT=/c ;.pem,VAULT_CLIENT_KEY=/k.pem", "", profile.Trust{}, "VAULT_CLIENT_CERT, VAULT_CLIENT_KEY", "move the file"},
		{home + ",VAULT_CAPATH=/certs,VAULT_SKIP_VERIFY=0", "", profile.Trust{}, "VAULT_CAPATH", "vaws_ca_cert ="},
		{home + ",VAULT_CACERT_BYTES=PEM,VAULT_CACERT=/ca.pem", "", profile.Trust{}, "VAULT_CACERT_BYTES", "vaws_ca_cert ="},
		{home + ",VAULT_TLS_SERVER_NAME=v,VAULT_SKIP_VERIFY=1,VAULT_HEADERS=a:b", "", profile.Trust{}, "VAULT_TLS_SERVER_NAME, VAULT_SKIP_VERIFY, VAULT_HEADERS", "no key of the AWS config"},
		{home + ",VAWS_AUTH=approle,VAWS_AUTH_ROLE=r", "", profile.Trust{}, "VAWS_AUTH, VAWS_AUTH_ROLE", "vaws_auth = approle"},
		// for another Vault, all of it is nothing
		{home + ",VAULT_CACERT=/ca.pem,VAULT_SKIP_VERIFY=1,VAULT_HEADERS=a:b,VAWS_AUTH=approle", "https://other.example.com", profile.Trust{}, "", ""},
	} {
		env := map[string]string{"AWS_CONFIG_FILE": filepath.Join(t.TempDir(), "none")}
		for entry := range strings.SplitSeq(c.env, ",") {
			name, value, _ := strings.Cut(entry, "=")
			env[name] = value
		}
		var errs bytes.Buffer
		s := &session{console: console{err: &errs}, getenv: func(name string) string { return env[name] }, calm: func() {}}
		flags := map[string]string{}
		if c.address != "" {
			flags[profile.Address] = c.address
		}
		target, err := profile.ResolveLogin(profile.Query{Flags: flags, Getenv: s.getenv})
		if err != nil {
			t.Fatal(err)
		}
		written := s.trust(target)
		s.warnOfLacks(target, written)
		first, rest, _ := strings.Cut(errs.String(), "\n")
		want := ""
		if c.lacks != "" {
			want = "vaws: warning: SDKs that are started elsewhere will not have " + c.lacks
		}
		if written != c.trust || first != want || !strings.Contains(rest, c.advice) {
			t.Errorf("%s: %+v, %q", c.env, written, errs.String())
		}
	}
}
