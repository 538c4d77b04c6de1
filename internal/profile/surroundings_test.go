package profile

import (
	"strings"
	"testing"
	"time"

	"vaws/internal/credentials"
	"vaws/internal/hint"
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
		"VAULT_AGENT_ADDR": "http://127.0.0.1:8100", "VAULT_PROXY_ADDR": "http://proxy.example",
		"VAULT_CACERT": "/ca", "VAULT_CAPATH": "/cas", "VAULT_CACERT_BYTES": "-----BEGIN\n", "VAULT_CLIENT_TIMEOUT": "20",
	}
}

func TestSurroundingsReachTheirOwnAddress(t *testing.T) {
	got := resolve(t, query(t, twoVaults, "here", daily("HTTPS://Home.Example")))
	if !got.Ambient || got.Request.Address != "https://home.example" || got.Request.Namespace != "daily-ns" {
		t.Errorf("%+v", got)
	}
	want := TLS{
		CACert: "/ca", CAPath: "/cas", CACertPEM: "-----BEGIN\n",
		ClientCert: "/cert", ClientKey: "/key", ServerName: "name", SkipVerify: true,
	}
	if got.TLS != want || got.Via == "" || got.Proxy == "" || got.Timeout != 20*time.Second {
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
		if got.TLS != (TLS{}) || got.Timeout != 0 {
			t.Errorf("%s: %+v, timeout %v", name, got.TLS, got.Timeout)
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

func TestClientTimeout(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "30": 30 * time.Second, "30s": 30 * time.Second, "1m30s": 90 * time.Second, "1500ms": 1500 * time.Millisecond,
	} {
		env := map[string]string{"VAULT_ADDR": "https://a.example", "VAULT_CLIENT_TIMEOUT": text}
		if got := resolve(t, query(t, "", "r", env)).Timeout; got != want {
			t.Errorf("VAULT_CLIENT_TIMEOUT=%s: %v, want %v", text, got, want)
		}
	}
	for _, text := range []string{"soon", "-1s", "30 s"} {
		env := map[string]string{"VAULT_ADDR": "https://a.example", "VAULT_CLIENT_TIMEOUT": text}
		want := `VAULT_CLIENT_TIMEOUT: "` + text + `" is not a duration`
		if _, err := Resolve(query(t, "", "r", env)); err == nil || err.Error() != want || len(hint.Of(err)) == 0 {
			t.Errorf("error %v, want %q", err, want)
		}
		env["VAWS_ADDRESS"] = "https://b.example"
		resolve(t, query(t, "", "r", env)) // what is for another Vault is not even looked at
	}
}

func TestPlain(t *testing.T) {
	for address, want := range map[string]bool{
		"https://vault.example": false, "http://vault.example": true, "http://vault.example:8200/base": true,
		"http://localhost:8200": false, "http://LOCALHOST.": false, "http://vault.localhost": false,
		"http://notlocalhost": true, "http://localhost.example": true,
		"http://127.0.0.1:8200": false, "http://127.9.9.9": false, "http://128.0.0.1": true,
		"http://[::1]:8200": false, "http://[::2]:8200": true, "http://[::ffff:127.0.0.1]": false,
		"http://0.0.0.0": true, "http://127.0.0.1.example": true, "unix:///run/vault.sock": false,
	} {
		if got := (Target{Request: credentials.Request{Address: address}}).Plain(); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
	plain := credentials.Request{Address: "http://vault.example"}
	if (Target{Request: plain, Via: "unix:///run/agent.sock"}).Plain() {
		t.Error("the agent on this machine counts, not what it calls")
	}
	plain.Address = "https://vault.example"
	if !(Target{Request: plain, Via: "http://agent.example:8100"}).Plain() {
		t.Error("an agent on another machine is spoken to in the clear")
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
