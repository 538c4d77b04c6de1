package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"vaws/internal/term"
)

// screen is what an answer for people is shown on.
type screen struct {
	width   int // in characters; zero: no terminal, and so no limit
	colours bool
}

// leastWidth keeps a tiny terminal from one letter in each line.
const leastWidth = 20

func (s *session) screen() screen {
	f, isFile := s.out.(*os.File)
	if !isFile || !term.IsTerminal(f) {
		return screen{}
	}
	return screen{max(term.Columns(f), leastWidth), term.ShowsColours(f, s.getenv)}
}

// colour is an SGR parameter of ECMA-48.
type colour string

const (
	noColour colour = ""
	bold     colour = "1"
	red      colour = "31"
	green    colour = "32"
	yellow   colour = "33"
)

func (sc screen) paint(c colour, text string) string {
	if !sc.colours || c == noColour || text == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// table is rows below headings. Columns in which no row has anything are left out.
type table struct {
	columns []column
	rows    [][]cell
}

// column is a heading, and to how many characters the column may be cut where there is
// no room for all of it; zero: it may not.
type column struct {
	heading string
	least   int
}

type cell struct {
	text string
	colour
}

// plain are cells without colour.
func plain(texts ...string) []cell {
	var cells []cell
	for _, text := range texts {
		cells = append(cells, cell{text: text})
	}
	return cells
}

const gap = 2 // between columns

// render writes the table as wide as it is where there is room for it, else with cut
// columns, else one row below the other.
func (t table) render(sc screen) []byte {
	t = t.tidy()
	widths := t.widths()
	if sc.width > 0 && !t.squeeze(widths, sc.width) {
		return t.list(sc)
	}
	var out bytes.Buffer
	var headings []cell
	for _, c := range t.columns {
		headings = append(headings, cell{c.heading, bold})
	}
	for _, row := range append([][]cell{headings}, t.rows...) {
		var line strings.Builder
		for i, c := range row {
			text := cut(c.text, widths[i])
			line.WriteString(sc.paint(c.colour, text))
			if i < len(row)-1 {
				line.WriteString(strings.Repeat(" ", widths[i]-wide(text)+gap))
			}
		}
		out.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return out.Bytes()
}

// tidy is the table without empty columns and control characters.
func (t table) tidy() table {
	tidied := table{rows: make([][]cell, len(t.rows))}
	for i, c := range t.columns {
		if !slices.ContainsFunc(t.rows, func(row []cell) bool { return row[i].text != "" }) {
			continue
		}
		tidied.columns = append(tidied.columns, c)
		for j, row := range t.rows {
			tidied.rows[j] = append(tidied.rows[j], cell{printable(row[i].text), row[i].colour})
		}
	}
	return tidied
}

// widths are those that the columns want.
func (t table) widths() []int {
	widths := make([]int, len(t.columns))
	for i, c := range t.columns {
		widths[i] = wide(c.heading)
		for _, row := range t.rows {
			widths[i] = max(widths[i], wide(row[i].text))
		}
	}
	return widths
}

// squeeze takes from the widest columns until the table fits, and reports whether it
// does.
func (t table) squeeze(widths []int, room int) bool {
	total := gap * (len(widths) - 1)
	for _, w := range widths {
		total += w
	}
	for ; total > room; total-- {
		widest := -1
		for i, c := range t.columns {
			if c.least > 0 && widths[i] > max(c.least, wide(c.heading)) && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return false
		}
		widths[widest]--
	}
	return true
}

// list writes each row as a paragraph: its first cell, and the others below it.
func (t table) list(sc screen) []byte {
	label := 0
	for _, c := range t.columns[1:] {
		label = max(label, wide(c.heading))
	}
	var out bytes.Buffer
	for _, row := range t.rows {
		out.WriteString(sc.paint(bold, cut(row[0].text, sc.width)) + "\n")
		for i, c := range row[1:] {
			if c.text == "" {
				continue
			}
			head := "  " + strings.ToLower(t.columns[i+1].heading)
			head += strings.Repeat(" ", label+2-wide(head)+gap)
			indent := strings.Repeat(" ", wide(head))
			for j, part := range wrap(c.text, sc.width-wide(head)) {
				if j > 0 {
					head = indent
				}
				out.WriteString(head + sc.paint(c.colour, part) + "\n")
			}
		}
	}
	return out.Bytes()
}

// shortened is a path as people write it, with ~ for the home directory.
func shortened(path string) string {
	home, err := os.UserHomeDir()
	if rest, inside := strings.CutPrefix(path, home+string(os.PathSeparator)); err == nil && inside {
		return filepath.Join("~", rest)
	}
	return path
}

// wrap breaks text into lines of at most width characters, between words where it can;
// width zero: there is no limit.
func wrap(text string, width int) []string {
	if width <= 0 {
		return []string{text}
	}
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && wide(line)+1+wide(word) <= width {
			line += " " + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for wide(word) > width {
			head := prefix(word, width)
			lines, word = append(lines, head), word[len(head):]
		}
		line = word
	}
	if line == "" && len(lines) > 0 {
		return lines
	}
	return append(lines, line)
}

// cut shortens text to width characters, and shows that it did.
func cut(text string, width int) string {
	if wide(text) <= width {
		return text
	}
	return prefix(text, width-1) + "…"
}

// prefix is the part of text that is at most width characters wide, and at least one.
func prefix(text string, width int) string {
	used := 0
	for i, r := range text {
		if used += runeWidth(r); used > width && i > 0 {
			return text[:i]
		}
	}
	return text
}

// wide is how many places of a terminal's line text takes.
func wide(text string) int {
	width := 0
	for _, r := range text {
		width += runeWidth(r)
	}
	return width
}

// runeWidth is roughly that of East Asian Width (https://www.unicode.org/reports/tr11/):
// ideographs, kana, Hangul and emoji take two places, combining marks none.
func runeWidth(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.Is(unicode.Mn, r) || r == 0x200b || r == 0x200d:
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3,
		r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60,
		r >= 0xffe0 && r <= 0xffe6, r >= 0x1f300 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}
