package shell

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// program is a real shell: how it is told to evaluate the statements in the
// file $STATEMENTS and then to print its environment.
type program struct {
	name, dialect string
	argv          []string
}

const posixEval = `eval "$(cat "$STATEMENTS")"; env -0`

var programs = []program{
	{"dash", "sh", []string{"dash", "-euc", posixEval}},
	{"bash", "bash", []string{"bash", "--norc", "--noprofile", "-euc", posixEval}},
	{"bash --posix", "sh", []string{"bash", "--posix", "--norc", "--noprofile", "-euc", posixEval}},
	{"ksh", "sh", []string{"ksh", "-euc", posixEval}},
	{"zsh", "zsh", []string{"zsh", "-feuc", posixEval}},
	{"zsh RC_QUOTES", "zsh", []string{"zsh", "-feuc", "setopt rc_quotes; " + posixEval}},
	{"zsh as sh", "sh", []string{"zsh", "-feuc", "emulate sh; " + posixEval}},
	{"fish source", "fish", []string{"fish", "--no-config", "-c", `cat $STATEMENTS | source; and env -0`}},
	{"fish eval", "fish", []string{"fish", "--no-config", "-c", `eval "$(cat $STATEMENTS)"; and env -0`}},
}

// nu is Nushell, which reads UTF-8 only.
var nu = program{"nu", "nushell", []string{"nu", "--no-config-file", "-c", `open --raw $env.STATEMENTS | from json | load-env; ^env -0`}}

// pasted is shells that read the statements as a person's own lines, so that
// aliases and the history (!) are at work.
var pasted = []program{
	{"bash", "bash", []string{"bash", "--norc", "--noprofile", "-i"}},
	{"zsh", "zsh", []string{"zsh", "-fi"}},
	{"fish", "fish", []string{"fish", "--no-config", "-i"}},
}

var locales = []string{"C", "C.UTF-8"}

// hostile is values that a careless quoting loses or obeys.
func hostile() []struct{ Name, Value string } {
	var every, between strings.Builder
	for c := 1; c < 256; c++ {
		every.WriteByte(byte(c))
		between.WriteString("'" + string([]byte{byte(c)}) + "'\\")
	}
	values := []string{
		"", " ", "'", "''", "'''", `\`, `\'`, `'\''`, `\\'`, `"`, "`id`", "$(id)", "$HOME", "${HOME}", "(id)",
		"!", "!!", "!id", "-n", "--", "~", "*", "?[a]", "{a,b}", "#x", "a;id", "a&id", "a|id", ">x", "%s", "\n", "x\n", "\n\n'\n",
		"\r\n", "\t", "$'\\n'", "a b  c", "é", "日本語", "\u2028", "\xff", "\xe2\x82", "\xe2'", "\x81\\'", "\uf611", "\x1b[31m",
		strings.Repeat("'", 100), strings.Repeat(`\`, 101), every.String(), between.String(),
	}
	for c := 1; c < 256; c++ {
		values = append(values, string([]byte{byte(c)}), string([]byte{byte(c), '\''}))
	}
	set := make([]struct{ Name, Value string }, len(values))
	for i, value := range values {
		set[i].Name, set[i].Value = fmt.Sprintf("V_%d", i), value
	}
	return set
}

func TestEval(t *testing.T) {
	set := hostile()
	for _, p := range programs {
		t.Run(p.name, func(t *testing.T) {
			for _, locale := range locales {
				checkEval(t, p, set, "LC_ALL="+locale)
			}
		})
	}
}

func TestLoadEnvOfNushell(t *testing.T) {
	set := slices.DeleteFunc(hostile(), func(v struct{ Name, Value string }) bool { return !utf8.ValidString(v.Value) })
	checkEval(t, nu, set)
}

// What a dotenv file holds, its readers find in it: Python's library, and a shell, as
// "set -a; . FILE" has it.
func TestDotenvIsReadAlike(t *testing.T) {
	set := []struct{ Name, Value string }{{"A", "Ab1/+=="}, {"B", "2026-11-20T13:07:17Z"}, {"C", "aws/sts/x_y.z,@-"}, {"D", ""}}
	for _, p := range []program{
		{"python-dotenv", "dotenv", []string{"/usr/bin/python3", "-c", `import os, dotenv
dotenv.load_dotenv(os.environ["STATEMENTS"], override=True)
os.execvp("env", ["env", "-0"])`}},
		{"sh", "dotenv", []string{"sh", "-c", `set -a; . "$STATEMENTS"; env -0`}},
	} {
		t.Run(p.name, func(t *testing.T) {
			if p.name == "python-dotenv" && exec.Command("/usr/bin/python3", "-c", "import dotenv").Run() != nil {
				t.Skip("python-dotenv is not installed")
			}
			checkEval(t, p, set)
		})
	}
}

// In GBK the second byte of a character may be a backslash. fish reads
// characters, not bytes: a value that ends one before a quote would end it.
func TestEvalWhereCharactersHideBackslashes(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command("localedef", "-i", "zh_CN", "-f", "GBK", filepath.Join(dir, "zh_CN.GBK"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("cannot make a locale: %v: %s", err, out)
	}
	set := hostile()
	for _, p := range programs {
		t.Run(p.name, func(t *testing.T) {
			checkEval(t, p, set, "LC_ALL=zh_CN.GBK", "LOCPATH="+dir)
		})
	}
}

// Each of these is set in the environment of the shell (or not), and unset by
// the statements (or not, because they set it).
func TestEvalUnsets(t *testing.T) {
	statements := func(dialect string) string {
		return render(t, dialect, []struct{ Name, Value string }{{"BOTH", "new"}}, []string{"SET", "BOTH", "NEVER"})
	}
	for _, p := range append(slices.Clone(programs), nu) {
		t.Run(p.name, func(t *testing.T) {
			got := eval(t, p, statements(p.dialect), "SET=old", "BOTH=old", "OTHER=old", "name=old")
			for name, want := range map[string]string{"BOTH": "new", "OTHER": "old", "name": "old"} {
				if got[name] != want {
					t.Errorf("%s = %q, want %q", name, got[name], want)
				}
			}
			for _, name := range []string{"SET", "NEVER"} {
				if value, ok := got[name]; ok {
					t.Errorf("%s is still set, to %q", name, value)
				}
			}
		})
	}
}

// Nobody is told to leave the quotes out, and everybody does. Values without
// blanks, as AWS's are, survive it.
func TestEvalWithoutQuotes(t *testing.T) {
	want := "QDf/b+c=Z"
	for _, p := range []program{
		{"dash", "sh", []string{"dash", "-euc", `eval $(cat "$STATEMENTS"); env -0`}},
		{"bash", "bash", []string{"bash", "-euc", `eval $(cat "$STATEMENTS"); env -0`}},
		{"zsh", "zsh", []string{"zsh", "-feuc", `eval $(cat "$STATEMENTS"); env -0`}},
		{"fish", "fish", []string{"fish", "--no-config", "-c", `eval (cat $STATEMENTS); and env -0`}},
	} {
		t.Run(p.name, func(t *testing.T) {
			statements := render(t, p.dialect, []struct{ Name, Value string }{{"A", want}, {"B", "it's"}}, []string{"C", "D"})
			got := eval(t, p, statements, "C=1", "D=1")
			if got["A"] != want || got["B"] != "it's" || got["C"] != "" || got["D"] != "" {
				t.Errorf("environment %q", got)
			}
		})
	}
}

func TestPastedIntoAnInteractiveShell(t *testing.T) {
	values := []string{"!", "!!", "!V", "^a^b", "it's!!", `\!!`, "$(id)", "\xff"}
	set := make([]struct{ Name, Value string }, len(values))
	for i, value := range values {
		set[i].Name, set[i].Value = fmt.Sprintf("V_%d", i), value
	}
	for _, p := range pasted {
		t.Run(p.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out")
			cmd := command(t, p, "OUT="+out, "HISTFILE=/dev/null")
			cmd.Stdin = strings.NewReader(render(t, p.dialect, set, []string{"NEVER"}) + "env -0 > $OUT\nexit\n")
			if text, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			env, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, environment(env), set)
		})
	}
}

// A universal variable of fish belongs to all sessions: it stays, and fish
// says so.
func TestFishUniversalVariable(t *testing.T) {
	const script = `set -Ux AWS_PROFILE work; set -U PLAIN work; cat $STATEMENTS | source; or exit; env -0`
	p := program{"fish", "fish", []string{"fish", "-c", script}}
	cmd := command(t, p, statementsFile(t, render(t, "fish", nil, []string{"NEVER", "AWS_PROFILE", "PLAIN"})))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, &stderr)
	}
	want := "vaws: warning: universal variable AWS_PROFILE stays set: run \"set -eU AWS_PROFILE\"\n"
	if got := environment(out)["AWS_PROFILE"]; got != "work" || stderr.String() != want {
		t.Errorf("AWS_PROFILE = %q, stderr %q", got, &stderr)
	}
}

func checkEval(t *testing.T, p program, set []struct{ Name, Value string }, env ...string) {
	t.Helper()
	got := eval(t, p, render(t, p.dialect, set, nil), env...)
	compare(t, got, set)
}

func compare(t *testing.T, got map[string]string, set []struct{ Name, Value string }) {
	t.Helper()
	for _, v := range set {
		if value, ok := got[v.Name]; !ok || value != v.Value {
			t.Errorf("%q became %q (set: %v)", v.Value, value, ok)
		}
	}
}

// eval has the shell evaluate the statements and returns its environment.
func eval(t *testing.T, p program, statements string, env ...string) map[string]string {
	t.Helper()
	cmd := command(t, p, append(env, statementsFile(t, statements))...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("%s: %v: %s", p.name, err, &stderr)
	}
	return environment(out)
}

func statementsFile(t *testing.T, statements string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "statements")
	if err := os.WriteFile(file, []byte(statements), 0o600); err != nil {
		t.Fatal(err)
	}
	return "STATEMENTS=" + file
}

// command prepares the shell with a home and an environment of its own.
func command(t *testing.T, p program, env ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath(p.argv[0])
	if err != nil {
		t.Skipf("the shell %s is not installed", p.argv[0])
	}
	home := t.TempDir()
	cmd := exec.Command(path, p.argv[1:]...)
	cmd.Dir = home
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}, env...)
	return cmd
}

// environment reads what env -0 prints.
func environment(printed []byte) map[string]string {
	env := map[string]string{}
	for entry := range strings.SplitSeq(strings.TrimSuffix(string(printed), "\x00"), "\x00") {
		name, value, _ := strings.Cut(entry, "=")
		env[name] = value
	}
	return env
}
