// Package term speaks with the person at the terminal, past stdin and stdout,
// which belong to programs.
package term

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"golang.org/x/term"
)

// device is the terminal that vaws was started from.
type device struct{ in, out *os.File }

func (d device) close() {
	d.in.Close()
	d.out.Close()
}

// Available reports whether there is a terminal with a person before it.
func Available() bool {
	d, err := open()
	if err != nil {
		return false
	}
	defer d.close()
	return term.IsTerminal(int(d.in.Fd()))
}

// IsTerminal reports whether a file is a terminal.
func IsTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// ErrInterrupted is the answer of a person who pressed Ctrl-C. It is a
// context.Canceled, too: what the question was for is not to go on without an answer.
var ErrInterrupted error = interrupted{}

type interrupted struct{}

func (interrupted) Error() string        { return "interrupted" }
func (interrupted) Is(target error) bool { return target == context.Canceled }

// Ask prints the prompt on the terminal and reads a line, as AskSecret does, but
// shows what is typed.
func Ask(ctx context.Context, prompt string) (string, error) {
	return question{prompt, readLine, false}.ask(ctx)
}

// AskSecret prints the prompt on the terminal and reads a line that is not
// shown. Ctrl-C ends it at once with ErrInterrupted, and so does the end of ctx;
// the terminal is then as it was.
func AskSecret(ctx context.Context, prompt string) (string, error) {
	return question{prompt, readHidden, true}.ask(ctx)
}

type question struct {
	prompt string
	read   func(*os.File) (string, error)
	hidden bool
}

func (q question) ask(ctx context.Context) (string, error) {
	d, err := open()
	if err != nil {
		return "", fmt.Errorf("opening the terminal: %w", err)
	}
	defer d.close()
	before, err := term.GetState(int(d.in.Fd()))
	if err != nil {
		return "", fmt.Errorf("opening the terminal: %w", err)
	}
	defer term.Restore(int(d.in.Fd()), before)
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGHUP)
	defer signal.Stop(interrupts)
	defer holdStops()()
	if q.hidden { // before the prompt: some type as soon as they see it
		if err := stopEcho(d.in); err != nil {
			return "", fmt.Errorf("preparing the terminal: %w", err)
		}
	}
	fmt.Fprint(d.out, q.prompt)
	text, err := q.answer(ctx, d.in, interrupts)
	if q.hidden || err != nil { // nothing has ended the line on the screen
		fmt.Fprintln(d.out)
	}
	return text, err
}

func readHidden(in *os.File) (string, error) {
	line, err := term.ReadPassword(int(in.Fd()))
	return string(line), err
}

// readLine reads up to the end of a line; the terminal hands out no less.
func readLine(in *os.File) (string, error) {
	line, err := bufio.NewReader(in).ReadString('\n')
	if line != "" {
		err = nil
	}
	return strings.TrimRight(line, "\r\n"), err
}

func (q question) answer(ctx context.Context, in *os.File, interrupts <-chan os.Signal) (string, error) {
	type line struct {
		text string
		err  error
	}
	lines := make(chan line, 1)
	go func() { // a terminal cannot be read with a deadline
		text, err := q.read(in)
		lines <- line{text, err}
	}()
	select {
	case l := <-lines:
		if l.err != nil {
			return "", fmt.Errorf("reading from the terminal: %w", l.err)
		}
		return l.text, nil
	case <-interrupts:
		return "", ErrInterrupted
	case <-ctx.Done():
		return "", errors.New("nothing was entered in time")
	}
}
