package shell

import (
	"fmt"
	"os"
	"strings"
)

// parent returns the names of the program that started this one: its
// executable's, and the one it goes by, which says more where one executable is
// many programs (busybox). Another user's executable cannot be read.
func parent() []string {
	dir := fmt.Sprintf("/proc/%d", os.Getppid())
	exe, _ := os.Readlink(dir + "/exe")
	comm, _ := os.ReadFile(dir + "/comm")
	// A shell that was upgraded while it ran (proc_pid_exe(5)).
	exe = strings.TrimSuffix(exe, " (deleted)")
	return []string{exe, strings.TrimSpace(string(comm))}
}
