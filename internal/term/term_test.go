//go:build linux

package term

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// TestMain makes this binary a program that asks its terminal for something and
// says on its descriptor 3 what it got, or one that waits.
func TestMain(m *testing.M) {
	question := AskSecret
	switch {
	case len(os.Args) < 2:
		os.Exit(m.Run())
	case os.Args[1] == "spin":
		spinForTest()
		os.Exit(0)
	case os.Args[1] == "ask-openly":
		question = Ask
	case os.Args[1] == "ask-slowly":
		question = askSlowly
	case os.Args[1] == "pick":
		question = pickAndAsk
	case os.Args[1] != "ask":
		os.Exit(m.Run())
	}
	result := os.NewFile(3, "result")
	fmt.Fprintf(result, "available %v\n", Available())
	secret, err := question(context.Background(), "code: ")
	fmt.Fprintf(result, "secret %q err %v\n", secret, err)
	os.Exit(0)
}

// asking is that program on a terminal of its own.
type asking struct {
	tty    *os.File
	result *os.File
	cmd    *exec.Cmd
	screen bytes.Buffer
}

func ask(t *testing.T, how string) *asking {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	a := &asking{result: read, cmd: exec.Command(os.Args[0], how)}
	a.cmd.ExtraFiles = []*os.File{write}
	if a.tty, err = pty.Start(a.cmd); err != nil {
		t.Fatal(err)
	}
	write.Close()
	t.Cleanup(func() {
		a.cmd.Process.Kill()
		a.tty.Close()
		a.result.Close()
	})
	return a
}

// until reads the screen until text has appeared.
func (a *asking) until(t *testing.T, text string) {
	t.Helper()
	buf := make([]byte, 256)
	for !strings.Contains(a.screen.String(), text) {
		n, err := a.tty.Read(buf)
		a.screen.Write(buf[:n])
		if err != nil {
			t.Fatalf("reading the screen: %v, so far %q", err, a.screen.String())
		}
	}
}

// end reads what is left and returns the result.
func (a *asking) end(t *testing.T) string {
	t.Helper()
	result, err := io.ReadAll(a.result)
	if err != nil {
		t.Fatal(err)
	}
	return string(result)
}

// askSlowly does not come to reading until the answer is there.
func askSlowly(ctx context.Context, prompt string) (string, error) {
	return question{prompt, func(in *os.File) (string, error) {
		for {
			_, err := unix.Poll([]unix.PollFd{{Fd: int32(in.Fd()), Events: unix.POLLIN}}, -1)
			switch {
			case err == nil:
				return readHidden(in)
			case err != unix.EINTR:
				return "", err
			}
		}
	}, true}.ask(ctx)
}

// pickAndAsk asks twice: what is typed after the list is for the question.
func pickAndAsk(ctx context.Context, prompt string) (string, error) {
	picked, err := Pick(ctx, "which?", choices("alpha", "beta", "gamma"))
	if err != nil {
		return "", err
	}
	answer, err := Ask(ctx, prompt)
	return fmt.Sprint(picked, answer), err
}

func TestPick(t *testing.T) {
	a := ask(t, "pick")
	a.until(t, "gamma")
	if _, err := a.tty.WriteString(keyDown + " " + keyDown); err != nil {
		t.Fatal(err)
	}
	a.until(t, "> [ ] gamma")
	if err := pty.Setsize(a.tty, &pty.Winsize{Rows: 5, Cols: 12}); err != nil {
		t.Fatal(err)
	}
	a.until(t, "1 of 3\x1b[J") // no room for more
	if _, err := a.tty.WriteString(" " + keyEnter); err != nil {
		t.Fatal(err)
	}
	a.until(t, "code: ")
	if _, err := a.tty.WriteString("yes\n"); err != nil {
		t.Fatal(err)
	}
	a.until(t, "yes")
	if got, want := a.end(t), "available true\nsecret \"[1 2]yes\" err <nil>\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if screen := a.screen.String(); strings.Index(screen, "\x1b[?1049l") > strings.Index(screen, "code: ") {
		t.Errorf("the list is still there: %q", screen)
	}
	const usual = unix.ECHO | unix.ICANON | unix.ISIG | unix.IEXTEN
	after, err := unix.IoctlGetTermios(int(a.tty.Fd()), unix.TCGETS)
	if err != nil || after.Lflag&usual != usual || after.Oflag&unix.OPOST == 0 || after.Iflag&unix.ICRNL == 0 {
		t.Errorf("the terminal is %+v, %v", after, err)
	}
}

func TestPickIsInterrupted(t *testing.T) {
	for name, interrupt := range map[string]func(a *asking) error{
		"Ctrl-C":  func(a *asking) error { _, err := a.tty.Write([]byte{3}); return err },
		"Esc":     func(a *asking) error { _, err := a.tty.WriteString(keyEsc); return err },
		"SIGINT":  func(a *asking) error { return a.cmd.Process.Signal(os.Interrupt) },
		"SIGTERM": func(a *asking) error { return a.cmd.Process.Signal(unix.SIGTERM) },
	} {
		a := ask(t, "pick")
		a.until(t, "gamma")
		if err := interrupt(a); err != nil {
			t.Fatal(err)
		}
		if got := a.end(t); !strings.Contains(got, `secret "" err interrupted`) {
			t.Errorf("%s: got %q", name, got)
		}
		a.until(t, "\x1b[?1049l")
		waitForEcho(t, a.tty, true)
	}
}

func TestAskSecretDoesNotShowIt(t *testing.T) {
	a := ask(t, "ask")
	a.until(t, "code: ")
	waitForEcho(t, a.tty, false)
	if _, err := a.tty.WriteString(" 123456 \n"); err != nil {
		t.Fatal(err)
	}
	a.until(t, "\n")
	if got, want := a.end(t), "available true\nsecret \" 123456 \" err <nil>\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if strings.Contains(a.screen.String(), "123456") {
		t.Errorf("the screen shows it: %q", a.screen.String())
	}
	waitForEcho(t, a.tty, true)
}

func TestAskShowsWhatIsTyped(t *testing.T) {
	a := ask(t, "ask-openly")
	a.until(t, "code: ")
	if _, err := a.tty.WriteString("alice\n"); err != nil {
		t.Fatal(err)
	}
	a.until(t, "alice")
	if got, want := a.end(t), "available true\nsecret \"alice\" err <nil>\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCtrlCEndsTheQuestionAndRestoresTheTerminal(t *testing.T) {
	for _, how := range []string{"ask", "ask-openly"} {
		t.Run(how, func(t *testing.T) {
			a := ask(t, how)
			a.until(t, "code: ")
			waitForEcho(t, a.tty, how == "ask-openly")
			if _, err := a.tty.Write([]byte("12\x03")); err != nil {
				t.Fatal(err)
			}
			if got := a.end(t); !strings.Contains(got, `secret "" err interrupted`) {
				t.Errorf("got %q", got)
			}
			waitForEcho(t, a.tty, true)
			if !errors.Is(ErrInterrupted, context.Canceled) {
				t.Error("it does not tell that the caller has broken off")
			}
		})
	}
}

// spinForTest waits, says something in between, and goes on to wait; lines from the
// terminal tell when.
func spinForTest() {
	lines := bufio.NewReader(os.Stdin)
	s := Spin("waiting for a word, and then for another one")
	lines.ReadString('\n')
	show := s.Hide()
	fmt.Fprintln(os.Stderr, "message")
	show()
	lines.ReadString('\n')
	s.Stop()
	fmt.Fprintln(os.Stderr, "end")
}

func TestSpinnerLeavesNoTrace(t *testing.T) {
	a := ask(t, "spin")
	if err := pty.Setsize(a.tty, &pty.Winsize{Rows: 24, Cols: 20}); err != nil {
		t.Fatal(err)
	}
	a.until(t, "\\ waiting for a wor\x1b[K") // what has room in the line
	a.tty.WriteString("\n")
	a.until(t, "\r\x1b[Kmessage\r\n")
	a.screen.Reset()
	a.until(t, "waiting for a wor")
	a.tty.WriteString("\n")
	a.until(t, "end\r\n")
	if screen := a.screen.String(); !strings.HasSuffix(screen, "\r\x1b[Kend\r\n") {
		t.Errorf("screen %q", screen)
	}
}

func TestNoSpinnerWithoutATerminal(t *testing.T) {
	if s := Spin("waiting"); s != nil && !IsTerminal(os.Stderr) {
		t.Error("there is one")
	}
	var none *Spinner
	none.Hide()()
	none.Stop()
}

// A script that types for a person answers as soon as it sees the prompt.
func TestNothingTypedAtThePromptIsShown(t *testing.T) {
	a := ask(t, "ask-slowly")
	a.until(t, "code: ")
	if _, err := a.tty.WriteString("123456\n"); err != nil {
		t.Fatal(err)
	}
	if got, want := a.end(t), "available true\nsecret \"123456\" err <nil>\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	a.until(t, "\n")
	if screen := a.screen.String(); screen != "code: \r\n" {
		t.Errorf("screen %q", screen)
	}
	waitForEcho(t, a.tty, true)
}

// After Ctrl-Z and fg, the shell's terminal would show what is typed.
func TestCtrlZDoesNotUncoverTheAnswer(t *testing.T) {
	a := ask(t, "ask")
	a.until(t, "code: ")
	waitForEcho(t, a.tty, false)
	if _, err := a.tty.Write([]byte("\x1a123456\n")); err != nil {
		t.Fatal(err)
	}
	if got, want := a.end(t), "available true\nsecret \"123456\" err <nil>\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// waitForEcho waits until the terminal shows what is typed, or does not.
func waitForEcho(t *testing.T, tty *os.File, want bool) {
	t.Helper()
	for range 1_000_000 {
		state, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		if (state.Lflag&unix.ECHO != 0) == want {
			return
		}
	}
	t.Fatalf("echo is not %v", want)
}
