//go:build unix

package child

import (
	"os"

	"golang.org/x/sys/unix"
)

// hold locks f for as long as it is open. The kernel frees the lock when the
// process dies. Who sweeps has it for a moment.
func hold(f *os.File) error {
	return unix.Flock(int(f.Fd()), unix.LOCK_SH)
}

// removeAbandoned removes the file unless somebody holds it.
func removeAbandoned(path string) {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer f.Close()
	if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
		_ = os.Remove(path)
	}
}
