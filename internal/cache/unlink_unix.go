//go:build unix

package cache

import (
	"os"

	"github.com/gofrs/flock"
)

// unlink removes the file of a lock that is held, and lets go of it.
func unlink(l *flock.Flock) error {
	defer func() { _ = l.Unlock() }()
	return os.Remove(l.Path())
}
