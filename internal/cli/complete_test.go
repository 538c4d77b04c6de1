package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const breaks = " \t\n\"'@><=;|&(:"

func TestSplitLine(t *testing.T) {
	for text, want := range map[string]struct {
		words  []string
		quote  rune
		broken int
	}{
		"vaws ":                    {[]string{"vaws", ""}, 0, 0},
		"vaws  exec\t x":           {[]string{"vaws", "exec", "x"}, 0, 0},
		`vaws exec my\ pro`:        {[]string{"vaws", "exec", "my pro"}, 0, 0},
		`vaws exec 'my pro`:        {[]string{"vaws", "exec", "my pro"}, '\'', 0},
		`vaws exec "a'b\"`:         {[]string{"vaws", "exec", `a'b"`}, '"', 0},
		`vaws exec '' x`:           {[]string{"vaws", "exec", "", "x"}, 0, 0},
		`vaws env --shell=ba`:      {[]string{"vaws", "env", "--shell=ba"}, 0, 8},
		`vaws exec a:b`:            {[]string{"vaws", "exec", "a:b"}, 0, 2},
		`A=1 B= vaws exec`:         {[]string{"vaws", "exec"}, 0, 0},
		`vaws login --profile='se`: {[]string{"vaws", "login", "--profile=se"}, '\'', 10},
		`vaws exec --x="a"b`:       {[]string{"vaws", "exec", "--x=ab"}, 0, 4},
		`vaws exec ab"cd`:          {[]string{"vaws", "exec", "abcd"}, '"', 2},
		`vaws exec a\`:             {[]string{"vaws", "exec", "a"}, 0, 0},
		"":                         {[]string{""}, 0, 0},
		"vaws exec --x=1 ":         {[]string{"vaws", "exec", "--x=1", ""}, 0, 0},
		"vaws exec \u65e5\u672c x": {[]string{"vaws", "exec", "日本", "x"}, 0, 0},
	} {
		l := splitLine(text, breaks)
		if !slices.Equal(l.words, want.words) || l.quote != want.quote || l.broken != want.broken || len(l.raw) != len(l.words) {
			t.Errorf("%q: %+v, want %+v", text, l, want)
		}
	}
}

func TestCountWords(t *testing.T) {
	for text, want := range map[string]int{"vaws exec a:b --x=1 -- ls": 10, `vaws exec "a:b" ls`: 4, "vaws": 1} {
		if got := countWords(strings.Fields(text), breaks); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

// completed asks as a shell does, with two profiles.
func completed(t *testing.T, args ...string) string {
	t.Helper()
	return completedIn(t, "[profile prod:eu]\n[profile it's mine]\n", args...)
}

func completedIn(t *testing.T, profiles string, args ...string) string {
	t.Helper()
	config := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(config, []byte(profiles), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	status, stdout, stderr := call(t, map[string]string{"AWS_CONFIG_FILE": config}, append([]string{completeWord}, args...)...)
	if status != 0 || stderr != "" {
		t.Errorf("%q: status %d, stderr %q", args, status, stderr)
	}
	return stdout
}

func TestCompletion(t *testing.T) {
	for want, args := range map[string][]string{
		"words\nprod:eu\nit\\'s\\ mine\n":               {"bash", "vaws exec ", breaks},
		"words\neu\n":                                   {"bash", "vaws exec prod:", breaks},
		"words\nprod:eu\n":                              {"bash", `vaws exec "pr`, breaks},
		"words\nkeyring\nkernel\n":                      {"bash", `vaws exec --cache="ke`, breaks},
		"words\nod:eu\n":                                {"bash", `vaws exec pr'od`, breaks},
		"words\nbash\n":                                 {"bash", "vaws env x --shell=b", breaks},
		"words\nprod\\:eu:profile\nit's mine:profile\n": {"zsh", "exec", ""},
		"words\n'it''s mine'\tprofile\n":                {"powershell", "exec", "=it"},
		"words\nsts\t\ncreds\t\nstatic-creds\t\n":       {"fish", "exec", "--endpoint", ""},
		"words\nget\t\nstore\t\nerase\t\n":              {"fish", "token-helper", ""},
		"command 3\n":                                   {"fish", "exec", "a", ""},
		"command 4\n":                                   {"fish", "exec", "a", "--", "ls", "-l", ""},
		"command 6\n":                                   {"bash", "vaws exec a:b -- sudo -", breaks},
		"files\n":                                       {"fish", "login", "--secret-file", ""},
		"words\n":                                       {"fish", "version", ""},
		"":                                              {"bash"},
	} {
		if got := completed(t, args...); got != want {
			t.Errorf("%q: %q, want %q", args, got, want)
		}
	}
}

// Within a quote bash takes what it is answered as it is, so nothing is offered there
// that means anything to it.
func TestQuotesStayClosed(t *testing.T) {
	for _, name := range []string{"x$(touch y)", "x`touch y`", `x" touch y`, "x' touch y", `x\`, "x!y"} {
		for _, quote := range []string{`'`, `"`} {
			if got := completedIn(t, "[profile "+name+"]\n[profile x y]\n", "bash", "vaws exec "+quote+"x", breaks); got != "words\nx y\n" {
				t.Errorf("%s after %s: %q", name, quote, got)
			}
		}
	}
}

func TestQuotesStayClosedInPowershell(t *testing.T) {
	for name, want := range map[string]string{"a’;calc": "'a’’;calc'", "a‘b": "'a‘‘b'", "a”b": "'a”b'", "a'b": "'a''b'"} {
		if got := completedIn(t, "[profile "+name+"]\n", "powershell", "exec", "=a"); got != "words\n"+want+"\tprofile\n" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestBackslashForZsh(t *testing.T) {
	if got := completedIn(t, `[profile back\sl:ash]`, "zsh", "exec", ""); got != "words\nback\\\\sl\\:ash:profile\n" {
		t.Errorf("%q", got)
	}
}

func TestNothingForTerminalsIsOffered(t *testing.T) {
	for _, name := range []string{"a\u009b2J", "a\u0080b", "a\x1b[2J", "a\x7fb", "a\u202eb", "a\u2066b", "a\x9bb"} {
		for _, args := range [][]string{{"bash", "vaws exec a", breaks}, {"zsh", "exec", "a"}, {"fish", "exec", "a"}, {"powershell", "exec", "=a"}} {
			if got := completedIn(t, "[profile "+name+"]\n", args...); got != "words\n" {
				t.Errorf("%s: %q: %q", args[0], name, got)
			}
		}
	}
}

func TestPrintable(t *testing.T) {
	const text = "a\x1bb\u009bc\u202ad\u202ee\u2066f\u2069g\nh\u202fi"
	if got := printable(text); got != "a b c d e f g h\u202fi" {
		t.Errorf("%q", got)
	}
}

func TestEveryFlagIsOffered(t *testing.T) {
	got := completed(t, "fish", "exec", "prod:eu", "--")
	for _, flag := range []string{"--help\t", "--server\tServe credentials", "--cache\t", "--ttl\t"} {
		if !strings.Contains(got, "\n"+flag) {
			t.Errorf("%q is not in %q", flag, got)
		}
	}
}

func TestCompletionScripts(t *testing.T) {
	for name, script := range completionScripts {
		if status, stdout, _ := call(t, nil, "completion", name); status != 0 || stdout != script || !strings.Contains(script, completeWord+" "+name) {
			t.Errorf("%s: status %d, %q", name, status, stdout)
		}
	}
}

func TestHelpNamesEveryGroupAndCommand(t *testing.T) {
	_, stdout, _ := call(t, nil, "--help")
	for _, c := range commands() {
		if !strings.Contains(stdout, "\n  "+c.text+" ") {
			t.Errorf("%s is not there", c.text)
		}
	}
	for _, g := range groups {
		if !strings.Contains(stdout, "\n"+g.Title+"\n  "+g.Description+"\n") {
			t.Errorf("%s is not there", g.Title)
		}
	}
	if strings.Contains(stdout, "Commands:") || strings.Contains(stdout, "token-helper") {
		t.Error("a command without a group, or a hidden one, is there")
	}
}
