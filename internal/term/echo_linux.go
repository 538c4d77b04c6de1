package term

import "golang.org/x/sys/unix"

// What was typed before is kept (ioctl_tty(2)).
const (
	getTermios = unix.TCGETS
	setTermios = unix.TCSETS
)
