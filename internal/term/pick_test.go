package term

import (
	"fmt"
	"strings"
	"testing"
)

func choices(texts ...string) []Choice {
	var all []Choice
	for _, text := range texts {
		chosen := strings.HasPrefix(text, "*")
		all = append(all, Choice{Text: strings.TrimPrefix(text, "*"), Chosen: chosen})
	}
	return all
}

const (
	keyUp, keyDown   = "\x1b[A", "\x1b[B"
	keyHome, keyEnd  = "\x1b[H", "\x1b[F"
	keyPageDown      = "\x1b[6~"
	keyBackspace     = "\x7f"
	keyEnter, keyEsc = "\r", "\x1b"
)

func TestPickerObeys(t *testing.T) {
	all := choices("alpha", "beta", "gamma", "alphabet", "delta")
	for _, c := range []struct {
		choices []Choice
		keys    string
		want    string
	}{
		{all, " " + keyDown + keyDown + " " + keyEnter, "[0 2]"},
		{all, "\x1bOB\x0e\x10 \r", "[1]"},
		{all, keyEnter, "[0]"}, // nothing chosen: the line with the mark
		{all, keyDown + keyEnter, "[1]"},
		{all, keyUp + keyUp + " \r", "[0]"}, // it stops at the ends
		{all, keyEnd + " " + keyDown + keyHome + " \r", "[0 4]"},
		{all, keyPageDown + keyPageDown + " \r", "[2]"}, // a page is a line before anything is drawn
		{all, "ALPHA" + keyDown + " \r", "[3]"},
		{all, "alpha\x01" + strings.Repeat(keyBackspace, 5) + keyDown + " \r", "[0 1 3]"},
		{all, "\x01\x01 \r", "[0]"},
		{all, "zzz\r\x15" + keyEnter, "[0]"}, // enter with nothing to take does nothing
		{all, "ü\x7f \r", "[0]"},
		{all, "\x1b[1;5C\x1b[200~ \r", "[0]"}, // keys that mean nothing
		{choices("a", "*b", "c"), keyEnter, "[1]"},
		{choices("a", "*b", "c"), keyDown + " \r", "[]"}, // what was chosen at first may all go
		{all, "\x03", "interrupted"},
		{all, " \x04", "interrupted"},
		{all, keyEsc + "x", "interrupted"},
	} {
		p := newPicker("", c.choices)
		var rest []byte
		for _, b := range []byte(c.keys) { // as they arrive
			rest = p.obey(append(rest, b))
		}
		got := fmt.Sprint(p.result())
		if p.interrupted {
			got = "interrupted"
		} else if !p.done {
			got = "not done"
		}
		if got != c.want {
			t.Errorf("%q: %s, want %s", c.keys, got, c.want)
		}
	}
}

func TestEscAloneInterrupts(t *testing.T) {
	p := newPicker("", choices("a"))
	rest := p.obey([]byte(keyEsc))
	if p.interrupted || len(rest) != 1 {
		t.Fatalf("interrupted %v, rest %q", p.interrupted, rest)
	}
	if p.obeyLate(rest); !p.interrupted {
		t.Error("not interrupted")
	}
}

// shownLines are the lines of a drawing, without what is for the terminal.
func shownLines(drawn string) []string {
	drawn = drawn[:strings.LastIndex(drawn, "\x1b[J")]
	drawn = strings.TrimPrefix(drawn, "\x1b[H")
	return strings.Split(strings.ReplaceAll(drawn, "\x1b[K", ""), "\r\n")
}

func TestPickerFitsEveryTerminal(t *testing.T) {
	var all []Choice
	for i := range 50 {
		all = append(all, Choice{Text: fmt.Sprintf("team-%d/aws/a-rather-long-name-of-a-role-%d 機能", i, i), Chosen: i%3 == 0})
	}
	for _, width := range []int{1, 2, 5, 10, 20, 39, 40, 80, 200} {
		for height := 1; height < 30; height++ {
			p := newPicker("which of all these roles are meant, please?", all)
			for _, keys := range []string{"", keyEnd, keyUp, "team-4", keyDown, "zzz"} {
				p.obey([]byte(keys))
				lines := shownLines(p.draw(width, height))
				if len(lines) > height {
					t.Fatalf("%d x %d: %d lines", width, height, len(lines))
				}
				marked := false
				for _, line := range lines {
					if columns(line) >= max(width, 2) {
						t.Fatalf("%d x %d: %q", width, height, line)
					}
					marked = marked || strings.HasPrefix(line, "> [")
				}
				if width > 10 && height > 4 && !marked && keys != "zzz" {
					t.Fatalf("%d x %d: after %q the mark is not to be seen: %q", width, height, keys, lines)
				}
			}
		}
	}
}

func TestFortyColumns(t *testing.T) {
	p := newPicker("which roles get a profile?", choices("*aws/ec2-admin", "production/aws/a-rather-long-name-of-a-role"))
	want := "which roles get a profile?|search: |> [x] aws/ec2-admin|  [ ] production/aws/a..-name-of-a-role|1 of 2  space choose, enter done"
	if got := strings.Join(shownLines(p.draw(40, 24)), "|"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  string
	}{
		{"short", 5, "short"}, {"shorter", 5, "sh..r"}, {"shorter", 2, ".."}, {"shorter", 1, "."}, {"shorter", 0, ""}, {"shorter", -3, ""},
		{"日本語日本語", 8, "日本..語"},
	} {
		if got := cut(c.text, c.width); got != c.want || columns(got) > max(c.width, 0) {
			t.Errorf("cut(%q, %d) = %q", c.text, c.width, got)
		}
	}
}
