package profile

import (
	"strings"
	"testing"
)

const twoVaults = `
[vaws]
vaws_address = https://home.example:443/
vaws_namespace = home-ns
vaws_auth = approle
vaws_auth_role = home-role
vaws_auth_secret_env = HOME_SECRET

[profile here]
vaws_role = r

[profile there]
vaws_role = r
vaws_address = https://there.example
`

// Each variable of the surroundings, as somebody would have it for the one
// Vault of daily work.
func daily(address string) map[string]string {
	return map[string]string{
		"VAULT_ADDR": address, "VAULT_NAMESPACE": "daily-ns", "VAULT_SKIP_VERIFY": "true",
		"VAULT_CLIENT_CERT": "/cert", "VAULT_CLIENT_KEY": "/key", "VAULT_TLS_SERVER_NAME": "name",
		"VAULT_AGENT_ADDR": "http://127.0.0.1:8100", "VAULT_PROXY_ADDR": "http://proxy.example", "VAULT_CACERT": "/ca",
	}
}

func TestSurroundingsReachTheirOwnAddress(t *testing.T) {
	got := resolve(t, query(t, twoVaults, "here", daily("HTTPS://Home.Example")))
	if !got.Ambient || got.Request.Address != "https://home.example" || got.Request.Namespace != "daily-ns" {
		t.Errorf("%+v", got)
	}
	if got.TLS.ClientCert != "/cert" || !got.TLS.SkipVerify || got.TLS.ServerName != "name" || got.Via == "" || got.Proxy == "" {
		t.Errorf("%+v", got)
	}
	if got.Request.AuthRole != "home-role" || got.Request.AuthMount != "approle" {
		t.Errorf("[vaws]'s log-in is missing: %+v", got)
	}
}

func TestSurroundingsReachNoOtherAddress(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"VAULT_ADDR is home":  daily("https://home.example"),
		"VAULT_ADDR is third": daily("https://third.example"),
		"[vaws] is home":      daily(""),
	} {
		got := resolve(t, query(t, twoVaults, "there", env))
		if got.Ambient || got.Request.Address != "https://there.example" || got.Request.Namespace != "" || got.Via != "" || got.Proxy != "" {
			t.Errorf("%s: %+v", name, got)
		}
		if got.TLS != (TLS{CACert: "/ca"}) {
			t.Errorf("%s: %+v", name, got.TLS)
		}
		if got.Request.AuthMethod != "" || got.Login.SecretEnv != "" {
			t.Errorf("%s: [vaws]'s log-in went to another Vault: %+v", name, got)
		}
	}
}

func TestAFlagTakesNothingAlong(t *testing.T) {
	config := "[profile p]\nvaws_address = https://p.example\nvaws_namespace = ns\nvaws_auth = approle\nvaws_auth_role = id\n"
	for _, scheme := range []string{"https://other.example", "http://p.example", "https://p.example:8200"} {
		q := query(t, config, "p", daily("https://p.example"))
		q.Flags = map[string]string{Address: scheme}
		if got := resolve(t, q); got.Ambient || got.Request.Namespace != "" || got.Request.AuthMethod != "" || got.TLS.ClientCert != "" {
			t.Errorf("%s: %+v", scheme, got)
		}
	}
}

func TestTheOnlyAddressOfTheConfigIsHome(t *testing.T) {
	env := daily("")
	config := "[profile p]\nvaws_address = https://p.example\n[profile q]\nvaws_address = https://p.example:443\n"
	if got := resolve(t, query(t, config, "p", env)); !got.Ambient || got.Request.Namespace != "daily-ns" {
		t.Errorf("%+v", got)
	}
	env["VAULT_AGENT_ADDR"] = ""
	if _, err := Resolve(query(t, config, "role", env)); err == nil || !strings.Contains(err.Error(), "no Vault address") {
		t.Errorf("a role without a profile: %v", err)
	}
	if got := resolve(t, query(t, config+"[profile r]\nVAWS_Address = http://r.example\n", "p", env)); got.Ambient {
		t.Errorf("with another address in capitals: %+v", got)
	}
	config += "[profile z]\nvaws_address = https://z.example\n"
	if got := resolve(t, query(t, config, "p", map[string]string{"VAULT_NAMESPACE": "x"})); got.Ambient || got.Request.Namespace != "" {
		t.Errorf("with two addresses: %+v", got)
	}
}

func TestAProfilesLoginStaysAtItsVault(t *testing.T) {
	config := "[vaws]\nvaws_address = https://a.example\n[profile p]\nvaws_namespace = ns\nvaws_auth = approle\nvaws_auth_role = id\n"
	q := query(t, config, "p", nil)
	if got := resolve(t, q).Request; got.AuthMethod != "approle" || got.Namespace != "ns" {
		t.Errorf("at home: %+v", got)
	}
	q.Flags = map[string]string{Address: "https://b.example"}
	if got := resolve(t, q).Request; got.AuthMethod != "" || got.Namespace != "" {
		t.Errorf("--address: %+v", got)
	}
	if got := resolve(t, query(t, config, "p", map[string]string{"VAULT_ADDR": "https://b.example"})).Request; got.AuthMethod != "" || got.Namespace != "" {
		t.Errorf("VAULT_ADDR: %+v", got)
	}
	q = query(t, "[profile p]\nvaws_auth = approle\nvaws_auth_role = id\n", "p", map[string]string{"VAWS_ADDRESS": "https://b.example"})
	if got := resolve(t, q).Request; got.AuthMethod != "approle" {
		t.Errorf("an address that nobody else names: %+v", got)
	}
}

func TestNoAddressIsAnError(t *testing.T) {
	if _, err := Resolve(query(t, "", "r", nil)); err == nil {
		t.Error("an address was made up")
	}
}

func TestAgentAloneIsHome(t *testing.T) {
	got := resolve(t, query(t, "", "r", map[string]string{"VAULT_AGENT_ADDR": "unix:///run/agent.sock"}))
	if !got.Ambient || got.Request.Address != "unix:///run/agent.sock" {
		t.Errorf("%+v", got)
	}
}

func TestLoginOfAnotherMethodTakesNothingFromVaws(t *testing.T) {
	config := "[vaws]\nvaws_auth = approle\nvaws_auth_role = id\nvaws_auth_mount = m\nvaws_auth_secret_env = S\n[profile p]\nvaws_auth = jwt\n"
	got := resolve(t, query(t, config, "p", vaultA))
	if r := got.Request; r.AuthMethod != "jwt" || r.AuthMount != "jwt" || r.AuthRole != "" || got.Login != (Login{}) {
		t.Errorf("%+v", got)
	}
}

func TestNormalise(t *testing.T) {
	for given, want := range map[string]string{
		"HTTPS://Vault.Example:443/": "https://vault.example",
		"http://vault.example:80":    "http://vault.example",
		"http://vault.example:443":   "http://vault.example:443",
		"https://[::1]:8200":         "https://[::1]:8200",
		"https://host/prefix/":       "https://host/prefix",
		"unix:///var/run/vault.sock": "unix:///var/run/vault.sock",
		"https://vault.example:":     "https://vault.example",
	} {
		if got, err := normalise(given); err != nil || got != want {
			t.Errorf("normalise(%q) = %q, %v, want %q", given, got, err, want)
		}
	}
}
