package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"vaws/internal/hint"
)

// Remove removes the whole cache: entries and tokens whatever key they are sealed with,
// locks, the directory, and its key in every place where there can be one: the OS keyring,
// the kernel's keyring, the key file that the options name. Files that cannot be removed do
// not keep the key. A lock that another process holds does, and the entries: nobody could
// revoke the lease of what that process is about to keep. It is an error.
//
// unseen are the places that could not be looked into, where a key may be left.
func Remove(ctx context.Context, o Options) (unseen []error, err error) {
	o, err = o.withDefaults()
	if err != nil {
		return nil, err
	}
	err = (&Cache{options: o}).removeFiles()
	if errors.Is(err, errAtWork) {
		return nil, err
	}
	places := []place{newKeyring(o), newKernelKeyring(o)}
	if o.KeyFile != "" {
		places = append(places, keyFile{o.KeyFile})
	}
	for _, p := range places {
		switch failed := p.remove(ctx); {
		case isUnavailable(failed):
			unseen = append(unseen, fmt.Errorf("looking for the cache key in %s: %w", p, failed))
		case failed != nil:
			err = both(err, fmt.Errorf("removing the cache key from %s: %w", p, failed))
		}
	}
	return unseen, err
}

// both is one error of two, of which the first may be nil, with the hints of both.
func both(first, second error) error {
	if first == nil {
		return second
	}
	hints := append(hint.Of(first), hint.Of(second)...)
	return hint.Wrap(fmt.Errorf("%w; %w", first, second), hints...)
}

// removeFiles removes the directory with all that vaws puts there.
func (c *Cache) removeFiles() error {
	dir := c.options.Dir
	err := checkDir(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) { // HOME=/dev/null
		return nil
	}
	if err != nil {
		return err
	}
	if err := removeLocks(c.locksDir()); err != nil {
		return err
	}
	for _, name := range []string{entriesName, sweptName} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("removing the cache: %w", err)
		}
	}
	if err := removeEmpty(filepath.Join(dir, LentName), "run it again when the commands of vaws exec --server have ended"); err != nil {
		return err
	}
	return removeEmpty(dir, "see what else is in it: ls -A "+hint.Quote(dir))
}

// removeEmpty removes a directory, if there is one; advice is for one with something
// in it.
func removeEmpty(dir, advice string) error {
	err := os.Remove(dir)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return hint.Errorf(advice, "removing the cache: %w", err)
}

var errAtWork = errors.New("another vaws process is at work")

// removeLocks removes the locks, which nobody may hold, and their directory.
func removeLocks(dir string) error {
	err := checkDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) { // another process was faster
		return nil
	}
	if err != nil {
		return fmt.Errorf("removing the locks: %w", err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), lockSuffix) && !isTemp(f.Name()) {
			continue
		}
		path := filepath.Join(dir, f.Name())
		switch err := removeLock(path); {
		case errors.Is(err, fs.ErrExist):
			return hint.Errorf("run it again when that is done", "%w and holds %s%s", errAtWork, path, by(path))
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("removing the locks: %w", err)
		}
	}
	return removeEmpty(dir, "see what else is in it: ls -A "+hint.Quote(dir))
}
