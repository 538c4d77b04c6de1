package main

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// style is how a cell looks.
type style struct {
	bold, dim, underline, reverse bool
	color                         int // 0 is the terminal's own; 1 to 16 are the sixteen colours, from black
}

type cell struct {
	text  rune
	style style
}

// screen is a terminal that never scrolls: it has as many rows as are written. It
// knows what command line tools send (ECMA-48), and passes over the rest.
type screen struct {
	width    int
	lines    [][]cell
	row, col int
	style    style
}

func newScreen(width int) *screen { return &screen{width: width} }

var (
	promptStyle = style{color: 3}
	typedStyle  = style{bold: true}
)

// prompt shows a command as it is typed at a shell's prompt.
func (s *screen) prompt(command string) {
	if s.col > 0 {
		s.newline()
	}
	s.style = promptStyle
	s.put("$ ")
	s.style = typedStyle
	s.put(command)
	s.style = style{}
	s.newline()
}

func (s *screen) newline() { s.row, s.col = s.row+1, 0 }

func (s *screen) put(text string) {
	for _, r := range text {
		s.putRune(r)
	}
}

func (s *screen) putRune(r rune) {
	if s.col >= s.width {
		s.newline()
	}
	s.at(s.row, s.col)
	s.lines[s.row][s.col] = cell{r, s.style}
	s.col++
}

// at makes sure that there is a cell.
func (s *screen) at(row, col int) {
	for len(s.lines) <= row {
		s.lines = append(s.lines, nil)
	}
	for len(s.lines[row]) <= col {
		s.lines[row] = append(s.lines[row], cell{' ', style{}})
	}
}

// write takes what a program sends to its terminal.
func (s *screen) write(text string) {
	for len(text) > 0 {
		if rest, ok := strings.CutPrefix(text, "\x1b["); ok {
			text = s.control(rest)
			continue
		}
		if rest, ok := strings.CutPrefix(text, "\x1b]"); ok { // a title or a link
			_, text, _ = strings.Cut(rest, "\a")
			continue
		}
		r, size := utf8.DecodeRuneInString(text)
		text = text[size:]
		switch r {
		case '\r':
			s.col = 0
		case '\n':
			s.newline()
		case '\b':
			s.col = max(0, s.col-1)
		case '\t':
			s.col = min(s.width-1, (s.col/8+1)*8)
		default:
			if r >= ' ' {
				s.putRune(r)
			}
		}
	}
}

// control carries out the control sequence that a text begins with, and returns the
// rest.
func (s *screen) control(text string) string {
	end := strings.IndexFunc(text, func(r rune) bool { return r >= '@' && r <= '~' })
	if end < 0 {
		return ""
	}
	arguments := text[:end]
	n := max(1, number(arguments))
	switch text[end] {
	case 'm':
		s.setStyle(arguments)
	case 'A':
		s.row = max(0, s.row-n)
	case 'B':
		s.row += n
	case 'C':
		s.col = min(s.width-1, s.col+n)
	case 'D':
		s.col = max(0, s.col-n)
	case 'G':
		s.col = n - 1
	case 'K':
		s.eraseLine(arguments)
	case 'J':
		s.eraseLine("")
		if s.row+1 < len(s.lines) {
			s.lines = s.lines[:s.row+1]
		}
	}
	return text[end+1:]
}

func number(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

func (s *screen) eraseLine(how string) {
	if s.row >= len(s.lines) {
		return
	}
	line := s.lines[s.row]
	from, to := min(s.col, len(line)), len(line)
	switch how {
	case "1":
		from, to = 0, min(s.col+1, len(line))
	case "2":
		from = 0
	}
	for i := from; i < to; i++ {
		line[i] = cell{' ', style{}}
	}
}

func (s *screen) setStyle(arguments string) {
	for code := range strings.SplitSeq(arguments, ";") {
		switch n := number(code); {
		case n == 0:
			s.style = style{}
		case n == 1:
			s.style.bold = true
		case n == 2:
			s.style.dim = true
		case n == 4:
			s.style.underline = true
		case n == 7:
			s.style.reverse = true
		case n == 22:
			s.style.bold, s.style.dim = false, false
		case n == 24:
			s.style.underline = false
		case n == 27:
			s.style.reverse = false
		case n >= 30 && n <= 37:
			s.style.color = n - 30 + 1
		case n == 39:
			s.style.color = 0
		case n >= 90 && n <= 97:
			s.style.color = n - 90 + 9
		}
	}
}

// span is a stretch of one style.
type span struct {
	col   int
	text  string
	style style
}

// spans are those of a line, without the blanks that show nothing.
func spans(line []cell) []span {
	var found []span
	for i, c := range line {
		if last := len(found) - 1; last >= 0 && found[last].style == c.style {
			found[last].text += string(c.text)
			continue
		}
		found = append(found, span{i, string(c.text), c.style})
	}
	var kept []span
	for _, r := range found {
		if !r.style.reverse && !r.style.underline {
			r.col += utf8.RuneCountInString(r.text) - utf8.RuneCountInString(strings.TrimLeft(r.text, " "))
			r.text = strings.Trim(r.text, " ")
		}
		if r.text != "" {
			kept = append(kept, r)
		}
	}
	return kept
}
