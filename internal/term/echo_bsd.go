//go:build unix && !linux

package term

import "golang.org/x/sys/unix"

// What was typed before is kept (tty(4)).
const (
	getTermios = unix.TIOCGETA
	setTermios = unix.TIOCSETA
)
