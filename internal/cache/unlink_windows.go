package cache

import (
	"errors"
	"io/fs"
	"os"

	"github.com/gofrs/flock"
	"golang.org/x/sys/windows"
)

// unlink lets go of a lock and removes its file, in this order: Windows removes none that
// somebody has opened as Go does. So nobody else can hold what is removed, either.
func unlink(l *flock.Flock) error {
	_ = l.Unlock()
	err := os.Remove(l.Path())
	if errors.Is(err, windows.ERROR_SHARING_VIOLATION) {
		return fs.ErrExist // the next one has it
	}
	return err
}
