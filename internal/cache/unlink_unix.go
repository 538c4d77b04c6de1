//go:build unix

package cache

import (
	"os"

	"github.com/gofrs/flock"
)

// unlink removes a lock's file while the lock is held: whoever waits for it sees that
// the file is gone.
func unlink(l *flock.Flock) error {
	defer func() { _ = l.Unlock() }()
	return os.Remove(l.Path())
}
