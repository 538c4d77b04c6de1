package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"vaws/internal/hint"
)

// Remove removes the whole cache: entries and tokens whatever key they are sealed with,
// locks, the directory, and its key in every place where there can be one: the OS keyring,
// the kernel's keyring, the key file that the options name. It goes on after an error and
// tells of all of them. A lock that another process holds stays, which is an error.
func Remove(ctx context.Context, o Options) error {
	o, err := o.withDefaults()
	if err != nil {
		return err
	}
	c := &Cache{options: o}
	failed := c.removeFiles()
	places := []place{newKeyring(o), newKernelKeyring(o)}
	if o.KeyFile != "" {
		places = append(places, keyFile{o.KeyFile})
	}
	for _, p := range places {
		if err := p.remove(ctx); err != nil && !isUnavailable(err) {
			failed = both(failed, fmt.Errorf("removing the cache key from %s: %w", p, err))
		}
	}
	return failed
}

// both is one line of two errors, of which there may be one.
func both(first, second error) error {
	if first == nil {
		return second
	}
	return fmt.Errorf("%w; %w", first, second)
}

// removeFiles removes the directory with all that vaws puts there.
func (c *Cache) removeFiles() error {
	if err := checkDir(c.options.Dir); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	for _, name := range []string{entriesName, LentName, sweptName} {
		if err := os.RemoveAll(filepath.Join(c.options.Dir, name)); err != nil {
			return fmt.Errorf("removing the cache: %w", err)
		}
	}
	if err := removeLocks(c.locksDir()); err != nil {
		return err
	}
	for _, dir := range []string{c.locksDir(), c.options.Dir} {
		if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing the cache: %w", err)
		}
	}
	return nil
}

// removeLocks removes the locks that nobody holds.
func removeLocks(dir string) error {
	files, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the locks: %w", err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), lockSuffix) {
			continue
		}
		path := filepath.Join(dir, f.Name())
		err := removeLock(path)
		if errors.Is(err, fs.ErrExist) {
			return hint.Errorf("run it again when that is done", "another vaws process is at work and holds %s%s", path, by(path))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing the locks: %w", err)
		}
	}
	return nil
}
