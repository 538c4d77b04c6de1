//go:build unix

package child

import (
	"golang.org/x/sys/unix"
)

// terminal is the one that controls this process.
type terminal int

// openTerminal fails if there is none, or if it has hung up.
func openTerminal() (terminal, error) {
	fd, err := unix.Open("/dev/tty", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	return terminal(fd), err
}

func (t terminal) close() { _ = unix.Close(int(t)) }

// foreground is the process group that the terminal belongs to; 0 if unknown.
func (t terminal) foreground() int {
	group, err := unix.IoctlGetInt(int(t), unix.TIOCGPGRP)
	if err != nil {
		return 0
	}
	return group
}

// give makes the terminal another process group's. The caller's must have it:
// to any other the kernel answers with SIGTTOU.
func (t terminal) give(group int) {
	_ = unix.IoctlSetPointerInt(int(t), unix.TIOCSPGRP, group)
}

func (t terminal) size() unix.Winsize {
	size, err := unix.IoctlGetWinsize(int(t), unix.TIOCGWINSZ)
	if err != nil {
		return unix.Winsize{}
	}
	return *size
}
