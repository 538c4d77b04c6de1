package cli

import (
	"bytes"
	"slices"
	"strings"
)

// completeBash answers with what bash has to put in the place of its own idea of the
// word at the cursor, quoted where the user has not begun to.
func (s *session) completeBash(text, breaks string) []byte {
	l := splitLine(text, breaks)
	if len(l.words) < 2 {
		return nil
	}
	c := s.completeWords(l.words[1:])
	if c.command > 0 {
		c.command = countWords(l.raw[:c.command], breaks)
	}
	c.only(l.words[len(l.words)-1])
	if l.quote != 0 {
		c.onlyQuotable()
	}
	return c.format(func(b *bytes.Buffer, w candidate) {
		if l.quote != 0 {
			b.WriteString(w.text[l.broken:])
			return
		}
		writeEscaped(b, w.text[l.broken:])
	})
}

// onlyQuotable leaves the words that mean the same to bash in either kind of quotes.
func (c *completion) onlyQuotable() {
	c.words = slices.DeleteFunc(c.words, func(w candidate) bool { return strings.ContainsAny(w.text, "$`\"'\\!") })
}

// bashLine is a line up to the cursor, from the command's name on.
type bashLine struct {
	words, raw []string // as they are meant, and as they were typed; the last is at the cursor
	quote      rune     // that is open there; zero: none
	broken     int      // how much of the last word is another one for bash, as is what stands before an open quote
}

// splitLine takes a line apart.
func splitLine(text, breaks string) bashLine {
	var l bashLine
	var word strings.Builder
	start, opened, inWord, escaped := 0, 0, false, false
	end := func(at int) {
		l.words, l.raw = append(l.words, word.String()), append(l.raw, text[start:at])
		word.Reset()
	}
	for i, r := range text {
		blank := l.quote == 0 && !escaped && (r == ' ' || r == '\t')
		if blank && inWord {
			end(i)
		}
		if inWord = !blank; blank {
			start, l.broken = i+1, 0
			continue
		}
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\' && l.quote != '\'':
			escaped = true
		case l.quote != 0 && r == l.quote:
			l.quote = 0
		case l.quote == 0 && (r == '\'' || r == '"'):
			l.quote, opened = r, word.Len()
		default:
			word.WriteRune(r)
			if l.quote == 0 && strings.ContainsRune(breaks, r) {
				l.broken = word.Len()
			}
		}
	}
	if l.quote != 0 {
		l.broken = opened
	}
	end(len(text))
	for len(l.words) > 1 && isAssignment(l.words[0]) {
		l.words, l.raw = l.words[1:], l.raw[1:]
	}
	return l
}

// isAssignment reports whether a word before a command's name sets a variable.
func isAssignment(word string) bool {
	name, _, found := strings.Cut(word, "=")
	return found && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == ""
}

// countWords is how many words bash makes of those: what breaks words is one, too.
func countWords(raw []string, breaks string) int {
	count := 0
	for _, word := range raw {
		if strings.ContainsAny(word, `'"\`) {
			count++
			continue
		}
		before := -1
		for _, r := range word {
			kind := 0
			if strings.ContainsRune(breaks, r) {
				kind = 1
			}
			if kind != before {
				count++
			}
			before = kind
		}
	}
	return count
}

// writeEscaped puts a backslash before what is special to bash.
func writeEscaped(b *bytes.Buffer, text string) {
	for _, r := range text {
		if strings.ContainsRune(" \t\\'\"`$&|;<>()*?[]{}!#~", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
}
