package profile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"vaws/internal/hint"
)

// File is an AWS config as it was read, to be replaced as a whole.
type File struct {
	Path   string // as the user has it
	Data   []byte
	Exists bool

	target string // where the symbolic links end
	info   fs.FileInfo
}

// Open reads the AWS config at path, which need not exist yet. What could not be
// replaced later, such as a file that is read-only or somebody else's, is an error.
func Open(path string) (*File, error) {
	if path == "" {
		return nil, hint.Errorf("set HOME, or AWS_CONFIG_FILE", "there is no place for an AWS config without a home directory")
	}
	f := &File{Path: path}
	err := f.find()
	if err == nil && f.info != nil {
		err = f.check()
	}
	if err != nil {
		return nil, fmt.Errorf("the AWS config %s: %w", path, err)
	}
	return f, nil
}

// find follows the symbolic links.
func (f *File) find() error {
	var err error
	f.target, err = filepath.EvalSymlinks(f.Path)
	if err == nil {
		f.Exists = true
		f.info, err = os.Stat(f.target)
		return err
	}
	for place := f.Path; errors.Is(err, fs.ErrNotExist); place = filepath.Dir(place) {
		info, linkErr := os.Lstat(place)
		if linkErr == nil && info.Mode()&fs.ModeSymlink != 0 {
			to, _ := os.Readlink(place)
			return hint.Errorf("make what it points to, or run: rm "+hint.Quote(place), "%s is a symbolic link to %s, which does not exist", place, to)
		}
		if linkErr == nil || place == filepath.Dir(place) {
			f.target = f.Path
			return nil
		}
	}
	return err
}

// check reads the file if it can be replaced.
func (f *File) check() error {
	if !f.info.Mode().IsRegular() {
		return hint.Errorf("check AWS_CONFIG_FILE", "it is no regular file")
	}
	if err := checkOwner(f.info); err != nil {
		return err
	}
	if f.info.Mode().Perm()&0o200 == 0 {
		return hint.Errorf("run: chmod u+w "+hint.Quote(f.target), "it is read-only")
	}
	dir, err := os.Stat(filepath.Dir(f.target))
	if err == nil && dir.Mode().Perm()&0o222 == 0 {
		return hint.Errorf("run: chmod u+w "+hint.Quote(filepath.Dir(f.target)), "its directory is read-only")
	}
	f.Data, err = f.read()
	return hint.Wrap(err, "check AWS_CONFIG_FILE and the file's mode")
}

// read reads the file that was examined, and no other that has come in its place.
func (f *File) read() ([]byte, error) {
	file, err := os.Open(f.target)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err == nil && !os.SameFile(info, f.info) {
		err = errors.New("somebody else has changed it meanwhile")
	}
	if err != nil {
		return nil, err
	}
	return io.ReadAll(file)
}

// leftover begins the names of files that are to replace the config.
const leftover = ".vaws-configure-"

// Replace gives the file new contents; nil removes it. It is at any moment either the
// old file or the new one, and keeps its mode and its owner. A file that somebody has
// changed since it was read is left alone. now tells what an earlier call that was
// killed has left behind.
func (f *File) Replace(data []byte, now time.Time) error {
	err := f.replace(data, now)
	if errors.Is(err, fs.ErrPermission) {
		err = hint.Wrap(err, "check the owner and the mode of "+filepath.Dir(f.target))
	}
	if err != nil {
		return fmt.Errorf("the AWS config %s is as it was: %w", f.Path, err)
	}
	return nil
}

func (f *File) replace(data []byte, now time.Time) error {
	dir := filepath.Dir(f.target)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if data == nil {
		if err := f.unchanged(); err != nil {
			return err
		}
		return os.Remove(f.target)
	}
	tidy(dir, now)
	next, err := f.write(dir, data)
	if err != nil {
		return err
	}
	defer os.Remove(next) // where it has not become the file
	if err := f.unchanged(); err != nil {
		return err
	}
	if err := os.Rename(next, f.target); err != nil {
		return err
	}
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync() // a file system that cannot keeps the old file or the new one all the same
		d.Close()
	}
	return nil
}

// write makes the file that is to replace the other one.
func (f *File) write(dir string, data []byte) (path string, err error) {
	next, err := os.CreateTemp(dir, leftover+"*")
	if err != nil {
		return "", err
	}
	defer func() {
		if err = errors.Join(err, next.Close()); err != nil {
			os.Remove(next.Name())
		}
	}()
	if f.info != nil {
		if err := keepOwner(next, f.info); err != nil {
			return "", fmt.Errorf("keeping its owner: %w", err)
		}
		if err := next.Chmod(f.info.Mode().Perm()); err != nil {
			return "", fmt.Errorf("keeping its mode: %w", err)
		}
	}
	if _, err := next.Write(data); err != nil {
		return "", err
	}
	return next.Name(), next.Sync()
}

// unchanged fails if the file is no longer what was read.
func (f *File) unchanged() error {
	target, err := filepath.EvalSymlinks(f.Path)
	if !f.Exists && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(target)
	}
	if err != nil || !f.Exists || target != f.target || !bytes.Equal(data, f.Data) {
		return hint.Errorf("run it again", "somebody else has changed it meanwhile")
	}
	return nil
}

// leftoverAge is more than a write takes.
const leftoverAge = time.Hour

// tidy removes what killed processes have left.
func tidy(dir string, now time.Time) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), leftover) {
			continue
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && now.Sub(info.ModTime()) > leftoverAge {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}
