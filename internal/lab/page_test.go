package lab

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestSteps(t *testing.T) {
	page := "1. Text\n    goes on\n\n    A=1\n\n    cat <<END\n    x\n    END\n\nand\n\n    $ echo $A\n    1\n    $ true\n\n<!-- not run: needs a browser -->\n    $ firefox\n\n<!-- file: a/b -->\n    x\n\n      y\n\nEnd\n"
	got, err := steps(page)
	want := []step{
		{4, "A=1\n\ncat <<END\nx\nEND", nil},
		{12, "echo $A", []string{"1"}},
		{14, "true", []string{}},
		{20, "mkdir -p \"a\"\ncat >\"a/b\" <<'END-OF-b'\nx\n\n  y\nEND-OF-b", nil},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v, %v", got, err)
	}
	if _, err := steps("<!-- not run: -->\n"); err == nil {
		t.Error("a block without a reason is left out")
	}
}

// Every page that has something for the shell is run by a script.
func TestEveryPageIsRun(t *testing.T) {
	scripts, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	run := map[string]bool{}
	for _, script := range scripts {
		text, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if words := strings.Fields(line); len(words) > 1 && words[0] == "page" {
				run[words[1]] = true
			}
		}
	}
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(pages) < 5 {
		t.Fatalf("pages: %q, %v", pages, err)
	}
	for _, page := range append(pages, "../../README.md") {
		name := strings.TrimPrefix(filepath.ToSlash(page), "../../")
		text, err := pageText(name)
		if err != nil {
			t.Fatal(err)
		}
		found, err := steps(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if len(found) > 0 && !run[name] {
			t.Errorf("no script runs %s", name)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		shown, printed []string
		want           bool
	}{
		{[]string{}, []string{}, true},
		{[]string{}, []string{"x"}, false},
		{[]string{"a…c"}, []string{"abc"}, true},
		{[]string{"a…c"}, []string{"abcd"}, false},
		{[]string{"a", "…"}, []string{"a", "b", "c"}, true},
		{[]string{"a", "…", "c"}, []string{"a", "b", "c"}, true},
		{[]string{"a", "…", "d"}, []string{"a", "b", "c"}, false},
		{[]string{"a.c"}, []string{"abc"}, false},
	} {
		if got := matches(c.shown, c.printed); got != c.want {
			t.Errorf("%q against %q: %t", c.printed, c.shown, got)
		}
	}
}

func TestAssign(t *testing.T) {
	got, err := assign("    export A=1  # one\n    AA=2\n", "A=$x")
	if want := "    export A=$x  # one\n    AA=2\n"; err != nil || got != want {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := assign("A=1", "A=2"); err == nil {
		t.Error("an assignment outside of a block counts")
	}
}
