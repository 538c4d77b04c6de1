//go:build unix

package cache

import "syscall"

// openWary opens a file without following a symbolic link and without waiting
// for the other end of a pipe.
const openWary = syscall.O_NOFOLLOW | syscall.O_NONBLOCK
