package lab

import (
	"reflect"
	"testing"
)

func TestSteps(t *testing.T) {
	page := "Text\n\n    A=1\n\n    cat <<END\n    x\n    END\n\nand\n\n    $ echo $A\n    1\n    $ true\n\n<!-- not run: needs a browser -->\n    $ firefox\n\n<!-- file: a/b -->\n    x\n\n      y\n\nEnd\n"
	got, err := steps(page)
	want := []step{
		{3, "A=1\n\ncat <<END\nx\nEND", nil},
		{11, "echo $A", []string{"1"}},
		{13, "true", []string{}},
		{19, "mkdir -p \"a\"\ncat >\"a/b\" <<'END-OF-b'\nx\n\n  y\nEND-OF-b", nil},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v, %v", got, err)
	}
	if _, err := steps("<!-- not run: -->\n"); err == nil {
		t.Error("a block without a reason is left out")
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
