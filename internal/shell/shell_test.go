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
		"powershell": "Remove-Item Env:PROFILE -ErrorAction Ignore;\nRemove-Item Env:ROLE -ErrorAction Ignore;\n" +
			"$env:KEY = 'a''b\\c';\n$env:TOKEN = '<x>'+[char]0xa+'';\n",
		"nushell": `{"PROFILE":null,"ROLE":null,"KEY":"a'b\\c","TOKEN":"<x>\n"}` + "\n",
	} {
		if got := render(t, name, set, unset); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got, want := unset, []string{"PROFILE", "KEY", "ROLE"}; !slices.Equal(got, want) {
		t.Errorf("Render changed its argument: %q", got)
	}
}

// Credentials as AWS makes them, and what exec sets beside them.
func TestRenderCredentials(t *testing.T) {
	set := []struct{ Name, Value string }{{"KEY", "Ab1/+="}, {"EXPIRY", "2026-11-20T13:07:17Z"}, {"NAME", "aws/sts/ec2-admin"}}
	for name, want := range map[string]string{
		"cmd":        "set \"PROFILE=\"\nset \"KEY=Ab1/+=\"\nset \"EXPIRY=2026-11-20T13:07:17Z\"\nset \"NAME=aws/sts/ec2-admin\"\n",
		"dotenv":     "KEY=Ab1/+=\nEXPIRY=2026-11-20T13:07:17Z\nNAME=aws/sts/ec2-admin\n",
		"powershell": "Remove-Item Env:PROFILE -ErrorAction Ignore;\n$env:KEY = 'Ab1/+=';\n$env:EXPIRY = '2026-11-20T13:07:17Z';\n$env:NAME = 'aws/sts/ec2-admin';\n",
		"nushell":    `{"PROFILE":null,"KEY":"Ab1/+=","EXPIRY":"2026-11-20T13:07:17Z","NAME":"aws/sts/ec2-admin"}` + "\n",
	} {
		if got := render(t, name, set, []string{"PROFILE"}); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// Curly quotes are quotes for PowerShell, and the console's code page changes what is
// not ASCII.
func TestPowershellIsGivenASCII(t *testing.T) {
	set := []struct{ Name, Value string }{{"A", "x\u2019; id #\u201b'"}, {"B", "$(id) `id`\t%X%"}, {"C", "é😀"}}
	want := "$env:A = 'x'+[char]0x2019+'; id #'+[char]0x201b+'''';\n" +
		"$env:B = '$(id) `id`'+[char]0x9+'%X%';\n" +
		"$env:C = ''+[char]0xe9+''+[char]::ConvertFromUtf32(0x1f600)+'';\n"
	if got := render(t, "powershell", set, nil); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestRenderRefusesWhatAShellCannotHold(t *testing.T) {
	for shell, values := range map[string][]string{
		"cmd":        {"", "a%b", "%PATH%", "a!b", `a"b`, "a\nb", "a\rb", "\t", "é", "\xff"},
		"dotenv":     {"a b", " ", "a#b", "a$b", "a'b", `a"b`, `a\b`, "a\nb", "a`b", "é", "\xff", "a;b", "a!b"},
		"powershell": {"", "\xff"},
		"nushell":    {"\xff"},
	} {
		s, err := Named(shell)
		if err != nil {
			t.Fatal(err)
		}
		for _, value := range values {
			out, err := Render(s, []struct{ Name, Value string }{{"A", value}}, nil)
			if err == nil || len(out) > 0 || !strings.HasPrefix(err.Error(), `value of variable "A" `) {
				t.Errorf("%s: %q becomes %q, error %v", shell, value, out, err)
			}
		}
	}
	s, _ := Named("dotenv")
	if _, err := Render[struct{ Name, Value string }](s, nil, []string{"A"}); err == nil {
		t.Error("dotenv unsets")
	}
}

func TestRenderNothing(t *testing.T) {
	for name, want := range map[string]string{"bash": "", "fish": "", "json": "{}\n", "powershell": "", "cmd": "", "nushell": "{}\n", "dotenv": ""} {
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
		"fish": "fish", "/usr/bin/fish": "fish", "json": "json", "dotenv": "dotenv", "nu": "nushell", "/opt/nu": "nushell",
		"pwsh": "powershell", "pwsh.exe": "powershell", "powershell.exe": "powershell", "cmd.exe": "cmd", "CMD": "cmd",
	} {
		if s, err := Named(name); err != nil || s.Name != want {
			t.Errorf("Named(%q) = %q, %v, want %q", name, s.Name, err, want)
		}
	}
	for _, name := range []string{"", "-", "/", "tcsh", "/usr/bin/python3.11", "sshd", "bashful"} {
		_, err := Named(name)
		if err == nil || !strings.Contains(err.Error(), "bash, zsh, sh, fish, powershell, cmd, nushell, json, dotenv") {
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
