package profile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vaws/internal/credentials"
	"vaws/internal/hint"
)

// query asks for a name against the given AWS config and variables.
func query(t testing.TB, config, name string, env map[string]string) Query {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return Query{Name: name, Getenv: func(key string) string {
		if key == "AWS_CONFIG_FILE" {
			return path
		}
		return env[key]
	}}
}

func resolve(t *testing.T, q Query) Target {
	t.Helper()
	target, err := Resolve(q)
	if err != nil {
		t.Fatalf("Resolve(%q): %v", q.Name, err)
	}
	return target
}

var vaultA = map[string]string{"VAULT_ADDR": "https://a.example"}

func TestNameIsARole(t *testing.T) {
	for name, want := range map[string]credentials.Request{
		"ec2-admin":                     {Mount: "aws", Role: "ec2-admin"},
		"team/ec2-admin":                {Mount: "team", Role: "ec2-admin"},
		"org/team/aws/deploy":           {Mount: "org/team/aws", Role: "deploy"},
		"aws/sts/deploy":                {Mount: "aws", Endpoint: "sts", Role: "deploy"},
		"org/aws/creds/deploy":          {Mount: "org/aws", Endpoint: "creds", Role: "deploy"},
		"aws/static-creds/ci@prod.user": {Mount: "aws", Endpoint: "static-creds", Role: "ci@prod.user"},
		"sts/deploy":                    {Mount: "sts", Role: "deploy"},
	} {
		want.Address = "https://a.example"
		if got := resolve(t, query(t, "", name, vaultA)).Request; got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

func TestNamesThatAreRefused(t *testing.T) {
	for _, name := range []string{
		"", "a\nb", "a\x1b[31m", "../../sys/seal", "aws/../sys/x", "aws//x", "/x", "x/", "aws/./x",
		"-x", "x?y", "x#y", "a%2fb/c%2e", "x y", "\xff", "rôle", strings.Repeat("x", 513), "a/..",
	} {
		target, err := Resolve(query(t, "", name, vaultA))
		if err == nil {
			t.Errorf("%q became %+v", name, target.Request)
		} else if strings.ContainsAny(err.Error(), "\n\x1b") || len(hint.Of(err)) == 0 {
			t.Errorf("%q: error %q, hints %q", name, err, hint.Of(err))
		}
	}
}

func TestPrecedence(t *testing.T) {
	config := "[vaws]\nvaws_ttl = 1h\n[profile p]\nvaws_ttl = 2h\n"
	q := query(t, config, "p", map[string]string{"VAULT_ADDR": "https://a.example", "VAWS_TTL": "3h"})
	for _, step := range []struct {
		flags map[string]string
		want  time.Duration
	}{{map[string]string{TTL: "4h"}, 4 * time.Hour}, {nil, 3 * time.Hour}} {
		q.Flags = step.flags
		if got := resolve(t, q).Request.TTL; got != step.want {
			t.Errorf("flags %v: ttl %v, want %v", step.flags, got, step.want)
		}
	}
	if got := resolve(t, query(t, config, "p", vaultA)).Request.TTL; got != 2*time.Hour {
		t.Errorf("profile key: ttl %v", got)
	}
	if got := resolve(t, query(t, config, "other", vaultA)).Request.TTL; got != time.Hour {
		t.Errorf("[vaws] key: ttl %v", got)
	}
}

func TestNamespacePrecedence(t *testing.T) {
	env := map[string]string{"VAULT_ADDR": "https://a.example", "VAULT_NAMESPACE": "from-env/"}
	if got := resolve(t, query(t, "[vaws]\nvaws_namespace = from-vaws\n", "r", env)).Request.Namespace; got != "from-env" {
		t.Errorf("VAULT_NAMESPACE beside [vaws]: %q", got)
	}
	if got := resolve(t, query(t, "[profile r]\nvaws_namespace = own\n", "r", env)).Request.Namespace; got != "own" {
		t.Errorf("VAULT_NAMESPACE beside the profile: %q", got)
	}
}

func TestDottedProfilesDoNotInherit(t *testing.T) {
	config := "[profile prod]\nvaws_role = deploy\nvaws_ttl = 1h\n[profile prod.readonly]\nvaws_mount = ro\n"
	got := resolve(t, query(t, config, "prod.readonly", vaultA)).Request
	want := credentials.Request{Address: "https://a.example", Mount: "ro", Role: "prod.readonly"}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestRawValues(t *testing.T) {
	config := "\uFEFF[profile p]\r\nvaws_session_name = a,b=c ; comment\r\nVAWS_ROLE = x # %(y)s\r\ns3 =\r\n  region = nested\r\nregion = eu-west-1\\\r\nvaws_mount = m\r\n"
	_, err := Resolve(query(t, config, "p", vaultA))
	if err == nil || !strings.Contains(err.Error(), "region") {
		t.Errorf("a backslash is no continuation: %v", err)
	}
	config = strings.Replace(config, `\`, "", 1)
	got := resolve(t, query(t, config, "p", vaultA))
	if r := got.Request; r.Role != "x" || r.SessionName != "a,b=c" || r.Mount != "m" || got.Region.Name != "eu-west-1" {
		t.Errorf("%+v", got)
	}
}

func TestConfigThatDoesNotParseNamesFileAndLine(t *testing.T) {
	for config, want := range map[string]string{
		"[profile a]\nvaws_role = x\n[profile b\n":       "config:3: a section without",
		"[profile p]\n\n# c\nnonsense\n":                 "config:4: neither an option nor a section",
		"[vaws]\nvaws_mout = x\n":                        "config:2: unknown key \"vaws_mout\"",
		"[profile p]\nvaws_rol = x\n":                    "config:2: unknown key \"vaws_rol\"",
		"[vaws]\nvaws_role = x\n":                        "config:2: vaws_role in [vaws]",
		"[profile p]\nvaws_ttl = 5m\n":                   "config:2: vaws_ttl: \"5m\" is less than AWS gives",
		"[profile p]\nregion = x\n  vaws_mount = prod\n": "config:3: the space before it makes this line part of region",
		"[profile p]\nvaws_role =\n  good\n":             "config:3: the space before it makes this line part of vaws_role",
		"[profile p]\nvaws_mount =\n":                    "config:2: vaws_mount is empty",
		"[profile p]\nvaws_role = `x\n":                  "config:2: vaws_role: a value cannot begin",
		"[profile p]\nvaws_role = \"\"\"x\n":             "config:2: vaws_role: a value cannot begin",
		"[vaws]\naddress = https://x\n":                  "config:2: unknown key \"address\"",
		"[profile p]\nvaws_role = a/b\nvaws_mount = c\n": "config:2: vaws_role: \"a/b\" means mount \"a\"",
	} {
		_, err := Resolve(query(t, config, "p", vaultA))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", config, err, want)
		} else if len(hint.Of(err)) == 0 {
			t.Errorf("%q: no hint", config)
		}
	}
}

func TestFaultsElsewhereAreNobodysBusiness(t *testing.T) {
	config := "[profile a]\nvaws_rol = x\nnonsense\nvaws_address = ::\n[profile p]\nvaws_role = r\n"
	if got := resolve(t, query(t, config, "p", vaultA)).Request.Role; got != "r" {
		t.Errorf("role %q", got)
	}
}

func TestNothingFallsThroughToDefault(t *testing.T) {
	config := "[default]\nvaws_mount = wrong\nregion = us-east-1\n"
	got := resolve(t, query(t, config, "r", vaultA))
	if got.Request.Mount != "aws" || got.Region.Name != "" {
		t.Errorf("%+v", got)
	}
	if got := resolve(t, query(t, config, "default", vaultA)).Request.Mount; got != "wrong" {
		t.Errorf("the default profile itself: mount %q", got)
	}
}

func TestProfilesThatMeanSomethingElseAreRefused(t *testing.T) {
	for _, body := range []string{
		"role_arn = arn:aws:iam::1:role/x\nsource_profile = y",
		"sso_session = corp",
		"aws_access_key_id = AKIA",
		"credential_process = /opt/other-tool get",
		"credential_process = vaws credential-process another",
		"credential_process = /usr/local/bin/vaws credential-process p --mount team",
		"credential_process = vaws credential-process --mount=team p",
		"vaws_role = x\ncredential_process = vaws credential-process another",
	} {
		_, err := Resolve(query(t, "[profile p]\n"+body+"\n", "p", vaultA))
		if err == nil || len(hint.Of(err)) == 0 {
			t.Errorf("%q: error %v, hints %q", body, err, hint.Of(err))
		}
	}
}

func TestProfilesThatAgreeWithTheCall(t *testing.T) {
	for _, c := range []struct {
		body  string
		flags map[string]string
	}{
		{"region = us-east-1", nil},
		{"credential_process = vaws credential-process p", nil},
		{`credential_process = "C:\Program Files\vaws.exe" credential-process p --debug --cache none`, nil},
		{"credential_process = vaws credential-process p --mount team", map[string]string{Mount: "team"}},
		{"vaws_role = x\nrole_arn = arn:aws:iam::1:role/x", nil},
		{"vaws_role = x\ncredential_process = env vaws credential-process p", nil},
	} {
		q := query(t, "[profile p]\n"+c.body+"\n", "p", vaultA)
		q.Flags = c.flags
		if _, err := Resolve(q); err != nil {
			t.Errorf("%q: %v", c.body, err)
		}
	}
}

func TestMountSaidTwice(t *testing.T) {
	q := query(t, "", "team/r", vaultA)
	q.Flags = map[string]string{Mount: "aws"}
	if _, err := Resolve(q); err == nil {
		t.Error("--mount aws beside team/r was taken")
	}
	q.Flags = map[string]string{Mount: "team/"}
	resolve(t, q)
	q = query(t, "", "team/r", map[string]string{"VAULT_ADDR": "https://a.example", "VAWS_MOUNT": "aws"})
	if got := resolve(t, q).Request.Mount; got != "team" {
		t.Errorf("NAME beside VAWS_MOUNT: mount %q", got)
	}
}

func TestBadValues(t *testing.T) {
	for setting, values := range map[string][]string{
		TTL:         {"5m", "899", "soon", "900.5s", "-1h", "16m0.5s", "99999999999999999999"},
		RoleARN:     {"admin", "arn:aws:iam::1:role/x", "arn:aws:s3:::bucket"},
		SessionName: {"x", "a b", strings.Repeat("x", 65)},
		Endpoint:    {"roles", "STS"},
		Mount:       {"..", "a/../b", "a b", "a?b", "/"},
		Namespace:   {"../x", "a\tb"},
		Address:     {"vault.example.com", "ftp://x", "https://", "https://user:pw@host", "https://user:pw%zz@host", "http://x/$(id)", "https://x/v1", "https://x/ui/", "https://x?y", "https://x#y", "https://x\n"},
		Region:      {"us east", "US"},
	} {
		for _, value := range values {
			q := query(t, "", "r", vaultA)
			q.Flags = map[string]string{setting: value}
			_, err := Resolve(q)
			if err == nil || !strings.HasPrefix(err.Error(), "--"+setting+": ") {
				t.Errorf("--%s %q: error %v", setting, value, err)
			} else if strings.Contains(err.Error(), "pw") {
				t.Errorf("the password is in the error: %v", err)
			}
		}
	}
}

func TestAuthNeedsItsMethod(t *testing.T) {
	_, err := Resolve(query(t, "[profile p]\nvaws_auth_role = id\n", "p", vaultA))
	if err == nil || !strings.Contains(err.Error(), "config:2: vaws_auth_role") {
		t.Errorf("error %v", err)
	}
	_, err = Resolve(query(t, "[profile p]\nvaws_auth = approle\nvaws_auth_secret_file = secret\n", "p", vaultA))
	if err == nil || !strings.Contains(err.Error(), "absolute") {
		t.Errorf("error %v", err)
	}
}

func TestRegion(t *testing.T) {
	config := "[profile p]\nregion = eu-west-1\n"
	if got, want := resolve(t, query(t, config, "p", vaultA)).Region, (AWSRegion{"eu-west-1", false}); got != want {
		t.Errorf("profile: %+v", got)
	}
	q := query(t, config, "p", vaultA)
	env := map[string]string{"VAULT_ADDR": "https://a.example", "VAWS_REGION": "us-west-2"}
	if got, want := resolve(t, query(t, config, "p", env)).Region, (AWSRegion{"us-west-2", false}); got != want {
		t.Errorf("variable: %+v", got)
	}
	q.Flags = map[string]string{Region: "us-gov-west-1"}
	if got, want := resolve(t, q).Region, (AWSRegion{"us-gov-west-1", true}); got != want {
		t.Errorf("flag: %+v", got)
	}
}

func TestValuesOfOthersDoNotSwallowOurs(t *testing.T) {
	config := "[profile p]\nnote = \"\"\"abc\nvaws_role = good\nx = \"\"\"\nsecret = `hunter2\n\"quoted = hunter2\n- = x\n"
	if got := resolve(t, query(t, config, "p", vaultA)).Request.Role; got != "good" {
		t.Errorf("role %q", got)
	}
}

func TestKeysInTheCredentialsFileAreElsewhere(t *testing.T) {
	file := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(file, []byte("[prod]\naws_access_key_id = AKIA\n[empty]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"VAULT_ADDR": "https://a.example", "AWS_SHARED_CREDENTIALS_FILE": file}
	if _, err := Resolve(query(t, "", "prod", env)); err == nil || !strings.Contains(err.Error(), "credentials:2: ") {
		t.Errorf("error %v", err)
	}
	resolve(t, query(t, "", "empty", env))
	resolve(t, query(t, "[profile prod]\nvaws_role = r\n", "prod", env))
}

func TestOnlyWhatWasTypedIsAUsageError(t *testing.T) {
	typed := query(t, "", "r", vaultA)
	typed.Flags = map[string]string{TTL: "5m"}
	found := query(t, "[profile r]\nvaws_ttl = 5m\n", "r", vaultA)
	var usage UsageError
	if _, err := Resolve(typed); !errors.As(err, &usage) {
		t.Errorf("--ttl: %v", err)
	}
	if _, err := Resolve(found); err == nil || errors.As(err, &usage) {
		t.Errorf("vaws_ttl: %v", err)
	}
}

func TestMissingConfigIsNoError(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none", "config")
	q := Query{Name: "r", Getenv: func(key string) string {
		return map[string]string{"AWS_CONFIG_FILE": missing, "VAULT_ADDR": "https://a.example"}[key]
	}}
	resolve(t, q)
}

func TestNames(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte("[default]\n[profile \"a b\"]\nx=y\n[sso-session s]\n[profile c]\n[bad\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(Names(path), ","); got != "default,a b,c" {
		t.Errorf("names %q", got)
	}
}
