package cli

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/alecthomas/kong"
)

const fuzzedConfig = `[profile dev]
vaws_role = deploy
region = eu-west-1
[profile sso]
sso_session = x
[profile called]
credential_process = vaws credential-process called --ttl 1h
`

// FuzzCommandLine runs command lines, whose words are the lines of the input, against a
// Vault that answers at once. Each ends well, or with one error, its hints and nothing
// on stdout.
func FuzzCommandLine(f *testing.F) {
	for _, seed := range []string{
		"credential-process\ndev", "credential-process\n", "credential-process\n\xff=,", "credential-process\nteam/aws/sts/deploy\n--ttl=1h\n--role-arn\narn:aws:iam::123456789012:role/x",
		"credential-process\nsso\n--mount=m", "credential-process\ncalled\n--ttl\n1h", "credential-process\n--namespace\n/\na/../b",
		"credential-process\ndev\n--min-ttl\n2h\n--refresh", "credential-process\ndev\n--mfa-code\n123 456\n--session-name=x",
		"credential-process\ndev\n--region=EU\n--settle=1d\n--debug", "credential-process\ndev\n--cache\nnone\n--endpoint=static-creds",
		"env\ndev\n--shell\nfish", "env\n--unset\n--shell=nu", "env\n\x1b[31m\xff", "list\n--roles", "list\n--json", "version", "help\nexec", "--help",
		"exec\n--server\ndev\n--\ntrue\n--help", "serve\na\na\n--port\n70000", "console\n-\n--print", "login\nuserpass\n--username=a",
		"configure\n--role\na/b\n--role=,\n-y", "completion\nbash", "__complete\nbash\nvaws env d\n:=", "__complete\nzsh\nexec\n--", "credential-proces", "",
	} {
		f.Add(seed)
	}
	env := fuzzedSurroundings(f)
	f.Fuzz(func(t *testing.T, line string) {
		args := words(line)
		checkUnparsed(t, args)
		if !mayRun(args) {
			parse(t, args)
			return
		}
		status, stdout, stderr := call(t, env, args...)
		if status > 2 || status < 0 || status != 0 && stdout != "" {
			t.Errorf("%q: status %d, stdout %q", args, status, stdout)
		}
		checkMessages(t, args, status, stderr)
	})
}

// fuzzedSurroundings are the variables of calls that reach nothing but a Vault which
// gives credentials to everybody.
func fuzzedSurroundings(f *testing.F) map[string]string {
	vault := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"data":{"access_key":"ASIAIOSFODNN7EXAMPLE","secret_key":"wJalrXUtnFEMI","session_token":"t","ttl":3600}}`)
	}))
	f.Cleanup(vault.Close)
	home := f.TempDir()
	f.Setenv("HOME", home)
	f.Setenv("XDG_CACHE_HOME", "")
	config := filepath.Join(home, "config")
	if err := os.WriteFile(config, []byte(fuzzedConfig), 0o600); err != nil {
		f.Fatal(err)
	}
	return map[string]string{
		"VAULT_ADDR": vault.URL, "VAULT_TOKEN": "hvs.CAESItoken", "AWS_CONFIG_FILE": config,
		"AWS_SHARED_CREDENTIALS_FILE": filepath.Join(home, "none"), "VAWS_CACHE": "none",
	}
}

func words(line string) []string {
	if line == "" {
		return nil
	}
	return strings.Split(line, "\n")
}

// mayRun reports whether the call would neither start a program, nor leave anything
// behind, nor reach another Vault.
func mayRun(args []string) bool {
	if len(args) == 0 || !isCommand(args[0]) {
		return len(args) == 0 || args[0] != "help"
	}
	return slices.Contains([]string{"credential-process", "env", "list", "version", "completion"}, args[0]) &&
		!slices.ContainsFunc(args, func(word string) bool {
			return strings.HasPrefix(word, "--address") || strings.HasPrefix(word, "--cache") && word != "--cache=none"
		})
}

// checkUnparsed holds a line that is not parsed against what the parser makes of it.
func checkUnparsed(t *testing.T, args []string) {
	t.Helper()
	command := unparsed(args)
	if command == nil {
		return
	}
	parser, err := newParser(args[0])
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.Parse(args)
	if err != nil || !reflect.DeepEqual(command, parsed.Selected().Target.Interface()) {
		t.Errorf("%q: %+v without the parser, with it %v, %v", args, command, parsed, err)
	}
}

// parse is a call up to where its command would run.
func parse(t *testing.T, args []string) {
	t.Helper()
	exited := false
	parser, err := newParser(args[0], kongOptions(&exited)...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(args); err != nil && !exited && err.Error() == "" {
		t.Errorf("%q: an error without words", args)
	}
}

// kongOptions keep the parser from printing and from ending the process.
func kongOptions(exited *bool) []kong.Option {
	return []kong.Option{kong.Writers(io.Discard, io.Discard), kong.Exit(func(int) { *exited = true })}
}

// checkMessages checks what is on stderr.
func checkMessages(t *testing.T, args []string, status int, stderr string) {
	t.Helper()
	kinds := map[string]int{}
	for line := range strings.Lines(stderr) {
		rest, found := strings.CutPrefix(line, "vaws: ")
		kind, text, _ := strings.Cut(rest, ": ")
		text, ended := strings.CutSuffix(text, "\n")
		if !found || !ended || strings.TrimSpace(text) == "" && kind != "debug" || !utf8.ValidString(text) || strings.ContainsFunc(text, disturbs) {
			t.Errorf("%q: says %q", args, stderr)
		}
		kinds[kind]++
	}
	if kinds["error"] != min(status, 1) || kinds["hint"] > 5 || status == statusUsage && kinds["hint"] == 0 {
		t.Errorf("%q: status %d, says %q", args, status, stderr)
	}
}

// FuzzExecLine parses "exec BEFORE… NAME -- REST…", with a word in each line of before
// and rest. REST is the command, to the word, and no flag of vaws.
func FuzzExecLine(f *testing.F) {
	for _, seed := range [][3]string{
		{"", "dev", "true"},
		{"--ttl=1h\n--server", "dev", "aws\n--region\nx\n--debug\n--\n--mount=y"},
		{"--ttl\n1h", "-", "--\n--\n-x"},
		{"--mount", "dev", "true\n--help"},
		{"x\ny\n--mount", "dev", "--server"},
		{"--", "--debug", "--debug"},
		{"-h", "", ""},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, before, name, rest string) {
		command := words(rest)
		head := append(append([]string{"exec"}, words(before)...), name, "--")
		alone, errAlone := parseExec(t, head)
		whole, err := parseExec(t, append(slices.Clone(head), command...))
		if err != nil || whole.helped {
			return
		}
		if given := append([]string{whole.Name}, whole.Command...); !slices.Equal(given[max(0, len(given)-len(command)):], command) {
			t.Errorf("%q %q: name %q, command %q", head, command, whole.Name, whole.Command)
		}
		if errAlone == nil && !reflect.DeepEqual(alone.targetFlags, whole.targetFlags) || errAlone == nil && (alone.Server != whole.Server || alone.Revoke != whole.Revoke) {
			t.Errorf("%q %q: a flag of the command is taken for one of vaws", head, command)
		}
		if words(before) == nil && !strings.HasPrefix(name, "-") && len(command) > 0 {
			if got := whole.command(&session{getenv: os.Getenv}); whole.Name != name || !slices.Equal(got, command) {
				t.Errorf("%q %q: runs %q for %q", head, command, got, whole.Name)
			}
		}
	})
}

// parsedExec is an execCommand, and whether help was asked for instead.
type parsedExec struct {
	execCommand
	helped bool
}

func parseExec(t *testing.T, args []string) (parsedExec, error) {
	t.Helper()
	var p parsedExec
	parser, err := newParser("exec", kongOptions(&p.helped)...)
	if err != nil {
		t.Fatal(err)
	}
	command, err := parser.Parse(args)
	if err == nil {
		p.execCommand = command.Selected().Target.Interface().(execCommand)
	}
	return p, err
}
