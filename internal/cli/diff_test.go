package cli

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestDifference(t *testing.T) {
	old := "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n"
	new := "1\n3\n4\n5\n6\n7\n8\n9\n10\n11\nnew\x1b[31m\r\n12\n"
	got := string(difference("config", []byte(old), []byte(new)))
	want := "--- config\n+++ config\n@@ -1 +1 @@\n 1\n-2\n 3\n 4\n 5\n@@ -9 +8 @@\n 9\n 10\n 11\n+new [31m\n 12\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, c := range []struct{ old, new []byte }{{nil, []byte("a\n")}, {[]byte("a\n"), nil}} {
		if got := string(difference("config", c.old, c.new)); !strings.Contains(got, " /dev/null\n") || !strings.Contains(got, "a\n") {
			t.Errorf("got\n%s", got)
		}
	}
}

// Whatever differs, the marks tell how to get from one text to the other.
func TestCompareIsComplete(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	text := func() []string {
		var all []string
		for range r.IntN(12) {
			all = append(all, fmt.Sprint(r.IntN(4)))
		}
		return all
	}
	for range 20_000 {
		old, new := text(), text()
		var left, right []string
		for _, e := range compare(old, new) {
			if e.old != len(left) || e.new != len(right) {
				t.Fatalf("%q to %q: %+v after %d and %d lines", old, new, e, len(left), len(right))
			}
			if e.mark != '+' {
				left = append(left, e.text)
			}
			if e.mark != '-' {
				right = append(right, e.text)
			}
		}
		if !slices.Equal(left, old) || !slices.Equal(right, new) {
			t.Fatalf("%q to %q: %q to %q", old, new, left, right)
		}
	}
}

func TestCompareOfLargeTextsIsBounded(t *testing.T) {
	var old, new []string
	for i := range 20_000 {
		old, new = append(old, fmt.Sprint("old", i)), append(new, fmt.Sprint("new", i))
	}
	if edits := compare(old, new); len(edits) != 40_000 {
		t.Errorf("%d edits", len(edits))
	}
}
