package cli

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestDifference(t *testing.T) {
	old := "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n"
	new := "1\n3\n4\n5\n6\n7\n8\n9\n10\n11\nnew\x1b[31m\r\n12\n"
	got := string(difference("config", []byte(old), []byte(new)))
	want := "--- config\n+++ config\n@@ -1,5 +1,4 @@\n 1\n-2\n 3\n 4\n 5\n@@ -9,4 +8,5 @@\n 9\n 10\n 11\n+new [31m\n 12\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, c := range []struct{ old, new []byte }{{nil, []byte("a\n")}, {[]byte("a\n"), nil}} {
		if got := string(difference("config", c.old, c.new)); !strings.Contains(got, " /dev/null\n") || !strings.Contains(got, "a\n") {
			t.Errorf("got\n%s", got)
		}
	}
}

// Whatever differs, patch makes one text of the other.
func TestDifferenceIsAPatch(t *testing.T) {
	if _, err := exec.LookPath("patch"); err != nil {
		t.Skip(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	text := func() []byte {
		var all []byte
		for range r.IntN(30) {
			all = fmt.Appendln(all, r.IntN(4))
		}
		if r.IntN(3) == 0 {
			all = bytes.TrimSuffix(all, []byte("\n"))
		}
		return all
	}
	for range 60 {
		old, new := text(), text()
		path := filepath.Join(t.TempDir(), "config")
		if err := os.WriteFile(path, old, 0o600); err != nil {
			t.Fatal(err)
		}
		diff := difference(path, old, new)
		if bytes.Equal(old, new) {
			continue
		}
		cmd := exec.Command("patch", "--fuzz=0", "--no-backup-if-mismatch", "--posix", path)
		cmd.Stdin = bytes.NewReader(diff)
		out, err := cmd.CombinedOutput()
		got, readErr := os.ReadFile(path)
		if len(new) == 0 {
			readErr = nil // it may have removed the file
		}
		if err != nil || readErr != nil || !bytes.Equal(got, new) || bytes.Contains(out, []byte("offset")) {
			t.Fatalf("%v: %s\n%s", err, out, diff)
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
