package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
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
		{"credential-process a/../b", 1, "not a path in Vault"},
		{"exec a --ttl 5m -- true", 125, "less than AWS gives"},
		{"env a --ttl 5m", 1, "less than AWS gives"},
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

func TestVersion(t *testing.T) {
	if status, stdout, _ := call(t, nil, "version"); status != 0 || !strings.HasPrefix(stdout, "vaws ") {
		t.Errorf("status %d, stdout %q", status, stdout)
	}
}

func TestUnsetNeedsNoVault(t *testing.T) {
	config := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(config, []byte("[profile p]\nregion = eu-west-1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"AWS_CONFIG_FILE": config, "VAULT_ADDR": "http://127.0.0.1:1",
		"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-east-1",
	}
	status, stdout, stderr := call(t, env, "env", "p", "--unset", "--shell", "sh")
	if status != 0 || stderr != "" || !strings.Contains(stdout, "AWS_ACCESS_KEY_ID") {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
	if !strings.Contains(stdout, "AWS_REGION") || strings.Contains(stdout, "AWS_DEFAULT_REGION") {
		t.Errorf("of the regions, the one that p brought goes: %q", stdout)
	}
	if _, stdout, _ := call(t, env, "env", "--unset", "--shell", "sh"); strings.Contains(stdout, "REGION") {
		t.Errorf("without NAME the region stays: %q", stdout)
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
