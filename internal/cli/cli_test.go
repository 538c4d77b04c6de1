package cli

import (
	"bytes"
	"io"
	"log"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"vaws/internal/profile"
)

// What needs no Vault is tested here, the rest in internal/lab.

// call runs a command line as Main does, with an environment of its own.
func call(t *testing.T, env map[string]string, args ...string) (status_ int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	s := &session{
		console: console{out: &out, err: &errs},
		getenv:  func(name string) string { return env[name] },
		now:     time.Now,
		calm:    func() {},
	}
	err := s.run(args)
	if err == nil {
		return 0, out.String(), errs.String()
	}
	s.printError(err)
	return status(err, len(args) > 0 && args[0] == "exec"), out.String(), errs.String()
}

func TestUsageErrors(t *testing.T) {
	for _, c := range []struct {
		line   string
		status int
		says   string
	}{
		{"", 2, "no command given"},
		{"credential-proces x", 2, "did you mean"},
		{"credential-process", 2, `expected "<name>"`},
		{"credential-process a b", 2, "unexpected argument b"},
		{"credential-process a --nonsense", 2, "unknown flag --nonsense"},
		{"credential-process a --cache memory", 2, "--cache"},
		{"env", 2, "NAME is missing"},
		{"env a --shell tcsh", 2, `shell "tcsh"`},
		{"exec", 125, `expected "<name>"`},
		{"exec --nonsense a -- true", 125, "unknown flag --nonsense"},
		{"credential-process a --mount=", 2, "--mount is empty"},
		{"credential-process a --mfa-code abc", 2, "no MFA code"},
		{"credential-process a --ttl 20m --min-ttl 1h", 2, "more than the ttl"},
		{"credential-process a --min-ttl soon", 2, "--min-ttl"},
		{"credential-process a/../b", 2, "not a path in Vault"},
		{"exec a --ttl 5m -- true", 125, "less than AWS gives"},
		{"env a --ttl 5m", 2, "less than AWS gives"},
	} {
		env := map[string]string{"VAULT_ADDR": "http://127.0.0.1:1", "AWS_CONFIG_FILE": filepath.Join(t.TempDir(), "none")}
		status, stdout, stderr := call(t, env, strings.Fields(c.line)...)
		lines := strings.SplitAfter(stderr, "\n")
		if status != c.status || stdout != "" || !strings.Contains(stderr, c.says) {
			t.Errorf("%q: status %d, stdout %q, stderr %q", c.line, status, stdout, stderr)
		}
		if !strings.HasPrefix(lines[0], "vaws: error: ") || !strings.HasPrefix(lines[1], "vaws: hint: ") {
			t.Errorf("%q: stderr %q", c.line, stderr)
		}
	}
}

// A line that is not given to the parser means what the parser would make of it.
func TestUnparsedIsWhatTheParserWouldSay(t *testing.T) {
	for line, isUnparsed := range map[string]bool{
		"version":                             true,
		"credential-process ec2-admin":        true,
		"credential-process team/aws/x":       true,
		"version --help":                      false,
		"credential-process":                  false,
		"credential-process a b":              false,
		"credential-process -h":               false,
		"credential-process --":               false,
		"credential-process a --cache kernel": false,
		"exec a":                              false,
	} {
		args := strings.Fields(line)
		command := unparsed(args)
		if (command != nil) != isUnparsed {
			t.Errorf("%q: %#v", line, command)
		}
		if !isUnparsed {
			continue
		}
		parser, err := newParser(args[0])
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := parser.Parse(args)
		if err != nil {
			t.Fatal(err)
		}
		if want := parsed.Selected().Target.Interface(); !reflect.DeepEqual(command, want) {
			t.Errorf("%q is %#v, parsed %#v", line, command, want)
		}
	}
}

// File names need not be UTF-8, and a command under exec gets its arguments as they are.
func TestWordsKeepTheirBytes(t *testing.T) {
	p, err := parseExec(t, []string{"exec", "--mount", "\xcf", "--region=\xff", "dev", "--", "cat", "caf\xe9", "--\xcf"})
	if want := []string{"--", "cat", "caf\xe9", "--\xcf"}; err != nil || !slices.Equal(p.Command, want) || *p.Mount != "\xcf" || *p.Region != "\xff" {
		t.Errorf("command %q, mount %q, region %q, %v", p.Command, *p.Mount, *p.Region, err)
	}
}

func TestVersion(t *testing.T) {
	if status, stdout, _ := call(t, nil, "version"); status != 0 || !strings.HasPrefix(stdout, "vaws ") {
		t.Errorf("status %d, stdout %q", status, stdout)
	}
}

// The script fault_answers shows what it would say.
func TestNothingIsLoggedByOthers(t *testing.T) {
	before := log.Writer()
	defer log.SetOutput(before)
	if status := Main([]string{"vaws", "env", "--no-such-flag"}); status != statusUsage || log.Writer() != io.Discard {
		t.Errorf("status %d, net/http logs to %v", status, log.Writer())
	}
}

func TestUnsetNeedsNoVault(t *testing.T) {
	env := map[string]string{"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-east-1", "VAWS_SET_REGION": "eu-west-1"}
	for _, args := range [][]string{{"env", "--unset", "--shell", "sh"}, {"env", "p", "--unset", "--shell", "sh"}} {
		status, stdout, stderr := call(t, env, args...)
		if status != 0 || stderr != "" || !strings.Contains(stdout, "AWS_ACCESS_KEY_ID") {
			t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
		}
		if !strings.Contains(stdout, "AWS_REGION") || strings.Contains(stdout, "AWS_DEFAULT_REGION") {
			t.Errorf("of the regions, the one that vaws has set goes: %q", stdout)
		}
	}
}

func TestListWithoutAHomeDirectory(t *testing.T) {
	t.Setenv("HOME", "")
	t.Setenv("USERPROFILE", "")
	status, stdout, stderr := call(t, nil, "list")
	const want = "vaws: there is no AWS config, as there is no home directory\nvaws: hint: run: export AWS_CONFIG_FILE=/path/to/config\n"
	if status != 0 || stdout != "" || stderr != want {
		t.Errorf("%d, %q, %q", status, stdout, stderr)
	}
}

func TestRegionVariables(t *testing.T) {
	profiles, flag := profile.AWSRegion{Name: "us-east-1"}, profile.AWSRegion{Name: "us-east-1", Insist: true}
	for _, c := range []struct {
		env    map[string]string
		region profile.AWSRegion
		sets   bool
	}{
		{nil, profiles, true},
		{nil, profile.AWSRegion{}, false},
		{map[string]string{"AWS_REGION": "eu-west-1"}, profiles, false},
		{map[string]string{"AWS_DEFAULT_REGION": "eu-west-1"}, profiles, false},
		{map[string]string{"AWS_DEFAULT_REGION": "eu-west-1"}, flag, true},
		{map[string]string{"AWS_REGION": "eu-west-1", "VAWS_SET_REGION": "eu-west-1"}, profiles, true},
	} {
		s := &session{getenv: func(name string) string { return c.env[name] }}
		if vars := s.regionVariables(c.region); (len(vars) == 3) != c.sets {
			t.Errorf("%v %v: %v", c.env, c.region, vars)
		}
	}
}

func TestMessagesStayOnTheirLine(t *testing.T) {
	var errs bytes.Buffer
	c := console{err: &errs, debugOn: true}
	c.debug("%s", "a\x1b[31m\nb\u009bc")
	if got, want := errs.String(), "vaws: debug: a [31m b c\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestOpenBaosVariables(t *testing.T) {
	for name, c := range map[string]struct {
		environ []string
		want    string // of VAULT_TOKEN
	}{
		"Vault's own":      {[]string{"VAULT_TOKEN=v", "BAO_TOKEN=b"}, "v"},
		"OpenBao's":        {[]string{"BAO_ADDR=https://bao", "BAO_TOKEN=b"}, "b"},
		"an empty one":     {[]string{"VAULT_TOKEN=", "BAO_TOKEN=b"}, "b"},
		"the same address": {[]string{"VAULT_ADDR=https://bao", "BAO_ADDR=https://bao", "BAO_TOKEN=b"}, "b"},
		"another address":  {[]string{"VAULT_ADDR=https://vault", "BAO_ADDR=https://bao", "BAO_TOKEN=b"}, ""},
	} {
		if got := snapshot(c.environ)("VAULT_TOKEN"); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
