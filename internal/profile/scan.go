package profile

import (
	"bytes"
	"strings"

	"vaws/internal/hint"
)

// optionDelimiters end an option's name, as in Python's configparser, which
// botocore uses.
const optionDelimiters = "=:"

// line is a header or an option of an AWS config.
type line struct {
	number    int    // from 1
	section   string // the name within the brackets, without "profile"
	isProfile bool   // [profile NAME] or [default]
	isHeader  bool
	continues bool   // the value of the option above it
	text      []byte // without space around it
}

// option splits a line at its first delimiter; ok is false if there is none.
func (l line) option() (name, value string, ok bool) {
	i := bytes.IndexAny(l.text, optionDelimiters)
	if i < 0 {
		return "", "", false
	}
	value, _, _ = strings.Cut(string(l.text[i+1:]), " #")
	value, _, _ = strings.Cut(value, " ;")
	return strings.ToLower(string(bytes.TrimSpace(l.text[:i]))), strings.TrimSpace(value), true
}

// scan calls visit for every line but comments and empty ones, in the file's
// order, and stops at the first error. A line that stands further to the right
// than the option above it continues that option's value, as for botocore.
func scan(path string, data []byte, visit func(line) error) error {
	var current line
	indent := -1 // of the last option in this section
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	for number := 1; len(data) > 0; number++ {
		var raw []byte
		raw, data, _ = bytes.Cut(data, []byte("\n"))
		text := bytes.TrimSpace(raw)
		if len(text) == 0 || text[0] == '#' || text[0] == ';' {
			continue
		}
		column := bytes.IndexByte(raw, text[0])
		current.continues = indent >= 0 && column > indent
		current.isHeader = text[0] == '[' && !current.continues
		if current.isHeader {
			name, isProfile, err := header(path, number, string(text))
			if err != nil {
				return err
			}
			current, indent = line{section: name, isProfile: isProfile, isHeader: true}, -1
		} else if !current.continues {
			indent = column
		}
		current.number, current.text = number, text
		if err := visit(current); err != nil {
			return err
		}
	}
	return nil
}

// header takes the name out of a section's header.
func header(path string, number int, text string) (name string, isProfile bool, err error) {
	end := strings.IndexByte(text, ']')
	if end < 0 {
		return "", false, hint.Errorf(`a section begins with its name in brackets, such as "[profile prod]"`,
			"%s:%d: a section without its closing bracket", path, number)
	}
	name = strings.TrimSpace(text[1:end])
	if name == "default" {
		return name, true, nil
	}
	rest, found := strings.CutPrefix(name, "profile")
	if !found || rest == "" || rest[0] != ' ' && rest[0] != '\t' {
		return name, false, nil
	}
	rest = strings.TrimSpace(rest)
	if n := len(rest); n >= 2 && (rest[0] == '"' || rest[0] == '\'') && rest[n-1] == rest[0] {
		rest = rest[1 : n-1]
	}
	return rest, true, nil
}
