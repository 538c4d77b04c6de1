package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"vaws/internal/hint"
)

// makeDir makes path, and what lacks above it, for the user alone.
func makeDir(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return hintDir(fmt.Errorf("making the cache directory: %w", err))
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return hintDir(fmt.Errorf("making the cache directory: %w", err))
	}
	if err := checkDir(path); err != nil {
		return err
	}
	hideDir(path)
	return nil
}

// hideDir takes a directory of the user's own out of others' sight, in which a restored
// backup or a copy may have put it: whoever can open a lock can hold it. A file system
// without modes leaves it as it is.
func hideDir(path string) {
	d, err := os.OpenFile(path, os.O_RDONLY|openWary, 0)
	if err != nil {
		return
	}
	defer d.Close()
	info, err := d.Stat()
	if err != nil || !info.IsDir() || info.Mode().Perm()&0o077 == 0 {
		return
	}
	if uid, _, known := owner(info); known && uid == os.Geteuid() {
		_ = d.Chmod(info.Mode().Perm() &^ 0o077)
	}
}

// LentName is the directory of files that are lent to a command, in that of the cache.
const LentName = "lent"

// MakeDir makes a directory called name in that of the cache, for the user alone, if it
// does not exist, and returns its path.
func MakeDir(name string) (path string, err error) {
	dir, err := DefaultDir()
	if err != nil {
		return "", err
	}
	if err := makeDir(dir); err != nil {
		return "", err
	}
	path = filepath.Join(dir, name)
	return path, makeDir(path)
}

// checkDir refuses a directory in which somebody else could put files.
func checkDir(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return hintDir(hint.Errorf(fmt.Sprintf("run: mv %s %s", hint.Quote(path), hint.Quote(path+".old")),
			"cache directory %q is not a directory but %s", path, kindOf(info)))
	}
	uid, _, known := owner(info)
	if known && uid != os.Geteuid() {
		return hintDir(hint.Errorf(takeOver(path), "cache directory %q belongs to user %d, not to user %d", path, uid, os.Geteuid()))
	}
	if known && info.Mode().Perm()&0o022 != 0 {
		return hint.Errorf("run: chmod go-w "+hint.Quote(path),
			"cache directory %q can be written by others (mode %04o)", path, info.Mode().Perm())
	}
	return nil
}

// takeOver is the command that gives the user what is his, after root has used it in
// his name (sudo without -H).
func takeOver(path string) string {
	return fmt.Sprintf("run: sudo chown -R %d %s", os.Geteuid(), hint.Quote(path))
}

func kindOf(info fs.FileInfo) string {
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		return "a symbolic link"
	case info.Mode().IsRegular():
		return "a file"
	}
	return "a special file"
}

func hintDir(err error) error {
	return hint.Wrap(err, append(hint.Of(err), "set XDG_CACHE_HOME to a directory of your own, or pass --cache none")...)
}
