package cli

import (
	"strings"
	"testing"
)

func TestRoff(t *testing.T) {
	for text, want := range map[string]string{
		`a\b`: `a\eb`, "--x": `\-\-x`, ".x": `\&.x`, "'x'": `\(aqx\(aq`, "a…": "a...", "~/.x": `\(ti/.x`,
	} {
		if got := roff(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestManNamesEveryCommand(t *testing.T) {
	status, stdout, stderr := call(t, nil, "man")
	if status != 0 || stderr != "" {
		t.Fatalf("status %d, stderr %q", status, stderr)
	}
	for _, c := range commands() {
		name := roff("vaws-" + c.text)
		if !strings.Contains(stdout, "\n.BR "+name+" (1)\n") || !strings.Contains(stdout, "\n"+name+` \- `) {
			t.Errorf("%s has no page, or is not on that of vaws", c.text)
		}
	}
}
