package hint

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestOfCollectsHintsOfTheWholeChain(t *testing.T) {
	inner := Wrap(io.ErrUnexpectedEOF, "try again", "check the proxy")
	err := Wrap(fmt.Errorf("reading role: %w", inner), "run \"vault status\"", "try again")

	if got, want := Of(err), []string{"run \"vault status\"", "try again", "check the proxy"}; !slices.Equal(got, want) {
		t.Errorf("hints = %q, want %q", got, want)
	}
	if got, want := err.Error(), "reading role: unexpected EOF"; got != want {
		t.Errorf("error = %q, want %q", got, want)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("the cause is lost")
	}
}

func TestReword(t *testing.T) {
	inner := Wrap(fmt.Errorf("saw s3cret: %w", io.ErrUnexpectedEOF), "use s3cret", "try again")
	err := Wrap(fmt.Errorf("reading: %w", Reword(inner, func(text string) string { return strings.ReplaceAll(text, "s3cret", "…") })), "ask s3cret")
	if got, want := err.Error(), "reading: saw …: unexpected EOF"; got != want || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error = %q, want %q", got, want)
	}
	if got, want := Of(err), []string{"ask s3cret", "use …", "try again"}; !slices.Equal(got, want) {
		t.Errorf("hints = %q, want %q", got, want)
	}
	if got := Reword(io.EOF, func(string) string { return "" }); got.Error() != "" {
		t.Errorf("error = %q", got)
	}
}

func TestWrapOfNothing(t *testing.T) {
	if err := Wrap(nil, "advice"); err != nil {
		t.Errorf("Wrap(nil) = %v", err)
	}
	if got := Of(io.EOF); got != nil {
		t.Errorf("hints of a plain error = %q", got)
	}
}
