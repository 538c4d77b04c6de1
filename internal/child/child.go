// Package child runs a program in place of vaws, or on its behalf where that
// cannot be done.
package child

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
)

// Exit statuses for a command that could not be run, as of shells and env(1)
// (https://pubs.opengroup.org/onlinepubs/9799919799/utilities/env.html).
const (
	NotExecutable = 126 // it is there but cannot be run
	NotFound      = 127
)

// Error says why a command could not be run.
type Error struct {
	Command string // as it was asked for
	Status  int    // NotExecutable or NotFound
	Err     error
}

func (e *Error) Error() string { return fmt.Sprintf("running %q: %v", e.Command, e.Err) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Exited is the end of a command that ran: its exit status.
type Exited int

func (e Exited) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// Run runs command, a program and its arguments, with env, "NAME=VALUE" each,
// as the whole of its environment. The program is looked for in the PATH of
// env.
//
// On Unix the program replaces this one and is the same process: Run returns
// only if that fails. On Windows Run leaves Ctrl-C to the program, waits for
// its end and returns it as Exited.
//
// Three things the Go runtime changes before any Go code runs, and keeps no
// record of: signals other than SIGHUP, SIGINT and the terminal's stop signals
// that were ignored, and most that were blocked, are not so for the program;
// and standard streams that were closed are /dev/null.
//
// The error, which is never nil, is or wraps an *Error when the fault is the
// command's.
func Run(command, env []string) error {
	path, err := find(command, env)
	if err != nil {
		return err
	}
	return run(path, command, env)
}

// Find returns the error that Run and Supervise would return before they start
// anything, or nil: the command is there and may be executed.
func Find(command, env []string) error {
	_, err := find(command, env)
	return err
}

func find(command, env []string) (path string, err error) {
	if len(command) == 0 {
		return "", errors.New("no command to run")
	}
	// The kernel would take what follows the NUL for absent.
	if slices.ContainsFunc(command, hasNUL) || slices.ContainsFunc(env, hasNUL) {
		return "", fmt.Errorf("running %q: NUL byte in its arguments or environment", command[0])
	}
	if path, err = lookUp(command[0], env); err != nil {
		return "", err
	}
	return path, checkBatch(runtime.GOOS, path, command)
}

func hasNUL(s string) bool { return strings.ContainsRune(s, 0) }
