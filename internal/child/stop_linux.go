package child

import (
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// stopSelf stops this process and returns when it has been continued.
func stopSelf(sig syscall.Signal) {
	// A signal to the calling thread takes effect before the call returns.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_ = unix.Tgkill(unix.Getpid(), unix.Gettid(), sig)
}
