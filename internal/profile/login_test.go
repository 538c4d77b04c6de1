package profile

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vaws/internal/credentials"
	"vaws/internal/hint"
)

// with are the variables of env and one Vault's address.
func with(env map[string]string) map[string]string {
	env = maps.Clone(env)
	if env == nil {
		env = map[string]string{}
	}
	if env["VAULT_ADDR"] == "" {
		env["VAULT_ADDR"] = "https://a.example"
	}
	return env
}

// loginOf is the log-in of a target, and what else it needs.
func loginOf(t Target) (credentials.Login, Login) { return t.Request.Login(), t.Login }

func TestLoginKeys(t *testing.T) {
	const config = `[profile p]
vaws_namespace = team/
vaws_auth = jwt
vaws_auth_mount = ci/jwt/
vaws_auth_role = deploy
vaws_auth_namespace = admin/
vaws_auth_secret_file = /run/jwt
vaws_auth_secret_env = JWT
vaws_auth_audience = https://vault.example
`
	login, rest := loginOf(resolve(t, query(t, config, "p", vaultA)))
	want := credentials.Login{Address: "https://a.example", Namespace: "admin", Method: "jwt", Mount: "ci/jwt", Role: "deploy"}
	if login != want {
		t.Errorf("%+v, want %+v", login, want)
	}
	if want := (Login{"/run/jwt", "JWT", "https://vault.example"}); rest != want {
		t.Errorf("%+v, want %+v", rest, want)
	}
}

func TestLoginVariables(t *testing.T) {
	env := map[string]string{
		"VAWS_ADDRESS": "https://a.example", "VAWS_NAMESPACE": "team", "VAWS_AUTH": "jwt", "VAWS_AUTH_MOUNT": "ci",
		"VAWS_AUTH_ROLE": "deploy", "VAWS_AUTH_NAMESPACE": "/", "VAWS_AUTH_SECRET_FILE": "/run/jwt",
		"VAWS_AUTH_SECRET_ENV": "JWT", "VAWS_AUTH_AUDIENCE": "vault",
	}
	login, rest := loginOf(resolve(t, query(t, "", "r", env)))
	want := credentials.Login{Address: "https://a.example", Method: "jwt", Mount: "ci", Role: "deploy"}
	if login != want {
		t.Errorf("%+v, want %+v", login, want)
	}
	if want := (Login{"/run/jwt", "JWT", "vault"}); rest != want {
		t.Errorf("%+v, want %+v", rest, want)
	}
}

func TestLoginNamespace(t *testing.T) {
	for _, c := range []struct{ keys, want string }{
		{"vaws_auth = oidc\n", "team"},
		{"vaws_auth = oidc\nvaws_auth_namespace = /\n", ""},
		{"vaws_auth = oidc\nvaws_auth_namespace = /admin/eu/\n", "admin/eu"},
		{"", ""},
	} {
		r := resolve(t, query(t, "[profile p]\nvaws_namespace = team\n"+c.keys, "p", vaultA)).Request
		if r.Namespace != "team" || r.AuthNamespace != c.want {
			t.Errorf("%q: namespace %q, of the log-in %q, want %q", c.keys, r.Namespace, r.AuthNamespace, c.want)
		}
	}
}

func TestLoginPrecedence(t *testing.T) {
	const config = "[vaws]\nvaws_auth = jwt\nvaws_auth_role = vaws\n[profile p]\nvaws_auth = jwt\nvaws_auth_role = profile\n"
	env := with(map[string]string{"VAWS_AUTH_ROLE": "variable"})
	q := query(t, config, "p", env)
	q.Flags = map[string]string{AuthRole: "flag"}
	for _, c := range []struct {
		q    Query
		want string
	}{
		{q, "flag"}, {query(t, config, "p", env), "variable"},
		{query(t, config, "p", vaultA), "profile"}, {query(t, config, "", vaultA), "vaws"},
	} {
		got, err := ResolveLogin(c.q)
		if err != nil || got.Request.AuthRole != c.want {
			t.Errorf("role %q, %v, want %q", got.Request.AuthRole, err, c.want)
		}
	}
}

func TestOneMethodOnly(t *testing.T) {
	const oidcBelow = "[vaws]\nvaws_auth = oidc\nvaws_auth_mount = okta\nvaws_auth_secret_env = S\nvaws_auth_audience = a\n"
	for _, c := range []struct {
		what   string
		flags  map[string]string
		env    map[string]string
		config string
		want   credentials.Login
		rest   Login
	}{
		{"a typed method takes nothing from another", map[string]string{Auth: "jwt"}, nil, oidcBelow,
			credentials.Login{Method: "jwt", Mount: "jwt"}, Login{}},
		{"a typed method takes what is of its own", map[string]string{Auth: "oidc"}, nil, oidcBelow,
			credentials.Login{Method: "oidc", Mount: "okta"}, Login{SecretEnv: "S", Audience: "a"}},
		{"over another method in between", map[string]string{Auth: "oidc"}, map[string]string{"VAWS_AUTH": "jwt", "VAWS_AUTH_ROLE": "ci"}, oidcBelow,
			credentials.Login{Method: "oidc", Mount: "okta"}, Login{SecretEnv: "S", Audience: "a"}},
		{"a variable's method drops the profile's", nil, map[string]string{"VAWS_AUTH": "jwt"}, "[profile p]\nvaws_auth = oidc\nvaws_auth_role = dev\n",
			credentials.Login{Method: "jwt", Mount: "jwt"}, Login{}},
		{"what names no method is for the method below", nil, map[string]string{"VAWS_AUTH_ROLE": "dev"}, oidcBelow,
			credentials.Login{Method: "oidc", Mount: "okta", Role: "dev"}, Login{SecretEnv: "S", Audience: "a"}},
		{"and for no other", map[string]string{Auth: "jwt"}, map[string]string{"VAWS_AUTH_ROLE": "dev"}, oidcBelow,
			credentials.Login{Method: "jwt", Mount: "jwt"}, Login{}},
		{"past a layer without any", map[string]string{AuthRole: "dev"}, nil, "[profile p]\nvaws_auth_mount = corp\n" + oidcBelow,
			credentials.Login{Method: "oidc", Mount: "corp", Role: "dev"}, Login{SecretEnv: "S", Audience: "a"}},
		{"with no method below, it is for the one above", map[string]string{Auth: "jwt"}, nil, "[profile p]\nvaws_auth_role = dev\n",
			credentials.Login{Method: "jwt", Mount: "jwt", Role: "dev"}, Login{}},
	} {
		q := query(t, c.config, "", with(c.env))
		q.Flags = c.flags
		if strings.Contains(c.config, "[profile p]") {
			q.Name = "p"
		}
		got, err := ResolveLogin(q)
		c.want.Address = "https://a.example"
		if login, rest := loginOf(got); err != nil || login != c.want || rest != c.rest {
			t.Errorf("%s: %+v %+v, %v, want %+v %+v", c.what, login, rest, err, c.want, c.rest)
		}
	}
}

func TestTheSecretComesFromOnePlace(t *testing.T) {
	const config = "[profile p]\nvaws_auth = approle\nvaws_auth_secret_file = /below\n"
	got := resolve(t, query(t, config, "p", with(map[string]string{"VAWS_AUTH_SECRET_ENV": "ABOVE"}))).Login
	if want := (Login{SecretEnv: "ABOVE"}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestVariablesOfALoginStayAtTheirVault(t *testing.T) {
	login := map[string]string{"VAWS_AUTH": "jwt", "VAWS_AUTH_SECRET_ENV": "JWT"}
	const there = "[profile there]\nvaws_address = https://there.example\n"
	for _, c := range []struct {
		what, config, name string
		vaws, vault, flag  string // addresses
		want               string // the method
	}{
		{"VAULT_ADDR is the target's", "", "r", "", "https://a.example", "", "jwt"},
		{"VAWS_ADDRESS is the target's", "", "r", "https://A.example:443/", "", "", "jwt"},
		{"VAWS_ADDRESS goes before home", "", "r", "https://b.example", "https://a.example", "https://a.example", ""},
		{"VAWS_ADDRESS is the flag's", "", "r", "https://b.example", "https://a.example", "https://b.example", "jwt"},
		{"the profile is elsewhere", there, "there", "", "https://a.example", "", ""},
		{"the only address is home", there, "there", "", "", "", "jwt"},
		{"the flag is elsewhere", "", "r", "", "https://a.example", "https://b.example", ""},
		{"[vaws] is home", "[vaws]\nvaws_address = https://a.example\n", "r", "", "", "", "jwt"},
		{"[vaws] is home, the profile elsewhere", "[vaws]\nvaws_address = https://a.example\n" + there, "there", "", "", "", ""},
		{"nobody knows whose they are", there + "[profile q]\nvaws_address = https://q.example\n", "there", "", "", "", ""},
	} {
		env := maps.Clone(login)
		env["VAWS_ADDRESS"], env["VAULT_ADDR"] = c.vaws, c.vault
		q := query(t, c.config, c.name, env)
		if c.flag != "" {
			q.Flags = map[string]string{Address: c.flag}
		}
		got := resolve(t, q)
		if got.Request.AuthMethod != c.want || (got.Login.SecretEnv != "") != (c.want != "") {
			t.Errorf("%s: method %q, secret in %q", c.what, got.Request.AuthMethod, got.Login.SecretEnv)
		}
	}
}

func TestLoginsThatAreRefused(t *testing.T) {
	const noMethod = ": no vaws_auth names the method to log in by"
	for _, c := range []struct {
		config, variable, value, want string
	}{
		{"[profile p]\nvaws_auth_role = id\n", "", "", "config:2: vaws_auth_role" + noMethod},
		{"[vaws]\nvaws_auth_audience = a\n", "", "", "config:2: vaws_auth_audience" + noMethod},
		{"", "VAWS_AUTH_NAMESPACE", "ns", "VAWS_AUTH_NAMESPACE" + noMethod},
		{"", "VAWS_AUTH", "a b", `VAWS_AUTH: "a b" is not a path in Vault`},
		{"[profile p]\nvaws_auth = jwt\nvaws_auth_namespace = ../x\n", "", "", `config:3: vaws_auth_namespace: "../x" is not a path in Vault`},
		{"[profile p]\nvaws_auth = jwt\nvaws_auth_mount = /\n", "", "", `config:3: vaws_auth_mount: "" is not a path in Vault`},
		{"[profile p]\nvaws_auth = jwt\nvaws_auth_secret_file = -\n", "", "", `config:3: vaws_auth_secret_file: "-" is not an absolute path`},
		{"[vaws]\nvaws_auth = jwt\n", "VAWS_AUTH_SECRET_FILE", "jwt", `VAWS_AUTH_SECRET_FILE: "jwt" is not an absolute path`},
		{"[vaws]\nvaws_auth = jwt\n", "VAWS_AUTH_ROLE", "a\nb", "VAWS_AUTH_ROLE: control characters in its value"},
	} {
		_, err := Resolve(query(t, c.config, "p", with(map[string]string{c.variable: c.value})))
		if err == nil || !strings.HasSuffix(err.Error(), c.want) {
			t.Errorf("%q %s: error %v, want %q", c.config, c.variable, err, c.want)
		}
	}
}

func TestMisspeltLoginAndTLSKeys(t *testing.T) {
	for key, want := range map[string]string{
		"vaws_auth_namspace": "vaws_auth_namespace", "vaws_auth_audiance": "vaws_auth_audience",
		"vaws_cacert": "vaws_ca_cert", "vaws_clientcert": "vaws_client_cert", "vaws_client_kye": "vaws_client_key",
	} {
		_, err := Resolve(query(t, "[profile p]\n"+key+" = x\n", "p", vaultA))
		if got, want := hint.Of(err), []string{"did you mean " + want + "?"}; !slices.Equal(got, want) {
			t.Errorf("%s: hints %q, want %q", key, got, want)
		}
	}
}

func TestResolveLogin(t *testing.T) {
	q := query(t, twoVaults, "", daily("https://home.example"))
	got, err := ResolveLogin(q)
	if err != nil {
		t.Fatal(err)
	}
	want := credentials.Request{
		Address: "https://home.example", Namespace: "daily-ns",
		AuthMethod: "approle", AuthMount: "approle", AuthRole: "home-role", AuthNamespace: "daily-ns",
	}
	if got.Request != want || got.Name != "" || !got.Ambient || got.Login.SecretEnv != "HOME_SECRET" {
		t.Errorf("%+v", got)
	}
	if got.Via == "" || got.Proxy == "" || got.Timeout == 0 || got.TLS.CACert != "/ca" {
		t.Errorf("the surroundings are missing: %+v", got)
	}
	q.Name = "there"
	got, err = ResolveLogin(q)
	want = credentials.Request{Address: "https://there.example"}
	if err != nil || got.Request != want || got.Name != "there" || got.Ambient || got.TLS != (TLS{}) || got.Via != "" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestResolveLoginHasNoRole(t *testing.T) {
	const config = "[profile p]\nvaws_role = a//b\nvaws_mount = ..\nvaws_ttl = 1s\nregion = ?\nvaws_address = https://p.example\n"
	got, err := ResolveLogin(query(t, config, "p", nil))
	if want := (credentials.Request{Address: "https://p.example"}); err != nil || got.Request != want {
		t.Errorf("%+v, %v", got.Request, err)
	}
}

func TestResolveLoginWithoutAMethod(t *testing.T) {
	q := query(t, "[profile p]\nvaws_auth_mount = okta\n", "p", with(map[string]string{"VAWS_NAMESPACE": "team"}))
	q.Flags = map[string]string{AuthRole: "dev", AuthNamespace: "ns"}
	got, err := ResolveLogin(q)
	want := credentials.Request{Address: "https://a.example", Namespace: "team", AuthMount: "okta", AuthRole: "dev"}
	if err != nil || got.Request != want {
		t.Errorf("%+v, %v, want %+v", got.Request, err, want)
	}
}

func TestTypedSecretFile(t *testing.T) {
	dir, err := os.UserHomeDir()
	if err != nil {
		t.Skip(err)
	}
	for typed, want := range map[string]string{
		"-": "-", "secret": "secret", "./secret": "./secret", "/run/secret": "/run/secret", "~/secret": filepath.Join(dir, "secret"),
	} {
		q := query(t, "", "", vaultA)
		q.Flags = map[string]string{Auth: "approle", AuthSecretFile: typed}
		if got, err := ResolveLogin(q); err != nil || got.Login.SecretFile != want {
			t.Errorf("%q became %q, %v", typed, got.Login.SecretFile, err)
		}
	}
}

func TestTypedLoginSettingsAreUsageErrors(t *testing.T) {
	for setting, want := range map[string]string{
		Auth: "METHOD: ", AuthMount: "--auth-mount: ", AuthRole: "--auth-role: ", AuthNamespace: "--auth-namespace: ",
		AuthSecretFile: "--secret-file: ", AuthSecretEnv: "--secret-env: ", Address: "--address: ", Namespace: "--namespace: ",
	} {
		q := query(t, "", "", vaultA)
		q.Flags = map[string]string{setting: "a\tb"}
		_, err := ResolveLogin(q)
		var usage UsageError
		if !errors.As(err, &usage) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", setting, err, want)
		}
	}
}

func TestLoginProfilesThatAreRefused(t *testing.T) {
	const config = `[profile ec2-admin]
vaws_role = r
[profile sso]
sso_session = corp
[profile same]
credential_process = vaws credential-process same --mount team
[profile other]
credential_process = vaws credential-process ec2-admin
[profile far]
credential_process = vaws credential-process far --address https://far.example
`
	for _, c := range []struct {
		name, want, advice string
		usage              bool
	}{
		{"same", "", "", false},
		{"ec2-amdin", `no profile "ec2-amdin"`, "did you mean ec2-admin?", true},
		{"zzz\x1b", `no profile "zzz\x1b"`, "profiles are the sections [profile NAME] of ", true},
		{"sso", `:4: profile "sso" gets its credentials elsewhere: sso_session`, "to get it from Vault, add to its section, at line 3: vaws_role = ROLE", false},
		{"other", `:8: profile "other" stands for another call of vaws`, "leave out --profile, ", false},
		{"far", `:10: profile "far" stands for another call of vaws`, "leave out --profile, ", false},
	} {
		_, err := ResolveLogin(query(t, config, c.name, vaultA))
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		var usage UsageError
		if err == nil || !strings.HasSuffix(err.Error(), c.want) || errors.As(err, &usage) != c.usage {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
		if advice := strings.Join(hint.Of(err), "\n"); !strings.HasPrefix(advice, c.advice) {
			t.Errorf("%s: hint %q, want %q", c.name, advice, c.advice)
		}
	}
}
