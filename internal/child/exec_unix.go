//go:build unix

package child

import (
	"errors"
	"fmt"
	"os/signal"
	"syscall"

	"vaws/internal/hint"
)

// run makes path, with command as its arguments, take the place of this
// process.
func run(path string, command, env []string) error {
	// What is ignored from the start (by nohup; for a script's background job)
	// must be so for the command, which it is not while vaws listens for it.
	signal.Reset(syscall.SIGHUP, syscall.SIGINT)
	return execute(path, command, func(path string, arguments []string) error {
		return syscall.Exec(path, arguments, env)
	})
}

// execute calls exec for path with command as its arguments, and for the shell
// if path turns out to be a script without "#!".
func execute(path string, command []string, exec func(path string, arguments []string) error) error {
	err := exec(path, command)
	if errors.Is(err, syscall.ENOEXEC) && isScript(path) {
		err = exec(shell, append([]string{shell, path}, command[1:]...))
	}
	if errors.Is(err, syscall.ENOENT) {
		err = fmt.Errorf("its interpreter is missing: %w", err) // path was there just now
	}
	if err != nil {
		return withAdvice(&Error{command[0], NotExecutable, err})
	}
	return nil
}

// withAdvice is for an environment that was too large before vaws added to it, or
// nearly so.
func withAdvice(err error) error {
	if !errors.Is(err, syscall.E2BIG) {
		return err
	}
	return hint.Wrap(err, "arguments and environment count together: compare \"env | wc -c\" with \"getconf ARG_MAX\"")
}
