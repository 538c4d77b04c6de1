package profile

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"gopkg.in/ini.v1"

	"vaws/internal/hint"
)

const fuzzedSecret = "wJalrXUtnFEMI/K7MDENG/EXAMPLEKEY"

// FuzzConfig resolves a name in an AWS config, lists what is there and examines it. Each
// way of reading the config finds the same, which is what ini.v1 finds, and what is said
// names lines that exist and shows no secret. {secret} stands for one, in the options
// that have some.
func FuzzConfig(f *testing.F) {
	const dev = "[profile dev]\nvaws_role = deploy\nvaws_mount = team/aws\nregion = eu-west-1\n"
	for _, seed := range []string{
		dev,
		"[vaws]\nvaws_address = https://vault.example.com\nvaws_auth = userpass\nvaws_auth_role = me\n[profile dev]\ncredential_process = vaws credential-process dev --ttl 1h\n",
		"[default]\nregion = x\n[profile \"dev\"]\nvaws_rôle = x\nvaws_ttl = 1m\n",
		"\uFEFF[profile dev]\r\nVAWS_ROLE: x ; comment\r\ns3 =\r\n  vaws_mount = nested\r\nvaws_mount = m\r\n",
		"[profile dev]\naws_secret_access_key = {secret}\naws_session_token={secret}\nvaws_role = \"\"\"x\n",
		"[profile dev]\ncredential_process = \"/opt/my vaws/vaws\" credential-process other --mount=m\nvaws_role=x\nsso_session = y\n",
		dev + "[profile dev]\nvaws_role = again\n[dev]\nvaws_role = stranger\naws_secret_access_key = {secret}\n",
		"vaws_role = outside\n[profile dev\n",
		"[profile dev] # comment\nvaws_role = a%(b)s\\\nvaws_mount = `x`\n[profile dev.x]\nvaws_namespace = n/\n",
		"[profile dev]\nno option {secret}\n",
		"[profile x]\ns3 =\n  vaws_address = https://b.example\n[profile dev]\nvaws_role = r\n",
	} {
		f.Add("dev", []byte(seed))
	}
	dir := f.TempDir()
	path := filepath.Join(dir, "config")
	env := map[string]string{"AWS_CONFIG_FILE": path, "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(dir, "credentials"), "VAULT_ADDR": "https://a.example"}
	getenv := func(name string) string { return env[name] }
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		data = hideSecrets(data)
		for _, file := range []string{path, env["AWS_SHARED_CREDENTIALS_FILE"]} {
			if err := os.WriteFile(file, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		said := said{t, data, path}
		_, err := Resolve(Query{Name: name, Getenv: getenv})
		said.err(err)
		_, err = ForRequest(resolved(t, name).Request, getenv)
		said.err(err)
		uses, err := Uses(getenv)
		said.err(err)
		for _, u := range uses {
			said.number(u.Line)
			said.err(u.Err)
		}
		for _, finding := range (Examination{Getenv: getenv, Self: "/usr/bin/vaws"}).Config() {
			said.text(finding.Text)
			for _, advice := range finding.Hints {
				said.text(advice)
			}
		}
		Offered(path)
		Keys(path)("dev")
		for _, name := range slices.Compact(append([]string{name}, Names(path)...)) {
			checkSurvey(t, path, data, name)
			checkWholeFile(t, path, data, name)
		}
	})
}

// hideSecrets puts the secret where configs have some, and nowhere else.
func hideSecrets(data []byte) []byte {
	var all [][]byte
	for line := range bytes.Lines(data) {
		name, _, _ := bytes.Cut(line, []byte("="))
		secret := ""
		switch string(bytes.TrimSpace(name)) {
		case "aws_secret_access_key", "aws_session_token":
			secret = fuzzedSecret
		}
		all = append(all, bytes.ReplaceAll(line, []byte("{secret}"), []byte(secret)))
	}
	return bytes.Join(all, nil)
}

// said checks what is said of a config.
type said struct {
	t    *testing.T
	data []byte
	path string
}

func (s said) err(err error) {
	s.t.Helper()
	if err == nil {
		return
	}
	s.text(err.Error())
	for _, advice := range hint.Of(err) {
		s.text(advice)
	}
}

var numbered = regexp.MustCompile(`/config:(-?\d+)`)

func (s said) text(text string) {
	s.t.Helper()
	if strings.Contains(text, fuzzedSecret) {
		s.t.Errorf("%q: tells a secret: %q", s.data, text)
	}
	for _, at := range numbered.FindAllStringSubmatch(text, -1) {
		if number, err := strconv.Atoi(at[1]); err == nil && strings.Contains(text, s.path+":"+at[1]) {
			s.number(number)
		}
	}
}

func (s said) number(number int) {
	s.t.Helper()
	if number < 1 || number > bytes.Count(s.data, []byte("\n"))+1 {
		s.t.Errorf("%q: names line %d", s.data, number)
	}
}

// resolved is the target that a role has where there is no config.
func resolved(t *testing.T, name string) Target {
	target, err := Resolve(Query{Name: name, Getenv: func(key string) string {
		return map[string]string{"VAULT_ADDR": "https://a.example", "AWS_CONFIG_FILE": os.DevNull}[key]
	}})
	if usage := (UsageError{}); err != nil && !errors.As(err, &usage) {
		t.Errorf("%q: %v", name, err)
	}
	return target
}

// checkSurvey holds that the survey of all profiles finds what a call for one finds.
func checkSurvey(t *testing.T, path string, data []byte, name string) {
	t.Helper()
	one, err := parseConfig(path, data, name)
	w, surveyErr := surveyConfig(path, data)
	var all awsConfig
	if surveyErr == nil {
		all, surveyErr = w.config(name)
	}
	if surveyErr == nil {
		surveyErr = w.vaws.err
	}
	if (err == nil) != (surveyErr == nil) {
		t.Errorf("%q: error %v, of the survey %v", data, err, surveyErr)
	}
	if err != nil || surveyErr != nil {
		return
	}
	for _, pair := range [][2]section{{one.profile, all.profile}, {one.vaws, all.vaws}} {
		a, errA := settingsOf(pair[0])
		b, errB := settingsOf(pair[1])
		if !maps.Equal(a, b) || (errA == nil) != (errB == nil) {
			t.Errorf("%q: %v and %v in the survey", data, a, b)
		}
	}
	if !maps.Equal(one.profile.lines, all.profile.lines) {
		t.Errorf("%q: lines %v and %v", data, one.profile.lines, all.profile.lines)
	}
	if want := onlyAddress(path, data); one.address.get() != want || all.address.get() != want {
		t.Errorf("%q: the only address is %q, in the survey %q, want %q", data, one.address.get(), all.address.get(), want)
	}
}

// onlyAddress is soleAddress without its haste.
func onlyAddress(path string, data []byte) string {
	addresses := map[string]bool{}
	_ = scan(path, data, func(l line) error {
		if name, value, _ := l.option(); name == keyName(Address) && !l.isHeader && !l.continues {
			addresses[normal(value)] = true
		}
		return nil
	})
	for address := range addresses {
		if len(addresses) == 1 {
			return address
		}
	}
	return ""
}

// checkWholeFile holds that the lines handed to ini.v1 are those that it takes from the
// whole file. It has another idea of indented lines, and inherits where names have dots.
func checkWholeFile(t *testing.T, path string, data []byte, name string) {
	t.Helper()
	conf, err := parseConfig(path, data, name)
	if err != nil || !isPlain(data) || conf.profile.header == 0 {
		return
	}
	file, err := ini.LoadSources(ini.LoadOptions{
		InsensitiveKeys: true, IgnoreContinuation: true, SpaceBeforeInlineComment: true, PreserveSurroundedQuote: true,
		KeyValueDelimiters: optionDelimiters, ChildSectionDelimiter: "\x00",
	}, data)
	if err != nil {
		return
	}
	want := map[string]string{}
	for _, s := range file.Sections() {
		title, isProfile, err := header(path, 1, "["+s.Name()+"]")
		if err != nil || !isProfile || title != name {
			continue
		}
		for _, key := range s.Keys() {
			if strings.HasPrefix(key.Name(), keyPrefix) {
				want[key.Name()] = key.Value()
			}
		}
	}
	got := maps.Clone(conf.profile.options)
	maps.DeleteFunc(got, func(key, _ string) bool { return !strings.HasPrefix(key, keyPrefix) })
	if len(got)+len(want) > 0 && !maps.Equal(got, want) {
		t.Errorf("%q: profile %q has %q, for ini.v1 %q", data, name, got, want)
	}
}

// isPlain reports whether no line is indented, and none has quotes that ini.v1 takes for
// the beginning of several.
func isPlain(data []byte) bool {
	for line := range bytes.Lines(data) {
		if bytes.ContainsAny(line[:1], " \t\v\f\r") && len(bytes.TrimSpace(line)) > 0 {
			return false
		}
	}
	return !bytes.Contains(data, []byte(`"""`)) && !bytes.Contains(data, []byte("`"))
}

// FuzzCommand splits a credential_process. Where nothing is said against its quotes, its
// words are those of Python's shlex, by which botocore starts it.
func FuzzCommand(f *testing.F) {
	for _, seed := range []string{
		"vaws credential-process dev", `"/opt/my vaws/vaws" credential-process 'a b'`, `vaws credential-process "it's"`, `vaws "'"' x`, `vaws ""''a" "`,
		"vaws\tx\u00a0y  z", `vaws a\b`, `vaws a#b # c`, "",
	} {
		f.Add(seed)
	}
	split := shlex(f)
	f.Fuzz(func(t *testing.T, command string) {
		if !utf8.ValidString(command) || strings.ContainsAny(command, "\r\n\x00") || strings.TrimSpace(command) == "" {
			return // no value of an AWS config
		}
		words, err := lintQuotes(command, "config:1", "")
		if err != nil {
			return
		}
		want, err := split(command)
		if err != nil || !slices.Equal(words, want) {
			t.Errorf("%q: split into %q, by shlex into %q, %v", command, words, want, err)
		}
	})
}

// shlex is Python's split, in a process that stays.
func shlex(f *testing.F) func(command string) ([]string, error) {
	python := exec.Command("python3", "-c", `import json, shlex, sys
for line in sys.stdin:
    try:
        answer = {"Words": shlex.split(json.loads(line))}
    except ValueError as e:
        answer = {"Error": str(e)}
    print(json.dumps(answer), flush=True)`)
	stdin, inErr := python.StdinPipe()
	stdout, outErr := python.StdoutPipe()
	if err := errors.Join(inErr, outErr, python.Start()); errors.Is(err, exec.ErrNotFound) {
		f.Skip("python3 is not installed")
	} else if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		stdin.Close()
		if err := python.Wait(); err != nil {
			f.Error(err)
		}
	})
	ask, answers := json.NewEncoder(stdin), json.NewDecoder(stdout)
	return func(command string) ([]string, error) {
		var answer struct {
			Words []string
			Error string
		}
		if err := errors.Join(ask.Encode(command), answers.Decode(&answer)); err != nil || answer.Error == "" {
			return answer.Words, err
		}
		return nil, errors.New(answer.Error)
	}
}
