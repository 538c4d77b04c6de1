//go:build unix && !linux

package child

import (
	"os/signal"
	"slices"
	"syscall"
	"time"
)

// printed are the signals at which the Go runtime prints all stacks instead of
// dying of them.
var printed = []syscall.Signal{
	syscall.SIGQUIT, syscall.SIGILL, syscall.SIGTRAP, syscall.SIGABRT,
	syscall.SIGFPE, syscall.SIGBUS, syscall.SIGSEGV, syscall.SIGSYS,
}

// raise ends this process by the signal, or returns: that is how it is for
// those that the Go runtime has a use of its own for.
func raise(sig syscall.Signal) {
	if slices.Contains(printed, sig) {
		return
	}
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
	signal.Reset(sig)
	if syscall.Kill(syscall.Getpid(), sig) == nil {
		time.Sleep(time.Second) // another thread may be the one to take it
	}
}
