package main

import (
	"os"
	"strings"
	"testing"
)

// Whatever has a target stands in the page beside it, and is judged.
func TestPageHasEveryRow(t *testing.T) {
	text, err := os.ReadFile("../../../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "<!-- "+block+" -->\n")
	figures, _, found := strings.Cut(rest, "<!-- /"+block+" -->\n")
	if !found {
		t.Fatalf("the page has no block %q", block)
	}
	var shown []string
	for line := range strings.Lines(figures) {
		if cells := strings.Split(line, " | "); len(cells) == 4 && !strings.Contains(line, "---") {
			shown = append(shown, strings.TrimPrefix(cells[0], "| ")+"|"+cells[2]+"|"+strings.Trim(cells[3], " *|\n"))
		}
	}
	if len(shown) != len(rows)+1 {
		t.Fatalf("%d rows and a heading for %d rows: run make bench", len(shown), len(rows))
	}
	for i, row := range rows {
		cells := strings.Split(shown[i+1], "|")
		judged := cells[2] == "yes" || cells[2] == "no"
		if cells[0] != row.what || cells[1] != row.target || judged != (row.met != nil) {
			t.Errorf("the page shows %q for %q: run make bench", shown[i+1], row.what)
		}
	}
}

// A row with a target in words has one in numbers, and ids are not shared.
func TestRows(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range rows {
		if (row.target == "") != (row.met == nil) {
			t.Errorf("%q has a target without a judge, or a judge without a target", row.what)
		}
		if seen[row.id] {
			t.Errorf("%q is there twice", row.id)
		}
		seen[row.id] = true
	}
}

func TestMissing(t *testing.T) {
	r := results{}
	for _, row := range rows {
		r.set(row.id, 1, "x")
	}
	if ids := r.missing(); ids != nil {
		t.Errorf("missing %q", ids)
	}
	delete(r, rowWarm)
	if ids := r.missing(); len(ids) != 1 || ids[0] != rowWarm {
		t.Errorf("missing %q", ids)
	}
}

// What reads as the limit meets it.
func TestJudges(t *testing.T) {
	for _, c := range []struct {
		met   func(float64) bool
		value float64
		want  bool
	}{
		{atMost(1), 1.0049, true}, {atMost(1), 1.0051, false}, {atMost(1.25), 0.9, true},
		{atLeast(8), 7.996, true}, {atLeast(8), 7.99, false},
		{exactly(0), 0, true}, {exactly(0), 1, false},
	} {
		if got := c.met(c.value); got != c.want {
			t.Errorf("%v: %v, want %v", c.value, got, c.want)
		}
	}
}

func TestTable(t *testing.T) {
	r := results{}
	for _, row := range rows {
		r.set(row.id, 0, "%s here", row.id)
	}
	r.set(rowVersion, 9, "slow")
	text := table(r)
	for _, want := range []string{
		"| `vaws version` | slow | at most 2.2 × a Go program that prints a line | **no** |\n",
		"| size of the binary | binary here | at most 12,000,000 bytes | yes |\n",
		"| modules in the binary, without vaws itself | modules here |  |  |\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestBenchmarkTable(t *testing.T) {
	text := benchmarkTable([]benchmark{{"cache", "Load", 23456, 12345, 67}, {"profile", "Config", 123_456_789, 65_432_100, 650_000}})
	if want := "| cache | `Load` | 23.5 µs | 12.3 kB | 67 |\n| profile | `Config` | 123.5 ms | 65.4 MB | 650000 |\n"; !strings.HasSuffix(text, want) {
		t.Errorf("got %s", text)
	}
}
