package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vaws/internal/lab"
)

// The pictures in docs show what the programs print now.
func TestPicturesAreCurrent(t *testing.T) {
	lab.ScrubEnvironment()
	drawn, err := drawAll(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join("..", "..", "..", "docs", "pictures")
	for name, svg := range drawn {
		old, err := os.ReadFile(filepath.Join(dir, name+".svg"))
		if err != nil || !bytes.Equal(old, svg) {
			t.Errorf("docs/pictures/%s.svg is not what it would be now: run make pictures (%v)\n%s", name, err, svg)
		}
		for decoder := xml.NewDecoder(bytes.NewReader(svg)); ; {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.svg"))
	files = slices.DeleteFunc(files, func(file string) bool { return strings.HasPrefix(filepath.Base(file), "bench-") })
	if err != nil || len(files) != len(drawn) {
		t.Errorf("%d files for %d pictures in docs/pictures (%v)", len(files), len(drawn), err)
	}
}

// show is what a screen of ten columns shows of an output, as text.
func show(output string) string {
	s := newScreen(10)
	s.write(output)
	var text string
	for i, line := range s.lines {
		if i > 0 {
			text += "|"
		}
		for _, c := range line {
			text += string(c.text)
		}
	}
	return text
}

func TestScreen(t *testing.T) {
	for output, want := range map[string]string{
		"a\r\nb":                         "a|b",
		"ab\rc":                          "cb",
		"abc\b\bX":                       "aXc",
		"0123456789ab":                   "0123456789|ab",
		"0123456789\r\nab":               "0123456789|ab",
		"abc\r\x1b[Kd":                   "d  ",
		"abc\x1b[2K\rd":                  "d  ",
		"one\r\ntwo\x1b[A\rO":            "One|two",
		"one\r\ntwo\r\n\x1b[2A\x1b[Jx":   "x  ",
		"a\x1b[3Cb\x1b[2Dc":              "a  cb",
		"\x1b[?25la\x1b[?25h\x1b]0;t\ab": "ab",
		"a\tb":                           "a       b",
		"\x1b[1;31ma\x1b[0mb":            "ab",
		"…":                              "…",
		"a\x1b[":                         "a",
	} {
		if got := show(output); got != want {
			t.Errorf("%q: %q, want %q", output, got, want)
		}
	}
}

func TestStyles(t *testing.T) {
	s := newScreen(20)
	s.write("a\x1b[1;31mb c\x1b[22md\x1b[0m   \x1b[7m e \x1b[27;94mf")
	got := spans(s.lines[0])
	want := []span{
		{0, "a", style{}},
		{1, "b c", style{bold: true, color: 2}},
		{4, "d", style{color: 2}},
		{8, " e ", style{reverse: true}},
		{11, "f", style{color: 13}},
	}
	if len(got) != len(want) {
		t.Fatalf("got %v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("span %d: %v, want %v", i, got[i], want[i])
		}
	}
}

func TestMoved(t *testing.T) {
	now := time.Date(2031, 1, 2, 3, 4, 5, 0, time.UTC)
	for text, want := range map[string]string{
		"2031-01-02T04:04:03Z": "2026-11-20T13:00:00Z",
		"2006-01-02T04:04:03Z": "2006-01-02T04:04:03Z",
	} {
		if got := moved(time.RFC3339, now)(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
