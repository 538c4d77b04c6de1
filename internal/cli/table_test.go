package cli

import (
	"strings"
	"testing"
)

func sample() table {
	return table{
		columns: []column{{"NAME", 6}, {"EMPTY", 0}, {"VAULT", 8}, {"LEFT", 0}},
		rows: [][]cell{
			append(plain("ec2-admin", "", "https://vault.example.com:8200"), cell{"52m", green}),
			append(plain("名前", "", "https://v"), cell{"", red}),
		},
	}
}

func TestTable(t *testing.T) {
	for _, c := range []struct {
		screen screen
		want   string
	}{
		{screen{}, `
NAME       VAULT                           LEFT
ec2-admin  https://vault.example.com:8200  52m
名前       https://v
`},
		{screen{width: 30}, `
NAME       VAULT          LEFT
ec2-admin  https://vaul…  52m
名前       https://v
`},
		{screen{width: 20}, `
ec2-admin
  vault  https://vau
         lt.example.
         com:8200
  left   52m
名前
  vault  https://v
`},
		{screen{width: 60, colours: true}, `
[NAME]       [VAULT]                           [LEFT]
ec2-admin  https://vault.example.com:8200  (52m)
名前       https://v
`},
	} {
		got := strings.NewReplacer("\x1b[1m", "[", "\x1b[32m", "(", "52m\x1b[0m", "52m)", "\x1b[0m", "]").Replace(string(sample().render(c.screen)))
		if got != c.want[1:] {
			t.Errorf("%+v: got\n%s", c.screen, got)
		}
	}
}

// However narrow it is, nothing is wider than the screen, and nothing is endless.
func TestTablesFit(t *testing.T) {
	for width := leastWidth; width < 70; width++ {
		for line := range strings.Lines(string(sample().render(screen{width: width}))) {
			if wide(strings.TrimRight(line, "\n")) > width {
				t.Errorf("width %d: %q", width, line)
			}
		}
	}
}

func TestControlCharactersStayOutOfTables(t *testing.T) {
	bad := table{columns: []column{{"NAME", 0}}, rows: [][]cell{plain("a\x1b[31m\nb")}}
	if got, want := string(bad.render(screen{})), "NAME\na [31m b\n"; got != want {
		t.Errorf("got %q", got)
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  string
	}{
		{"", 10, ""}, {"one two", 0, "one two"}, {"one two", 7, "one two"}, {"one two", 6, "one|two"},
		{"abcdefgh ij", 4, "abcd|efgh|ij"}, {"ab 名前", 5, "ab|名前"}, {"名前", 1, "名|前"},
	} {
		if got := strings.Join(wrap(c.text, c.width), "|"); got != c.want {
			t.Errorf("%q at %d: %q", c.text, c.width, got)
		}
	}
}
