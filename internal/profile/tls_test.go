package profile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vaws/internal/credentials"
	"vaws/internal/hint"
)

// vaultTLS is what the daily Vault's variables say of certificates.
func vaultTLS(address string) map[string]string {
	return map[string]string{
		"VAULT_ADDR": address, "VAULT_CACERT": "ca.pem", "VAULT_CAPATH": "/cas", "VAULT_CACERT_BYTES": "PEM",
		"VAULT_CLIENT_CERT": "cert.pem", "VAULT_CLIENT_KEY": "key.pem",
	}
}

func TestTLSPrecedence(t *testing.T) {
	const (
		vaws    = "[vaws]\nvaws_ca_cert = /vaws/ca\nvaws_client_cert = /vaws/cert\nvaws_client_key = /vaws/key\n"
		caOnly  = "[profile p]\nvaws_ca_cert = /p/ca\n"
		own     = caOnly + "vaws_client_cert = /p/cert\nvaws_client_key = /p/key\n"
		address = "https://a.example"
	)
	fromVault := TLS{CACert: "ca.pem", CAPath: "/cas", CACertPEM: "PEM", ClientCert: "cert.pem", ClientKey: "key.pem"}
	for _, c := range []struct {
		what, config string
		env          map[string]string
		want         TLS
	}{
		{"profile over all", vaws + own, vaultTLS(address), TLS{CACert: "/p/ca", ClientCert: "/p/cert", ClientKey: "/p/key"}},
		{"a CA file replaces every kind of CA, and nothing else", vaws + caOnly, vaultTLS(address),
			TLS{CACert: "/p/ca", ClientCert: "cert.pem", ClientKey: "key.pem"}},
		{"VAULT_* over [vaws]", vaws, vaultTLS(address), fromVault},
		{"one kind of CA replaces the others below", vaws, map[string]string{"VAULT_ADDR": address, "VAULT_CAPATH": "/cas"},
			TLS{CAPath: "/cas", ClientCert: "/vaws/cert", ClientKey: "/vaws/key"}},
		{"[vaws] alone", vaws, vaultA, TLS{CACert: "/vaws/ca", ClientCert: "/vaws/cert", ClientKey: "/vaws/key"}},
		{"nothing said", "", vaultA, TLS{}},
	} {
		if got := resolve(t, query(t, c.config, "p", c.env)).TLS; got != c.want {
			t.Errorf("%s: %+v, want %+v", c.what, got, c.want)
		}
	}
}

func TestTLSKeysStayAtTheirVault(t *testing.T) {
	const config = `
[vaws]
vaws_address = https://home.example
vaws_ca_cert = /vaws/ca
vaws_client_cert = /vaws/cert
vaws_client_key = /vaws/key

[profile here]
vaws_role = r

[profile there]
vaws_address = https://there.example
vaws_ca_cert = /there/ca
`
	home := TLS{CACert: "/vaws/ca", ClientCert: "/vaws/cert", ClientKey: "/vaws/key"}
	for _, c := range []struct {
		name, address string // of --address
		want          TLS
	}{
		{"here", "", home},
		{"here", "https://third.example", TLS{}},
		{"there", "", TLS{CACert: "/there/ca"}},
		{"there", "https://third.example", TLS{}},
		{"there", "https://home.example", home},
	} {
		q := query(t, config, c.name, map[string]string{})
		if c.address != "" {
			q.Flags = map[string]string{Address: c.address}
		}
		if got := resolve(t, q).TLS; got != c.want {
			t.Errorf("%s --address %q: %+v, want %+v", c.name, c.address, got, c.want)
		}
	}
}

func TestTLSOfARequest(t *testing.T) {
	const config = "[vaws]\nvaws_address = https://home.example\nvaws_ca_cert = /vaws/ca\n"
	for _, c := range []struct {
		address string
		env     map[string]string
		want    TLS
	}{
		{"https://home.example", nil, TLS{CACert: "/vaws/ca"}},
		{"https://there.example", vaultTLS("https://home.example"), TLS{}},
		{"https://there.example", map[string]string{"VAULT_ADDR": "https://there.example", "VAULT_CACERT": "/ca"}, TLS{CACert: "/ca"}},
	} {
		got, err := ForRequest(credentials.Request{Address: c.address, Role: "r"}, query(t, config, "", c.env).Getenv)
		if err != nil || got.TLS != c.want {
			t.Errorf("%s: %+v, %v, want %+v", c.address, got.TLS, err, c.want)
		}
	}
}

func TestTLSFilesAtHome(t *testing.T) {
	dir, err := os.UserHomeDir()
	if err != nil {
		t.Skip(err)
	}
	got := resolve(t, query(t, "[profile p]\nvaws_ca_cert = ~/ca.pem\n", "p", vaultA)).TLS.CACert
	if want := filepath.Join(dir, "ca.pem"); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestTLSThatIsRefused(t *testing.T) {
	const alone = ": a client certificate and its key go together, and only this one is set"
	for _, c := range []struct {
		config, variable, value, want string
	}{
		{"[profile p]\nvaws_client_cert = /c\n", "", "", "config:2: vaws_client_cert" + alone},
		{"[vaws]\nvaws_client_key = /k\n", "", "", "config:2: vaws_client_key" + alone},
		{"[vaws]\nvaws_client_key = /k\n[profile p]\nvaws_client_cert = /c\n", "", "", "config:4: vaws_client_cert" + alone},
		{"", "VAULT_CLIENT_CERT", "c", "VAULT_CLIENT_CERT" + alone},
		{"", "VAULT_CLIENT_KEY", "k", "VAULT_CLIENT_KEY" + alone},
		{"[profile p]\nvaws_ca_cert = ca.pem\n", "", "", `config:2: vaws_ca_cert: "ca.pem" is not an absolute path`},
		{"[profile p]\nvaws_client_cert = /c\nvaws_client_key = k\n", "", "", `config:3: vaws_client_key: "k" is not an absolute path`},
		{"", "VAULT_SKIP_VERIFY", "maybe", `VAULT_SKIP_VERIFY: "maybe" is neither true nor false`},
	} {
		env := map[string]string{"VAULT_ADDR": "https://a.example", c.variable: c.value}
		_, err := Resolve(query(t, c.config, "p", env))
		if err == nil || !strings.HasSuffix(err.Error(), c.want) {
			t.Errorf("%q %s: error %v, want %q", c.config, c.variable, err, c.want)
		} else if len(hint.Of(err)) == 0 {
			t.Errorf("%q %s: no hint", c.config, c.variable)
		}
	}
}
