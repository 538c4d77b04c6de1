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
	data, err := ReadPrivate(f.path, keyFileLimit)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, f.whyMissing()
	}
	if err != nil {
		return nil, err
	}
	defer clear(data)
	if len(data) == keySize {
		return keyOf((*[keySize]byte)(data)), nil
	}
	k, err := parseKey(data)
	if err != nil {
		return nil, hint.Errorf("run: openssl rand -hex 32 > "+hint.Quote(f.path),
			"it holds neither %d bytes nor the hex or base64 of them", keySize)
	}
	return k, nil
}

// whyMissing is errNoKey, unless there is a link to nothing in the place of the file: a
// key cannot be stored there. A file may have come since: who is to make a key looks
// again under the lock.
func (f keyFile) whyMissing() error {
	info, err := os.Lstat(f.path)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return errNoKey
	}
	if _, err := os.Stat(f.path); !errors.Is(err, fs.ErrNotExist) {
		return errNoKey
	}
	return hint.Errorf(hintKeyFile, "it is a symbolic link to nothing")
}

// store makes the file complete or not at all, and never replaces one.
func (f keyFile) store(_ context.Context, k *key) error {
	err := createWhole(f.path, append([]byte(k.text()), '\n'))
	if errors.Is(err, fs.ErrExist) {
		return nil // another process was faster; its key is read back
	}
	return err
}

// remove removes the file if it holds a key, but not what a link in its place points to.
func (f keyFile) remove(ctx context.Context) error {
	if err := checkKeyPath(f.path); err != nil {
		return err
	}
	if _, err := f.look(ctx); err != nil && !errors.Is(err, errNoKey) {
		return err
	}
	info, err := os.Lstat(f.path)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return hint.Errorf("remove what it points to, if that is yours", "it is %s", kindOf(info))
	case err == nil:
		err = os.Remove(f.path)
	}
	if errors.Is(err, fs.ErrNotExist) { // another process was faster
		return nil
	}
	return hint.Wrap(err, "remove it where it comes from")
}

// createByLink writes a temporary file and gives it its name.
func createByLink(path string, data []byte) error {
	temp, err := writeTemp(filepath.Dir(path), data)
	if err != nil {
		return err
	}
	defer os.Remove(temp)
	return os.Link(temp, path)
}
