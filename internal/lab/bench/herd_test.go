package main

import (
	"os"
	"testing"

	"vaws/internal/lab/aws"
)

// A herd counts who has failed and tells answers apart.
func TestHerdCounts(t *testing.T) {
	stand, err := aws.New(aws.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer stand.Close()
	w := &world{dir: t.TempDir(), stand: stand}
	// The first to make the directory answers, the others fail.
	h, err := w.start(t.Context(), 5, []string{"/bin/sh", "-c", "/bin/mkdir taken && echo answer"})
	if err != nil || h.failed != 4 || h.answers["answer\n"] != 1 || len(h.answers) != 1 || h.stderr == "" || h.wall <= 0 {
		t.Errorf("got %+v, %v", h, err)
	}
	if _, err := w.start(t.Context(), 1, []string{"/does/not/exist"}); err == nil {
		t.Error("a program that is not there was started")
	}
	h, err = w.start(t.Context(), 3, []string{"/bin/sh", "-c", "echo $$"})
	if err != nil || len(h.answers) != 3 || h.failed != 0 {
		t.Errorf("got %+v, %v", h, err)
	}
}

func TestOdd(t *testing.T) {
	for _, c := range []struct {
		minted, failed, answers, expected int
		good                              bool
	}{{1, 0, 1, 1, true}, {2, 0, 1, 1, false}, {1, 1, 1, 1, false}, {1, 0, 2, 1, false}, {0, 0, 1, 1, false}, {0, 0, 1, 0, true}, {1, 0, 1, 0, false}} {
		h := herdsOfSize{minted: c.minted, failed: c.failed, answers: c.answers}
		if got := h.odd(c.expected) == 0; got != c.good {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestSummaryIsOfTheWorst(t *testing.T) {
	got := summarize([]herd{{wall: 3, minted: 1, answers: map[string]int{"a": 1}}, {wall: 9, minted: 2, failed: 1}, {wall: 4, minted: 1}})
	if want := (herdsOfSize{wall: 4, minted: 2, failed: 1, answers: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestMultiply(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/0123-abcd.vaws", []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := multiply(dir, 12); err != nil {
		t.Fatal(err)
	}
	if names, err := entryNames(dir); err != nil || len(names) != 12 {
		t.Errorf("%d entries, %v", len(names), err)
	}
	if err := multiply(dir, 2); err == nil {
		t.Error("several entries were multiplied")
	}
}
