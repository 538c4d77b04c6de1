package child

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"

	"vaws/internal/hint"
)

// lookUp finds the file that name means in env's PATH, with the extensions in
// its PATHEXT. exec.LookPath knows only this process's environment, so both are
// set there.
func lookUp(name string, env []string) (string, error) {
	for _, variable := range []string{"PATH", "PATHEXT"} {
		value, _ := naming("windows").value(env, variable)
		if err := os.Setenv(variable, value); err != nil {
			return "", fmt.Errorf("looking for %q: %w", name, err)
		}
	}
	path, err := exec.LookPath(name)
	if err == nil {
		return path, nil
	}
	if cause := (*exec.Error)(nil); errors.As(err, &cause) {
		err = cause.Err // without the name, which Error names
	}
	return "", unusable(name, path, err)
}

func unusable(name, path string, err error) error {
	switch {
	case errors.Is(err, exec.ErrDot):
		err = &Error{name, NotExecutable, errors.New("PATH finds it only relative to the current directory")}
		return hint.Wrap(err, fmt.Sprintf(`if it is the one that you mean, run ".\%s"`, path))
	case errors.Is(err, exec.ErrNotFound):
		return &Error{name, NotFound, errors.New("not found in PATH")}
	case errors.Is(err, fs.ErrNotExist):
		return &Error{name, NotFound, err}
	default:
		return &Error{name, NotExecutable, err}
	}
}
