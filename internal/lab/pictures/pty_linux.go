package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// openTerminal makes a pseudo-terminal (pty(7)).
func openTerminal() (master, terminal *os.File, err error) {
	master, err = os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	fd := int(master.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: columns})
	}
	if err == nil {
		terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	}
	if err != nil {
		_ = master.Close()
		return nil, nil, err
	}
	return master, terminal, nil
}

// inTerminal runs a command in a terminal of its own, types the answers as their
// texts are shown, and returns all that was shown.
func inTerminal(cmd *exec.Cmd, answers []answer) (string, error) {
	master, terminal, err := openTerminal()
	if err != nil {
		return "", err
	}
	defer master.Close()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal, terminal, terminal
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	err = cmd.Start()
	_ = terminal.Close()
	if err != nil {
		return "", err
	}
	shown := &transcript{}
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(shown, master) // ends with EIO when nobody has the terminal any more
	}()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for _, a := range answers {
		if err := shown.await(a.shown, ended); err != nil {
			_ = cmd.Process.Kill()
			return shown.text(), err
		}
		if _, err := io.WriteString(master, a.typed); err != nil {
			return shown.text(), err
		}
	}
	err = <-ended
	<-read
	return shown.text(), err
}

// transcript is what a terminal has shown.
type transcript struct {
	mu   sync.Mutex
	all  bytes.Buffer
	from int // where the next awaited text is looked for
}

func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all.Write(p)
}

func (t *transcript) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all.String()
}

// await waits until a text is shown.
func (t *transcript) await(text string, ended <-chan error) error {
	for {
		shown := t.text()
		if i := strings.Index(shown[t.from:], text); i >= 0 {
			t.from += i + len(text)
			return nil
		}
		select {
		case err := <-ended:
			return errors.Join(fmt.Errorf("it ended before it showed %q", text), err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
