package cache

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"vaws/internal/hint"
)

// ReadPrivate reads a file that the user has made for a secret, of at most limit bytes.
// It refuses one that somebody else may have read or written, and does not wait for the
// writer of a pipe. What counts is the file that was opened: symbolic links are followed,
// because Kubernetes mounts secrets through them. Errors carry no path but a PathError's.
func ReadPrivate(path string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|openNoWait, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := checkPrivate(path, info); err != nil {
		return nil, err
	}
	return readAll(f, info, limit)
}

// checkPrivate refuses a file that somebody else may have read or written.
func checkPrivate(path string, info fs.FileInfo) error {
	uid, gid, known := owner(info)
	if !info.Mode().IsRegular() || !known {
		return nil // readAll refuses what is no file
	}
	if uid != os.Geteuid() && uid != 0 {
		return errForeign(uid)
	}
	forbidden := fs.FileMode(0o077)
	if uid == 0 && gid == 0 {
		// systemd gives a service user its credential through an access list,
		// whose mask appears as the group's bits: root:root, mode 0440
		// (write_credential in src/core/exec-credential.c).
		forbidden &^= 0o040
	}
	if mode := info.Mode().Perm(); mode&forbidden != 0 {
		return hint.Errorf("run: chmod 600 "+hint.Quote(path), "others may read it (mode %04o)", mode)
	}
	return nil
}

func errForeign(uid int) error {
	return fmt.Errorf("it belongs to user %d, not to user %d", uid, os.Geteuid())
}

// openOwn opens a file of the cache to be read. It neither follows a symbolic link nor
// waits for the writer of a pipe, and refuses what is somebody else's or may be written
// by others: as a rule it has come out of a backup, and is replaced.
func openOwn(path string) (*os.File, fs.FileInfo, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|openWary, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = checkOwn(info)
	}
	if err != nil {
		f.Close()
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, info, nil
}

func checkOwn(info fs.FileInfo) error {
	uid, _, known := owner(info)
	switch {
	case known && uid != os.Geteuid():
		return errForeign(uid)
	case known && info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("others can write it (mode %04o)", info.Mode().Perm())
	}
	return nil
}

// readAll reads a regular file as long as it was when info was taken.
func readAll(f *os.File, info fs.FileInfo, limit int64) ([]byte, error) {
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("more than %d bytes", limit)
	}
	// ReadAt stops at the size seen, whatever a writer appends meanwhile.
	data := make([]byte, info.Size())
	n, err := f.ReadAt(data, 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	return data[:n], nil
}
