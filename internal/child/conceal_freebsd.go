//go:build amd64 || arm64 || riscv64

package child

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Conceal closes this process to debuggers, and no core of it is dumped. It takes a
// system call, and is best called first. root is not kept out, and errors are of no
// interest to anybody.
//
// What this process runs is as open as ever: execve ends it (PROC_TRACE_CTL_DISABLE in
// procctl(2)). 32-bit systems pass the process's ID in another way.
func Conceal() {
	const pid, traceControl = 0, 7 // P_PID in sys/wait.h, PROC_TRACE_CTL in sys/procctl.h
	disable := int32(2)            // PROC_TRACE_CTL_DISABLE
	_, _, _ = unix.Syscall6(unix.SYS_PROCCTL, pid, uintptr(unix.Getpid()), traceControl,
		uintptr(unsafe.Pointer(&disable)), 0, 0)
}
