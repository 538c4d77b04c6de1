package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"vaws/internal/hint"
)

// keyFileLimit leaves room for a line's end and no more than that.
const keyFileLimit = 128

// keyFile is a file with the key, raw or as text: a systemd credential, a
// container's secret, a file on a tmpfs.
type keyFile struct{ path string }

func (f keyFile) String() string { return fmt.Sprintf("key file %q", f.path) }

func (f keyFile) look(context.Context) (*key, error) {
	data, err := f.read()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNoKey
	}
	if err != nil {
		return nil, err
	}
	defer clear(data)
	if len(data) == keySize {
		return keyOf([keySize]byte(data)), nil
	}
	k, err := parseKey(data)
	if err != nil {
		return nil, hint.Errorf("run: openssl rand -hex 32 > "+hint.Quote(f.path),
			"it holds neither %d bytes nor the hex or base64 of them", keySize)
	}
	return k, nil
}

// read follows symbolic links, because Kubernetes mounts secrets through them;
// what counts is the file at their end.
func (f keyFile) read() ([]byte, error) {
	if info, err := os.Stat(f.path); err == nil && !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file") // opening a pipe would wait
	}
	file, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if err := f.checkPrivate(info); err != nil {
		return nil, err
	}
	return readAll(file, keyFileLimit)
}

// checkPrivate refuses a file that somebody else may have read or written.
func (f keyFile) checkPrivate(info fs.FileInfo) error {
	uid, gid, known := owner(info)
	if !known {
		return nil
	}
	if uid != os.Geteuid() && uid != 0 {
		return fmt.Errorf("it belongs to user %d, not to user %d", uid, os.Geteuid())
	}
	forbidden := fs.FileMode(0o077)
	if uid == 0 && gid == 0 {
		// systemd gives a service user its credential through an access list,
		// whose mask appears as the group's bits: root:root, mode 0440
		// (write_credential in src/core/exec-credential.c).
		forbidden &^= 0o040
	}
	if mode := info.Mode().Perm(); mode&forbidden != 0 {
		return hint.Errorf("run: chmod 600 "+hint.Quote(f.path), "others may read it (mode %04o)", mode)
	}
	return nil
}

// store makes the file complete or not at all, and never replaces one.
func (f keyFile) store(_ context.Context, k *key) error {
	temp, err := writeTemp(filepath.Dir(f.path), append([]byte(k.text()), '\n'))
	if err != nil {
		return err
	}
	defer os.Remove(temp)
	if err := os.Link(temp, f.path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
