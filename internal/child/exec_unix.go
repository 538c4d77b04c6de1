//go:build unix

package child

import (
	"errors"
	"fmt"
	"os/signal"
	"syscall"
)

// run makes path, with command as its arguments, take the place of this
// process.
func run(path string, command, env []string) error {
	// What is ignored from the start (by nohup; for a script's background job)
	// must be so for the command, which it is not while vaws listens for it.
	signal.Reset(syscall.SIGHUP, syscall.SIGINT)
	err := syscall.Exec(path, command, env)
	if errors.Is(err, syscall.ENOEXEC) && isScript(path) {
		err = syscall.Exec(shell, append([]string{shell, path}, command[1:]...), env)
	}
	if errors.Is(err, syscall.ENOENT) {
		err = fmt.Errorf("its interpreter is missing: %w", err) // path was there just now
	}
	return &Error{command[0], NotExecutable, err}
}
