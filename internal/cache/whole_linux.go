package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"vaws/internal/faultpoint"
)

// createWhole makes a new file, mode 0600, that is complete from the start. It has no
// name until then (O_TMPFILE in open(2)), so that a process that is killed leaves
// nothing behind. Where a file system cannot do that, it has a temporary one.
func createWhole(path string, data []byte) error {
	err := createNameless(path, data)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	return createByLink(path, data)
}

func createNameless(path string, data []byte) error {
	fd, err := unix.Open(filepath.Dir(path), unix.O_TMPFILE|unix.O_WRONLY|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	if _, err := faultpoint.Write("key-file-half-written", f, data); err != nil {
		return err
	}
	return unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", fd), unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW)
}
