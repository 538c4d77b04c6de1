//go:build unix

package cache

import "syscall"

const (
	// openNoWait opens a file without waiting for the other end of a pipe.
	openNoWait = syscall.O_NONBLOCK
	// openWary does not follow a symbolic link, either.
	openWary = openNoWait | syscall.O_NOFOLLOW
)
