//go:build unix

package child

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"vaws/internal/hint"
)

const (
	// defaultPath is searched when there is no PATH at all (execvp(3)).
	defaultPath = "/bin:/usr/bin"
	// shell runs what the kernel calls ENOEXEC: a script without "#!" (execvp(3)).
	shell = "/bin/sh"
)

// lookUp finds the file that name means in env's PATH, as execvp(3) does, with
// two exceptions. It never takes one from the current directory because PATH
// has an empty or relative element: what lies there may be anybody's. And a
// directory in PATH that may not be searched is passed over in silence.
func lookUp(name string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, usable(name, check(name))
	}
	path, ok := naming(runtime.GOOS).value(env, "PATH")
	if !ok {
		path = defaultPath
	}
	var refused error
	for _, dir := range filepath.SplitList(path) {
		file := filepath.Join(dir, name)
		if _, err := os.Stat(file); name == "" || err != nil {
			continue
		}
		err := check(file)
		switch {
		case err == nil && !filepath.IsAbs(file):
			return "", relative(name, file)
		case err == nil:
			return file, nil
		case refused == nil:
			refused = fmt.Errorf("%q: %w", file, err)
		}
	}
	if refused != nil {
		return "", usable(name, refused)
	}
	return "", notFound(name)
}

// check returns why path cannot be executed, or nil.
func check(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return errors.Unwrap(err) // without the path, which the caller names
	}
	if info.IsDir() {
		return syscall.EISDIR
	}
	const execute = 1 // X_OK
	return syscall.Access(path, execute)
}

// usable turns what check returned into Run's error, or nil.
func usable(name string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ENOTDIR):
		return &Error{name, NotFound, err}
	default:
		return &Error{name, NotExecutable, err}
	}
}

func relative(name, file string) error {
	err := &Error{name, NotExecutable, errors.New("PATH finds it only relative to the current directory")}
	return hint.Wrap(err, fmt.Sprintf("if it is the one that you mean, run %q", "./"+file))
}

func notFound(name string) error {
	err := &Error{name, NotFound, errors.New("not found in PATH")}
	if !strings.Contains(name, " ") {
		return err
	}
	return hint.Wrap(err, "give the command and its arguments as separate words, or run it with \"sh -c\"")
}

// isScript reports whether the file at path may be meant for the shell: there
// is no NUL in its first line. A program for another machine has one; that line
// is what bash looks at, too (check_binary_file in general.c).
func isScript(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, 128))
	line, _, _ := bytes.Cut(head, []byte("\n"))
	return err == nil && bytes.IndexByte(line, 0) < 0
}
