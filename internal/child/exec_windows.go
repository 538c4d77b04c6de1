package child

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
)

// run starts path with command as its arguments and waits for its end.
func run(path string, command, env []string) error {
	// Ctrl-C reaches every process of the console, and it is for the command
	// to decide what comes of it. (signal.Ignore would not do: to the Go
	// runtime it means the default, which on Windows ends the process.)
	unheard := make(chan os.Signal, 1)
	signal.Notify(unheard, os.Interrupt)
	defer signal.Stop(unheard)

	cmd := &exec.Cmd{Path: path, Args: command, Env: env, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	err := cmd.Run()
	if cmd.ProcessState != nil {
		return Exited(cmd.ProcessState.ExitCode())
	}
	if cause := (*fs.PathError)(nil); errors.As(err, &cause) {
		err = cause.Err // without the path, which Error names
	}
	return &Error{command[0], NotExecutable, err}
}
