package shell

import (
	"os"

	"golang.org/x/sys/unix"
)

// parent returns the name of the program that started this one, of which the
// kernel keeps the first 16 bytes (MAXCOMLEN in sys/param.h).
func parent() []string {
	proc, err := unix.SysctlKinfoProc("kern.proc.pid", os.Getppid())
	if err != nil {
		return nil
	}
	return []string{unix.ByteSliceToString(proc.Proc.P_comm[:])}
}
