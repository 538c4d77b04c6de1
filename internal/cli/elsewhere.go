package cli

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"vaws/internal/hint"
	"vaws/internal/profile"
)

// trust are the files that only this shell names, which SDKs need as well, if an AWS
// config can.
func (s *session) trust(t profile.Target) profile.Trust {
	var files profile.Trust
	for _, f := range []struct {
		variable, path string
		to             *string
	}{
		{"VAULT_CACERT", ownCACert(t), &files.CACert},
		{"VAULT_CLIENT_CERT", t.TLS.ClientCert, &files.ClientCert},
		{"VAULT_CLIENT_KEY", t.TLS.ClientKey, &files.ClientKey},
	} {
		path, err := filepath.Abs(f.path)
		if t.Ambient && s.getenv(f.variable) != "" && f.path != "" && err == nil && profile.CanHold(path) {
			*f.to = path
		}
	}
	if files.ClientCert == "" || files.ClientKey == "" {
		files.ClientCert, files.ClientKey = "", "" // one without the other is an error
	}
	return files
}

// ownCACert is the file of authorities, if it counts.
func ownCACert(t profile.Target) string {
	if t.TLS.CACertPEM != "" {
		return ""
	}
	return t.TLS.CACert
}

// warnOfLacks names the variables of this shell that count for the target, and that no
// profile stands in for: who calls vaws elsewhere will not have them.
func (s *session) warnOfLacks(t profile.Target, written profile.Trust) {
	var names, advice []string
	lacks := func(name string, counts bool, how string) {
		if counts && s.getenv(name) != "" {
			names, advice = append(names, name), append(advice, how)
		}
	}
	const unwritable, nothing = "move the file: its path holds what an AWS config cannot", "set it wherever SDKs are started: no key of the AWS config stands for it"
	ambient := t.Ambient
	lacks("VAULT_CACERT", ambient && ownCACert(t) != "" && written.CACert == "", unwritable)
	lacks("VAULT_CLIENT_CERT", ambient && t.TLS.ClientCert != "" && written.ClientCert == "", unwritable)
	lacks("VAULT_CLIENT_KEY", ambient && t.TLS.ClientKey != "" && written.ClientKey == "", unwritable)
	const bundle = "put the authorities into one file, and in [vaws] or the profile: vaws_ca_cert = /path/to/ca.pem"
	lacks("VAULT_CAPATH", ambient && t.TLS.CAPath != "" && t.TLS.CACert == "" && t.TLS.CACertPEM == "", bundle)
	lacks("VAULT_CACERT_BYTES", ambient && t.TLS.CACertPEM != "", bundle)
	lacks("VAULT_TLS_SERVER_NAME", ambient, nothing)
	lacks("VAULT_SKIP_VERIFY", ambient && t.TLS.SkipVerify, nothing)
	lacks("VAULT_HEADERS", ambient, nothing)
	if s.logsInByVariables(t) {
		for _, v := range profile.LoginVariables() {
			lacks(v.Name, true, "in [vaws] or the profile: "+v.Key+" = "+s.getenv(v.Name))
		}
	}
	if len(names) == 0 {
		return
	}
	s.warn(hint.Wrap(fmt.Errorf("SDKs that are started elsewhere will not have %s", strings.Join(names, ", ")), advice...))
}

// logsInByVariables reports whether the target's log-in is another one without the
// variables of log-ins.
func (s *session) logsInByVariables(t profile.Target) bool {
	bare := func(name string) string {
		if slices.ContainsFunc(profile.LoginVariables(), func(v profile.Variable) bool { return v.Name == name }) {
			return ""
		}
		return s.getenv(name)
	}
	flags := map[string]string{profile.Address: t.Request.Address}
	if t.Request.Namespace != "" {
		flags[profile.Namespace] = t.Request.Namespace
	}
	other, err := profile.ResolveLogin(profile.Query{Flags: flags, Getenv: bare})
	return err != nil || other.Request.Login() != t.Request.Login() || other.Login != t.Login
}
