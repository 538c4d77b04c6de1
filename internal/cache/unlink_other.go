//go:build !unix

package cache

import (
	"os"

	"github.com/gofrs/flock"
)

// unlink frees a lock and removes its file. Windows removes none that somebody has
// open, be it the one who holds it.
func unlink(l *flock.Flock) error {
	if err := l.Unlock(); err != nil {
		return err
	}
	return os.Remove(l.Path())
}
