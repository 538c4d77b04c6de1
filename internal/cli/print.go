package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"vaws/internal/faultpoint"
	"vaws/internal/hint"
)

// How vaws speaks: stdout is for the answer alone, built in memory and written
// once, after all has succeeded. Messages go to stderr, one line each, begin
// with the program's name and their kind, and have neither capitals nor full
// stops. An error is followed by its hints, best a command to paste. No message
// holds a secret.

type console struct {
	out, err io.Writer
	debugOn  bool
	waiting
}

// answer writes the whole of a command's answer.
func (c *console) answer(text []byte) error {
	defer c.hide()()
	faultpoint.Reach("before-printing")
	if _, err := faultpoint.Write("half-printed", c.out, text); err != nil {
		return hint.Errorf("see where stdout leads: its disk is full, or who reads it has gone", "writing the answer: %w", err)
	}
	faultpoint.Reach("printed")
	return nil
}

// answerJSON answers with a value for programs, indented for who looks at it all the
// same.
func (c *console) answerJSON(value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	return c.answer(append(text, '\n'))
}

func (c *console) printError(err error) {
	c.report("error", err)
}

// warn tells of what went wrong without harm to the answer.
func (c *console) warn(err error) { c.report("warning", err) }

// say tells of something that is neither an answer nor a trouble.
func (c *console) say(text string) {
	defer c.hide()()
	fmt.Fprintf(c.err, "vaws: %s\n", printable(text))
}

// advise tells what to do next.
func (c *console) advise(text string) {
	defer c.hide()()
	fmt.Fprintf(c.err, "vaws: hint: %s\n", printable(text))
}

func (c *console) report(kind string, err error) {
	defer c.hide()()
	var lines bytes.Buffer
	fmt.Fprintf(&lines, "vaws: %s: %s\n", kind, printable(err.Error()))
	for _, advice := range hint.Of(err) {
		fmt.Fprintf(&lines, "vaws: hint: %s\n", printable(advice))
	}
	c.err.Write(lines.Bytes()) // there is nobody to tell that this failed
}

func (c *console) debug(format string, args ...any) {
	if c.debugOn {
		defer c.hide()()
		fmt.Fprintf(c.err, "vaws: debug: %s\n", printable(fmt.Sprintf(format, args...)))
	}
}

// printable keeps a message on its line and its terminal as it was.
func printable(text string) string {
	return string(bytes.Map(func(r rune) rune {
		if disturbs(r) {
			return ' '
		}
		return r
	}, []byte(text)))
}

// disturbs reports whether a character does more to a terminal than stand there: a
// control character, or one that changes the direction in which others are shown
// (https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters).
func disturbs(r rune) bool {
	return r < 0x20 || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}
