//go:build unix

package term

import (
	"os"

	"golang.org/x/sys/unix"
)

// stopEcho makes the terminal no longer show what is typed.
func stopEcho(tty *os.File) error {
	state, err := unix.IoctlGetTermios(int(tty.Fd()), getTermios)
	if err != nil {
		return err
	}
	state.Lflag &^= unix.ECHO
	return unix.IoctlSetTermios(int(tty.Fd()), setTermios, state)
}
