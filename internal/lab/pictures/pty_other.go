//go:build !linux

package main

import (
	"errors"
	"os/exec"
)

func inTerminal(*exec.Cmd, []answer) (string, error) {
	return "", errors.New("the pictures are made on Linux")
}
