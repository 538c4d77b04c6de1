package profile

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"vaws/internal/hint"
)

// examined examines a config file with this content; SELF in it is a program.
func examined(t *testing.T, config, credentials string) []hint.Finding {
	t.Helper()
	dir := t.TempDir()
	self := filepath.Join(dir, "vaws")
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "SELF", self)), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("vaws", "", 0o700)
	write("my vaws", "", 0o700)
	write("data", "", 0o600)
	env := map[string]string{
		"AWS_CONFIG_FILE":             write("config", strings.ReplaceAll(config, "DIR", dir), 0o600),
		"AWS_SHARED_CREDENTIALS_FILE": write("credentials", credentials, 0o600),
	}
	return Examination{Getenv: func(name string) string { return env[name] }, Self: self}.Config()
}

// [default] is there for what has no profile; it counts if it uses vaws.
func TestProfilesAreCounted(t *testing.T) {
	const dev = "[profile dev]\ncredential_process = SELF credential-process dev\n"
	for config, want := range map[string]string{
		dev: "1 of 1 profiles",
		"[default]\nregion = x\n" + dev + "[profile sso]\nsso_session = x\n":          "1 of 2 profiles",
		"[default]\ncredential_process = SELF credential-process aws/default\n" + dev: "2 of 2 profiles",
	} {
		if f := examined(t, config, "")[0]; f.About != aboutConfig || !strings.Contains(f.Text, want) {
			t.Errorf("%s: %+v", config, f)
		}
	}
}

func TestConfigIsExamined(t *testing.T) {
	const good = "[profile dev]\ncredential_process = SELF credential-process dev\n"
	for _, c := range []struct{ config, credentials, about, says, hint string }{
		{good, "", "", "", ""},
		{strings.ReplaceAll(good, "\n", "\r\n"), "", "", "", ""},
		{"[profile dev]\nvaws_role = x\n", "", "", "", ""},
		{"\uFEFF" + good, "", aboutConfig, "byte-order mark", "run: perl"},
		{"# a comment\nregion = x\n" + good, "", aboutConfig, ":2: a line before the first section", "2d"},
		{good + good, "", aboutConfig, ":3: the section [profile dev] begins in line 1", "put what is below line 3"},
		{good + "region = a\nregion = b\n", "", aboutConfig, ":4: region is set in line 3", "4d"},
		{good + "[profile x\n", "", aboutConfig, ":3: a section without its closing bracket", "a section begins"},
		{"[profile x]\nhello\n" + good, "", aboutConfig, ":2: neither an option", "a line in a section reads"},
		{"[vaws]\nvaws_adress = x\n" + good, "", aboutConfig, `:2: unknown key "vaws_adress"`, "run: sed"},
		{"[vaws]\nvaws_role = x\n" + good, "", aboutConfig, "every profile's role", "put it into"},
		{strings.Replace(good, "profile ", "", 1), "", "profile dev", "no profile without the word", "[profile dev]"},
		{good + "vaws_rol = x\n", "", "profile dev", `:3: unknown key "vaws_rol"`, "3s/vaws_rol/vaws_role/"},
		{good + "sso_session = x\n", "", "profile dev", ":3: SDKs get credentials by sso_session", "3d"},
		{good, "[dev]\naws_access_key_id = x\n", "profile dev", "credentials:2: the keys there", "remove the section [dev]"},
		{good + "vaws_role = x\n", "", "", "", ""},
		{strings.Replace(good, "process dev", "process prod", 1) + "vaws_role = x\n", "", "profile dev", `asks for "prod"`, "credential-process dev"},
	} {
		check(t, c.config, examined(t, c.config, c.credentials), c.about, c.says, c.hint)
	}
}

// What it says to run mends the file where the links end, whatever the path is made of.
func TestAdviceKeepsLinks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no commands to run")
	}
	const good = "[profile dev]\nregion = x\n"
	for data, program := range map[string]string{"\uFEFF" + good: "perl", "x = 1\n" + good: "sed"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
		dir := filepath.Join(t.TempDir(), "it's mine")
		link, target := filepath.Join(dir, "config"), filepath.Join(dir, "$HOME")
		if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(target, []byte(data), 0o600), os.Symlink(target, link)); err != nil {
			t.Fatal(err)
		}
		findings := Examination{Getenv: func(name string) string { return map[string]string{"AWS_CONFIG_FILE": link}[name] }}.Config()
		command, _ := strings.CutPrefix(findings[0].Hints[0], "run: ")
		out, err := exec.Command("sh", "-c", command).CombinedOutput()
		info, statErr := os.Lstat(link)
		mended, readErr := os.ReadFile(target)
		if err := errors.Join(err, statErr, readErr); err != nil || info.Mode()&os.ModeSymlink == 0 || string(mended) != good {
			t.Errorf("%s: %v, %s: %v, %q", command, err, out, info, mended)
		}
	}
}

func TestCommandsAreExamined(t *testing.T) {
	for command, says := range map[string]string{
		"SELF credential-process dev":                    "",
		"SELF --debug credential-process dev":            "",
		`"SELF" credential-process dev --mount "x"`:      "",
		`"DIR/my vaws" credential-process dev`:           "it calls DIR/my vaws",
		"DIR/my vaws credential-process dev":             "a space and no quotes",
		"~/vaws credential-process dev":                  "do not expand the ~",
		"$HOME/vaws credential-process dev":              "do not expand the variable",
		"no-such-vaws credential-process dev":            "not on PATH",
		"./vaws credential-process dev":                  "another program in every directory",
		"/nowhere/vaws credential-process dev":           "there is no program",
		"DIR/data credential-process vaws":               "not executable",
		"/tmp/ credential-process vaws":                  "is not a program",
		`"SELF credential-process dev`:                   "a quote is not closed",
		`SELF credential-process "'"' dev`:               "a quote is not closed",
		`SELF credential-process "it's"`:                 "",
		`/opt/my\ tools/vaws credential-process dev`:     "a backslash",
		"SELF credentials-process dev":                   "that SDKs understand is credential-process",
		"SELF credential-process":                        "it names no profile",
		"aws-vault exec dev --json":                      "",
		"/nowhere/other-program --mentions-nothing-else": "",
	} {
		config := "[profile dev]\ncredential_process = " + command + "\n"
		findings := examined(t, config, "")
		if says == "" {
			check(t, command, findings, "", "", "")
			continue
		}
		if strings.HasPrefix(says, "it calls") {
			says = "it calls"
		}
		check(t, command, findings, "profile dev", says, "run: ")
	}
}

// check wants one finding that is not fine, or none where about is empty.
func check(t *testing.T, what string, findings []hint.Finding, about, says, advice string) {
	t.Helper()
	bad := slices.DeleteFunc(slices.Clone(findings), func(f hint.Finding) bool { return f.Status == hint.Fine })
	switch {
	case about == "" && (len(bad) > 0 || len(findings) == 0):
		t.Errorf("%s: %q", what, findings)
	case about == "":
	case len(bad) == 0 || bad[0].About != about || !strings.Contains(bad[0].Text, says) || !strings.Contains(strings.Join(bad[0].Hints, "\n"), advice):
		t.Errorf("%s: %q", what, findings)
	}
}

func TestEnvironmentIsExamined(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "config")
	if err := os.WriteFile(config, []byte("[profile dev]\nregion = x\n[default]\naws_access_key_id = x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct{ env, says, hint string }{
		{"", "", ""},
		{"AWS_PROFILE=dev", "", ""},
		{"AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=b", "", ""},
		{"AWS_PROFILE=dev AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=b", `not the profile "dev"`, "run: unset AWS_ACCESS_KEY_ID"},
		{"AWS_DEFAULT_PROFILE=dev AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=b", "AWS_DEFAULT_PROFILE names", "run: unset"},
		{"AWS_ACCESS_KEY_ID=a", "without AWS_SECRET_ACCESS_KEY", "run: unset AWS_ACCESS_KEY_ID"},
		{"AWS_ACCESS_KEY_ID=AKIA AWS_SECRET_ACCESS_KEY=b AWS_SESSION_TOKEN=c", "not of the key beside it", "run: unset AWS_SESSION_TOKEN"},
		{"AWS_ACCESS_KEY_ID=ASIA AWS_SECRET_ACCESS_KEY=b AWS_SESSION_TOKEN=c AWS_CREDENTIAL_EXPIRATION=2026-07-01T11:00:00Z", "expired", "--unset"},
		{"AWS_ACCESS_KEY_ID=ASIA AWS_SECRET_ACCESS_KEY=b AWS_SESSION_TOKEN=c AWS_CREDENTIAL_EXPIRATION=2026-07-01T13:00:00Z", "", ""},
		{"AWS_PROFILE=dev AWS_DEFAULT_PROFILE=other", "SDKs differ", "run: unset AWS_DEFAULT_PROFILE"},
		{"AWS_PROFILE=deb", "does not exist", "run: export AWS_PROFILE=dev"},
		{"AWS_PROFILE=nothing-like-it", "does not exist", "run: unset AWS_PROFILE"},
		{"AWS_PROFILE=dev AWS_ROLE_ARN=r AWS_WEB_IDENTITY_TOKEN_FILE=f", "WEB_IDENTITY", "run: unset"},
		{"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:1/x", "nothing listens", "run: unset"},
		{"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://192.0.2.1:1/x", "[default]", "exec --server"},
		{"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://192.0.2.1:1/x AWS_PROFILE=dev", "comes before the endpoint", "run: unset AWS_PROFILE"},
		{"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://192.0.2.1:1/x AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/x", "comes before AWS_CONTAINER_CREDENTIALS_FULL_URI", "run: unset"},
		{"VAWS_ADRESS=x", "did you mean VAWS_ADDRESS", "run: unset VAWS_ADRESS"},
		{"VAWS_ADDRESS=x VAWS_LAB_CACHE=y VAWS_PROFILE=z", "", ""},
	} {
		env := map[string]string{"AWS_CONFIG_FILE": config, "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(dir, "none")}
		x := Examination{Getenv: func(name string) string { return env[name] }, Environ: strings.Fields(c.env)}
		for _, entry := range x.Environ {
			name, value, _ := strings.Cut(entry, "=")
			env[name] = value
		}
		about := aboutEnvironment
		if c.says == "" {
			about = ""
		}
		check(t, c.env, x.Environment(now), about, c.says, c.hint)
	}
}

func TestUses(t *testing.T) {
	const config = `[vaws]
vaws_address = http://127.0.0.1:8200
[profile plain]
region = x
[profile dev]
credential_process = vaws credential-process team/deploy --ttl 1h
[profile own]
vaws_role = aws/admin
[profile bad]
vaws_rol = x
[profile other]
credential_process = /bin/vaws credential-process own
`
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	uses, err := Uses(func(name string) string { return map[string]string{"AWS_CONFIG_FILE": path}[name] })
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, u := range uses {
		r := u.Target.Request
		got = append(got, fmt.Sprintf("%s:%d %t %s/%s %s %t", u.Profile, u.Line, u.Called, r.Mount, r.Role, r.TTL, u.Err != nil))
	}
	want := []string{
		"dev:5 true team/deploy 1h0m0s false", "own:7 false aws/admin 0s false",
		"bad:9 false / 0s true", "other:11 true aws/admin 0s false",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// Two thousand profiles are a tenth of a second's work.
func BenchmarkConfig2000(b *testing.B) {
	var text strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&text, "[profile p%d]\ncredential_process = /bin/vaws credential-process p%d\nregion = x\n", i, i)
	}
	path := filepath.Join(b.TempDir(), "config")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	env := map[string]string{"AWS_CONFIG_FILE": path, "VAULT_ADDR": "http://127.0.0.1:8200", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere"}
	getenv := func(name string) string { return env[name] }
	for b.Loop() {
		Examination{Getenv: getenv}.Config()
		if uses, err := Uses(getenv); err != nil || len(uses) != 2000 {
			b.Fatal(err)
		}
	}
}

// What a profile is told to call is what SDKs can call, whatever the path is made of.
func TestAdviceNamesAProgramThatCanBeCalled(t *testing.T) {
	for self, want := range map[string]string{
		"/opt/vaws":       "'/opt/vaws credential-process dev'",
		"/my tools/vaws":  `'"/my tools/vaws" credential-process dev'`,
		"/my(tools)/vaws": `'"/my(tools)/vaws" credential-process dev'`,
		"/$HOME/vaws":     onPath,
		"/opt/vaws-1.2":   onPath,
	} {
		t.Setenv("PATH", t.TempDir())
		advice := Examination{Self: self}.meant(&surveyed{name: "dev"}, "")
		if !strings.Contains(advice, want) {
			t.Errorf("%s: %s", self, advice)
		}
	}
}
