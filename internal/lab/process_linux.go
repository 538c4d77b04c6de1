package lab

import (
	"os/exec"
	"syscall"
)

// dieWithParent has the kernel kill the child when this process ends, and keeps
// a terminal's Ctrl-C from reaching the child directly.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
