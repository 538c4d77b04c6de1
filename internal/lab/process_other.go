//go:build !linux

package lab

import (
	"os/exec"
)

// dieWithParent relies on the pipe of standard input alone.
func dieWithParent(*exec.Cmd) {}
