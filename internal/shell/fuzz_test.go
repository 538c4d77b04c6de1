package shell

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"vaws/internal/hint"
)

// reader is a shell, or another program that reads statements, which stays: for each line
// on its stdin it reads those in the file $STATEMENTS anew, and prints its environment
// and a NUL more.
type reader struct {
	name, dialect string
	argv          []string
}

const posixLoop = `while IFS= read -r _; do eval "$(cat "$STATEMENTS")"; env -0; printf '\0'; done`

var readers = []reader{
	{"dash", "sh", []string{"dash", "-euc", posixLoop}},
	{"bash", "bash", []string{"bash", "--norc", "--noprofile", "-euc", posixLoop}},
	{"bash --posix", "sh", []string{"bash", "--posix", "--norc", "--noprofile", "-euc", posixLoop}},
	{"ksh", "sh", []string{"ksh", "-euc", posixLoop}},
	{"zsh", "zsh", []string{"zsh", "-feuc", posixLoop}},
	{"zsh RC_QUOTES", "zsh", []string{"zsh", "-feuc", "setopt rc_quotes; " + posixLoop}},
	{"zsh as sh", "sh", []string{"zsh", "-feuc", "emulate sh; " + posixLoop}},
	{"fish source", "fish", []string{"fish", "--no-config", "-c", `while read _; cat $STATEMENTS | source; or exit; env -0; printf '\0'; end`}},
	{"fish eval", "fish", []string{"fish", "--no-config", "-c", `while read _; eval "$(cat $STATEMENTS)"; or exit; env -0; printf '\0'; end`}},
	{"nu", "nushell", []string{"nu", "--no-config-file", "--stdin", "-c",
		`lines | each { open --raw $env.STATEMENTS | from json | load-env; ^env -0 | print --raw --no-newline; print --raw --no-newline (char -u "0") } | ignore`}},
	{"sh .", "dotenv", []string{"sh", "-c", `while read -r _; do set -a; . "$STATEMENTS"; env -0; printf '\0'; done`}},
	{"python-dotenv", "dotenv", []string{"/usr/bin/python3", "-c", `import os, sys, dotenv
for line in sys.stdin:
    dotenv.load_dotenv(os.environ["STATEMENTS"], override=True)
    sys.stdout.buffer.write(b"".join(k + b"=" + v + b"\0" for k, v in os.environb.items()) + b"\0")
    sys.stdout.flush()`}},
}

// FuzzEval has real shells, in one of three locales, read what is written for them, and
// PowerShell and cmd, which are not here, their rules as they are documented. All give
// the bytes back, or were given nothing.
func FuzzEval(f *testing.F) {
	for i, seed := range []string{
		"", "it's", "a\nb", `\`, "!$`\"", "\xff\x80'", "\x81\\'", "\x00", "日本", "'+[char]0x27", "\u2019;", "%PATH%", "^&|", "~/x:~", "$HOME", "Ab1/+=,@", "\\u0027",
	} {
		f.Add(byte(i%3), seed)
	}
	dir := f.TempDir()
	running := map[string]*running{}
	f.Cleanup(func() {
		for _, r := range running {
			r.stop()
		}
	})
	f.Fuzz(func(t *testing.T, locale byte, value string) {
		set := variations(value)
		checkWritten(t, set)
		if strings.Contains(value, "\x00") {
			return
		}
		env := localeIn(t, dir, locale)
		for _, p := range readers {
			key := strings.Join(append(env, p.name), " ")
			if running[key] == nil {
				running[key] = start(t, p, filepath.Join(dir, strconv.Itoa(len(running))), env)
			}
			given := set
			if p.name == "ksh" && locale%3 == gbk {
				given = slices.DeleteFunc(slices.Clone(set), isBeyondASCII)
			}
			if !running[key].reads(t, given) {
				running[key].stop()
				delete(running, key)
			}
		}
	})
}

// variations are the value and others of pieces of it and of what shells make something
// of: a turn of a shell takes milliseconds, however much it reads.
func variations(value string) []variable {
	pieces := append(strings.Split("' \" \\ $ ` ! # % & ; { } ( ) * ~ ^ | < > = - a \xe9 \xff \x81 é 日 \u2019 \x1b \x01 \x7f ${A} $(id) '' \\' \\n \\u0027 [char]0x27", " "),
		" ", "\n", "\r", "\t", value)
	digest := fnv.New64()
	digest.Write([]byte(value))
	r := rand.New(rand.NewPCG(digest.Sum64(), 0))
	all := []variable{{"V", value}, {"W", value + "'"}, {"X", `\` + value}}
	for i := range 40 {
		var mixed string
		for range 1 + r.IntN(8) {
			mixed += pieces[r.IntN(len(pieces))]
		}
		all = append(all, variable{fmt.Sprintf("V_%d", i), mixed})
	}
	return all
}

// givable leaves out what the shell cannot be given.
func givable(shell string, set []variable) []variable {
	return slices.DeleteFunc(slices.Clone(set), func(v variable) bool { return refusal(shell, v.Value) })
}

// isBeyondASCII finds what ksh 93u+m spoils in a locale of double bytes before any quoting
// counts: in "$(…)" it puts a backslash behind a byte that is no character.
func isBeyondASCII(v variable) bool {
	return strings.ContainsFunc(v.Value, func(r rune) bool { return r >= 0x80 })
}

// gbk is the choice of a locale in which a backslash may be half a character.
const gbk = 2

// localeIn are the variables of a locale, which is made in dir if it has to be.
func localeIn(t *testing.T, dir string, choice byte) []string {
	switch choice % 3 {
	case 0:
		return []string{"LC_ALL=C.UTF-8"}
	case 1:
		return []string{"LC_ALL=C"}
	}
	path := filepath.Join(dir, "zh_CN.GBK")
	if _, err := os.Stat(path); err != nil {
		if out, err := exec.Command("localedef", "-i", "zh_CN", "-f", "GBK", path).CombinedOutput(); err != nil {
			t.Skipf("cannot make a locale: %v: %s", err, out)
		}
	}
	return []string{"LC_ALL=zh_CN.GBK", "LOCPATH=" + dir}
}

// running is a reader that has been started; its program is not installed where stdin is
// nil.
type running struct {
	reader
	statements string // path
	cmd        *exec.Cmd
	stdin      io.WriteCloser
	stdout     *bufio.Reader
	deadline   func(time.Time) error // of stdout
	stderr     *os.File
}

func start(t *testing.T, p reader, statements string, env []string) *running {
	t.Helper()
	r := &running{reader: p, statements: statements}
	path, err := exec.LookPath(p.argv[0])
	if err != nil || p.name == "python-dotenv" && exec.Command(path, "-c", "import dotenv").Run() != nil {
		t.Logf("%s is not installed", p.name)
		return r
	}
	r.cmd = exec.Command(path, p.argv[1:]...)
	r.cmd.Dir = filepath.Dir(statements)
	r.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + r.cmd.Dir, "STATEMENTS=" + statements}, env...)
	stdin, inErr := r.cmd.StdinPipe()
	stdout, outErr := r.cmd.StdoutPipe()
	var errErr error
	r.stderr, errErr = os.Create(statements + ".stderr")
	r.cmd.Stderr = r.stderr
	if err := errors.Join(inErr, outErr, errErr, r.cmd.Start()); err != nil {
		t.Fatal(err)
	}
	r.stdin, r.stdout, r.deadline = stdin, bufio.NewReader(stdout), stdout.(*os.File).SetReadDeadline
	return r
}

func (r *running) stop() {
	if r.cmd != nil {
		r.stdin.Close()
		_ = r.cmd.Process.Kill()
		_ = r.cmd.Wait()
		r.stderr.Close()
	}
}

// reads has the program read the variables, and reports whether it can go on.
func (r *running) reads(t *testing.T, set []variable) bool {
	t.Helper()
	sh, err := Named(r.dialect)
	if err != nil {
		t.Fatal(err)
	}
	set = givable(r.dialect, set)
	text, err := Render(sh, set, nil)
	if err != nil {
		t.Errorf("%s: %q is refused: %v", r.dialect, set, err)
	}
	if r.stdin == nil || len(set) == 0 {
		return true
	}
	text = append(text, r.pasted(set)...)
	if err := os.WriteFile(r.statements, text, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := r.turn()
	said, _ := os.ReadFile(r.stderr.Name())
	if err != nil || len(said) > 0 {
		t.Errorf("%s: %q: %v: %s", r.name, text, err, said)
		return false
	}
	for _, v := range set {
		if value, found := got[v.Name]; !found || value != v.Value {
			t.Errorf("%s: %q became %q (set: %v)", r.name, v.Value, value, found)
		}
		if value, found := got["PASTED_"+v.Name]; found && value != v.Value {
			t.Errorf("%s: %q, quoted for a hint, became %q", r.name, v.Value, value)
		}
	}
	return !t.Failed()
}

// pasted are commands with words as hints have them.
func (r *running) pasted(set []variable) string {
	var b strings.Builder
	if slices.Contains([]string{"sh", "bash", "zsh"}, r.dialect) {
		for _, v := range set {
			fmt.Fprintf(&b, "set -- %s; export PASTED_%s=\"$1\";\n", hint.Quote(v.Value), v.Name)
		}
	}
	return b.String()
}

// turn is one turn of the program's loop.
func (r *running) turn() (map[string]string, error) {
	if _, err := io.WriteString(r.stdin, "\n"); err != nil {
		return nil, err
	}
	if err := r.deadline(time.Now().Add(30 * time.Second)); err != nil {
		return nil, err
	}
	env := map[string]string{}
	for {
		entry, err := r.stdout.ReadString(0)
		if err != nil || entry == "\x00" {
			return env, err
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(entry, "\x00"), "=")
		env[name] = value
	}
}

// checkWritten reads what is written for whoever is not here, by the rules, and checks
// that nothing is refused that can be given.
func checkWritten(t *testing.T, set []variable) {
	t.Helper()
	for name, read := range map[string]func([]byte) (map[string]string, error){
		"json": readJSON, "nushell": readJSON, "powershell": readPowershell, "cmd": readCmd,
		"dotenv": nil, "sh": nil, "fish": nil, "bash": nil, "zsh": nil,
	} {
		sh, err := Named(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range set {
			if text, err := Render(sh, []variable{v}, nil); (err != nil) != refusal(name, v.Value) || err != nil && len(text) > 0 {
				t.Errorf("%s: %q becomes %q, %v", name, v.Value, text, err)
			}
		}
		if read == nil {
			continue
		}
		want := map[string]string{}
		for _, v := range givable(name, set) {
			want[v.Name] = v.Value
		}
		text, err := Render(sh, givable(name, set), nil)
		got, readErr := read(text)
		if err != nil || readErr != nil || !maps.Equal(got, want) {
			t.Errorf("%s: %q becomes %q, %v, read as %q, %v", name, want, text, err, got, readErr)
		}
	}
}

// refusal reports whether the shell cannot be given the value.
func refusal(name, value string) bool {
	isOf := func(most string) bool {
		return !strings.ContainsFunc(value, func(r rune) bool { return !strings.ContainsRune(most, r) })
	}
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+=:@,-"
	switch name {
	case "json", "nushell":
		return !utf8.ValidString(value) || strings.Contains(value, "\x00")
	case "powershell":
		return value == "" || !utf8.ValidString(value) || strings.Contains(value, "\x00")
	case "cmd":
		return value == "" || !isOf(plain+" #$&'()*;<>?[\\]^`{|}~")
	case "dotenv":
		return !isOf(plain)
	}
	return strings.Contains(value, "\x00")
}

func readJSON(text []byte) (env map[string]string, err error) {
	if bytes.Count(text, []byte("\n")) != 1 {
		return nil, errors.New("not one line")
	}
	return env, json.Unmarshal(text, &env)
}

// readCmd reads lines of set "NAME=VALUE". Between the quotes cmd heeds % and !.
func readCmd(text []byte) (map[string]string, error) {
	env := map[string]string{}
	for line := range strings.Lines(string(text)) {
		inner, found := strings.CutPrefix(line, `set "`)
		inner, ended := strings.CutSuffix(inner, "\"\n")
		name, value, assigned := strings.Cut(inner, "=")
		if !found || !ended || !assigned || strings.ContainsAny(inner, "%!\"\r\n\x00\x1a") {
			return nil, fmt.Errorf("line %q", line)
		}
		env[name] = value
	}
	return env, nil
}

// readPowershell reads lines of $env:NAME = 'TEXT'+[char]NUMBER+'TEXT'; as PowerShell
// does: ” in a text is a quote, and so are four characters beyond ASCII.
func readPowershell(text []byte) (map[string]string, error) {
	env := map[string]string{}
	for line := range strings.Lines(string(text)) {
		assignment, ended := strings.CutSuffix(line, ";\n")
		name, expression, assigned := strings.Cut(strings.TrimPrefix(assignment, "$env:"), " = ")
		value, err := powershellValue(expression)
		if !ended || !assigned || err != nil || strings.ContainsFunc(assignment, func(r rune) bool { return r < ' ' || r > '~' }) {
			return nil, fmt.Errorf("line %q: %w", line, err)
		}
		env[name] = value
	}
	return env, nil
}

func powershellValue(expression string) (string, error) {
	var value strings.Builder
	for rest := expression; ; rest = rest[1:] {
		switch {
		case strings.HasPrefix(rest, "'"):
			var text string
			text, rest = powershellText(rest[1:])
			value.WriteString(text)
		case strings.HasPrefix(rest, "[char]"):
			term, after, _ := strings.Cut(rest, "+")
			rest = "+" + after
			digits := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(term, "[char]"), "::ConvertFromUtf32("), ")")
			r, err := strconv.ParseInt(digits, 0, 32)
			if err != nil || strings.Contains(term, "(") != (r > 0xffff) {
				return "", fmt.Errorf("no character: %q", term)
			}
			value.WriteRune(rune(r))
		}
		if rest == "" {
			return value.String(), nil
		}
		if rest[0] != '+' {
			return "", fmt.Errorf("%q stands behind a text", rest)
		}
	}
}

// powershellText is a text up to the quote that ends it, and what stands behind that.
func powershellText(rest string) (text, behind string) {
	var b strings.Builder
	for {
		before, after, _ := strings.Cut(rest, "'")
		b.WriteString(before)
		if !strings.HasPrefix(after, "'") {
			return b.String(), after
		}
		b.WriteByte('\'')
		rest = after[1:]
	}
}
