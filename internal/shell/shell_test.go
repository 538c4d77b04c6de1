package shell

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestRender(t *testing.T) {
	set := []struct{ Name, Value string }{{"KEY", "a'b\\c"}, {"TOKEN", "<x>\n"}}
	unset := []string{"PROFILE", "KEY", "ROLE"}
	for name, want := range map[string]string{
		"sh":   "unset PROFILE;\nunset ROLE;\nexport KEY='a'\\''b\\c';\nexport TOKEN='<x>\n';\n",
		"fish": strings.ReplaceAll(fishUnset, "%s", "PROFILE ROLE") + "set -gx KEY 'a\\'b\\\\c';\nset -gx TOKEN '<x>\n';\n",
		"json": `{"KEY":"a'b\\c","TOKEN":"<x>\n"}` + "\n",
	} {
		if got := render(t, name, set, unset); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got, want := unset, []string{"PROFILE", "KEY", "ROLE"}; !slices.Equal(got, want) {
		t.Errorf("Render changed its argument: %q", got)
	}
}

func TestRenderNothing(t *testing.T) {
	for name, want := range map[string]string{"bash": "", "fish": "", "json": "{}\n"} {
		if got := render(t, name, nil, nil); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestRenderRefuses(t *testing.T) {
	type vars = []struct{ Name, Value string }
	for _, c := range []struct {
		shell string
		set   vars
		unset []string
		want  string
	}{
		{"bash", vars{{"A", "secret\x00"}}, nil, `value of variable "A" contains a NUL byte`},
		{"json", vars{{"A", "secret\xff"}}, nil, `value of variable "A" is not UTF-8`},
		{"fish", vars{{"A", "secret"}, {"A", "x"}}, nil, `variable "A" is set twice`},
		{"bash", vars{{"", "secret"}}, nil, `variable name ""`},
		{"bash", vars{{"A;id", "secret"}}, nil, `variable name "A;id"`},
		{"fish", nil, []string{"1A"}, `variable name "1A"`},
		{"json", nil, []string{"É"}, `variable name "É"`},
		{"sh", nil, []string{"A\n"}, `variable name "A\n"`},
	} {
		s, err := Named(c.shell)
		if err != nil {
			t.Fatal(err)
		}
		out, err := Render(s, c.set, c.unset)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q %q: error %v, want %s", c.set, c.unset, err, c.want)
			continue
		}
		if len(out) > 0 || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q %q: output %q with error %v", c.set, c.unset, out, err)
		}
	}
}

func TestJSONKeepsTheOrderAndIsJSON(t *testing.T) {
	var all strings.Builder
	for c := rune(1); c < 0x3000; c++ {
		all.WriteRune(c)
	}
	out := render(t, "json", []struct{ Name, Value string }{{"Z", all.String()}, {"A", ""}}, []string{"B"})
	var got map[string]string
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got["Z"] != all.String() || got["A"] != "" {
		t.Errorf("read back %q", got)
	}
	if !strings.HasPrefix(out, `{"Z":`) || strings.Count(out, "\n") != 1 {
		t.Errorf("not one line in the order given: %q", out)
	}
}

func TestNamed(t *testing.T) {
	for name, want := range map[string]string{
		"bash": "bash", "-bash": "bash", "/bin/bash": "bash", "bash-5.2": "bash", "bash.exe": "bash",
		"zsh": "zsh", "-zsh": "zsh", "/usr/local/bin/zsh-5.9": "zsh", "Zsh": "zsh",
		"sh": "sh", "/bin/sh": "sh", "dash": "sh", "ash": "sh", "ksh": "sh", "ksh93": "sh", "mksh": "sh",
		"fish": "fish", "/usr/bin/fish": "fish", "json": "json",
	} {
		if s, err := Named(name); err != nil || s.Name != want {
			t.Errorf("Named(%q) = %q, %v, want %q", name, s.Name, err, want)
		}
	}
	for _, name := range []string{"", "-", "/", "tcsh", "/usr/bin/python3.11", "sshd", "bashful"} {
		_, err := Named(name)
		if err == nil || !strings.Contains(err.Error(), "bash, zsh, sh, fish, json") {
			t.Errorf("Named(%q): error %v does not offer the shells", name, err)
		}
	}
}

func TestNamesAreTheirOwn(t *testing.T) {
	for _, name := range Names() {
		if s, err := Named(name); err != nil || s.Name != name {
			t.Errorf("Named(%q) = %q, %v", name, s.Name, err)
		}
	}
}

func TestFirstKnown(t *testing.T) {
	for _, c := range []struct {
		names []string
		want  string
	}{
		{[]string{"/usr/bin/fish", "fish", "/bin/zsh"}, "fish"},
		{[]string{"/bin/busybox", "ash", "/bin/zsh"}, "sh"},
		{[]string{"/usr/bin/make", "make", "/bin/zsh"}, "zsh"},
		{[]string{"", "", "/bin/tcsh"}, "sh"},
		{nil, "sh"},
	} {
		if got := firstKnown(c.names...); got.Name != c.want || got.write == nil {
			t.Errorf("%q: %q, want %q", c.names, got.Name, c.want)
		}
	}
}

func render(t *testing.T, name string, set []struct{ Name, Value string }, unset []string) string {
	t.Helper()
	s, err := Named(name)
	out, renderErr := Render(s, set, unset)
	if err := errors.Join(err, renderErr); err != nil {
		t.Fatal(err)
	}
	return string(out)
}
