package child

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Lend puts data where a child can read it as the file at path, by any number
// of processes and any number of times, until release is called or this process
// ends. Only this user can read it, and nobody can write it.
//
// On Linux the file exists in memory alone, and the end of this process is that of the
// file a moment later. Where that cannot be done it is a file in the directory that dir
// makes for the user alone. Its name begins with name and this process's ID, and it is
// removed by release, or by the next call with the same name if this process died before.
func Lend(dir func() (string, error), name string, data []byte) (path string, release func(), err error) {
	path, release, err = lendMemory(name, data)
	if err == nil {
		return path, release, nil
	}
	return lendOnDisk(dir, name, data)
}

func lendOnDisk(dir func() (string, error), name string, data []byte) (path string, release func(), err error) {
	const attempts = 20
	for range attempts {
		var place string
		if place, err = dir(); err == nil {
			sweep(place, name)
			path, release, err = lendFile(place, name, data)
		}
		// Another process's sweep may come before the file is held, and whoever clears
		// the cache removes the directory.
		if !errors.Is(err, errSwept) && !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	if err != nil {
		return "", nil, fmt.Errorf("lending %s: %w", name, err)
	}
	return path, release, nil
}

// LenderWord as its only argument makes this program BeLender.
const LenderWord = "__lend"

// BeLender does all that a process has to do through which a lent file is opened: it is
// there until its standard input ends. On Linux Lend starts one.
func BeLender() { _, _ = io.Copy(io.Discard, os.Stdin) }

var errSwept = errors.New("taken for an abandoned one")

// lendFile makes the file, and holds it open for others to see that its maker
// is alive.
func lendFile(dir, name string, data []byte) (path string, release func(), err error) {
	path, err = write(dir, fmt.Sprintf("%s.%d.*", name, os.Getpid()), data)
	if err != nil {
		return "", nil, err
	}
	held, err := os.Open(path)
	if err == nil {
		err = hold(held)
	}
	if err == nil && !isAt(path, held) {
		err = errSwept
	}
	release = func() {
		_ = held.Close()
		_ = os.Remove(path)
	}
	if err != nil {
		release()
		return "", nil, err
	}
	return path, release, nil
}

func write(dir, pattern string, data []byte) (path string, err error) {
	f, err := os.CreateTemp(dir, pattern) // of mode 0600
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

// isAt reports whether path still leads to f.
func isAt(path string, f *os.File) bool {
	there, err := os.Stat(path)
	if err != nil {
		return false
	}
	here, err := f.Stat()
	return err == nil && os.SameFile(there, here)
}

// SweepLent removes the files in dir, the directory of Lend, whose makers have died.
func SweepLent(dir string) { sweep(dir, "*") }

// sweep removes the files of this name whose makers have died.
func sweep(dir, name string) {
	entries, _ := filepath.Glob(filepath.Join(dir, name+".*.*")) // a bad pattern finds nothing
	for _, path := range entries {
		removeAbandoned(path)
	}
}
