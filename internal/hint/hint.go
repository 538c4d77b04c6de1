// Package hint attaches advice to errors: what went wrong stays in the error,
// what to do about it travels beside it.
package hint

import (
	"errors"
	"fmt"
)

type hinted struct {
	err   error
	hints []string
	// reworded says that text and hints stand in the place of err's.
	reworded bool
	text     string
}

func (h *hinted) Error() string {
	if h.reworded {
		return h.text
	}
	return h.err.Error()
}

func (h *hinted) Unwrap() error { return h.err }

// Wrap returns err carrying hints, each one line that says what to do next,
// best a command to paste. The error's text and chain stay as they are. A nil
// err stays nil.
//
//go:noinline
func Wrap(err error, hints ...string) error {
	if err == nil || len(hints) == 0 {
		return err
	}
	return &hinted{err: err, hints: hints}
}

// Errorf is fmt.Errorf with a hint.
//
//go:noinline
func Errorf(advice, format string, args ...any) error {
	return Wrap(fmt.Errorf(format, args...), advice)
}

// Of returns the hints of err and of every error that it wraps, outermost
// first, each once.
func Of(err error) []string {
	var all []string
	seen := map[string]bool{}
	for err != nil {
		var h *hinted
		if !errors.As(err, &h) {
			break
		}
		for _, advice := range h.hints {
			if !seen[advice] {
				seen[advice] = true
				all = append(all, advice)
			}
		}
		if h.reworded {
			break
		}
		err = h.err
	}
	return all
}

// Reword returns err with its text and its hints as change makes them. What it wraps
// stays as it is.
func Reword(err error, change func(text string) string) error {
	reworded := &hinted{err: err, reworded: true, text: change(err.Error())}
	for _, advice := range Of(err) {
		reworded.hints = append(reworded.hints, change(advice))
	}
	return reworded
}
