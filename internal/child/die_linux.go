package child

import (
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// raise ends this process by the signal, or returns. A program that is given a
// core on a pipe gets it in spite of RLIMIT_CORE (core(5)), so the process is
// made one that is never dumped.
func raise(sig syscall.Signal) {
	Conceal()
	runtime.LockOSThread()
	setDefault(sig)
	// To this very thread, so that it is over when the call returns.
	_ = unix.Tgkill(unix.Getpid(), unix.Gettid(), sig)
}

// setDefault gives the signal its default action. The Go runtime has its own
// handler even for signals that nobody listens for, and prints all stacks on
// SIGQUIT, SIGSEGV and the like.
func setDefault(sig syscall.Signal) {
	var action [64]byte // struct sigaction, in any order: SIG_DFL, no flags, empty mask
	set := unsafe.Sizeof(uint64(0))
	if runtime.GOARCH == "mips" || runtime.GOARCH == "mipsle" || runtime.GOARCH == "mips64" || runtime.GOARCH == "mips64le" {
		set *= 2
	}
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION,
		uintptr(sig), uintptr(unsafe.Pointer(&action)), 0, set, 0, 0)
}
