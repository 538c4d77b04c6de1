package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"vaws/internal/credentials"
	"vaws/internal/faultpoint"
	"vaws/internal/hint"
)

const (
	lockSuffix  = ".lock"
	keyLockName = "key"
)

func (c *Cache) locksDir() string { return filepath.Join(c.options.Dir, "locks") }

// Lock makes this process the only one to mint for the request until unlock is
// called or the process ends. It waits for another holder as long as the
// options allow, then returns credentials.ErrLockTimeout.
func (c *Cache) Lock(ctx context.Context, r credentials.Request) (unlock func(), err error) {
	unlock, err = c.lock(ctx, r.Key(), c.options.LockWait, credentials.ErrLockTimeout)
	if err == nil {
		c.lookAgain()
	}
	return unlock, err
}

// removals is how often the directory of the locks may be removed before lock gives up.
const removals = 10

// lock takes the lock called name, and returns late if that takes longer than
// wait. Whoever clears the cache may remove the directory while others wait there.
func (c *Cache) lock(ctx context.Context, name string, wait time.Duration, late error) (unlock func(), err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, wait, late)
	defer cancel()
	path := filepath.Join(c.locksDir(), name+lockSuffix)
	for removed := 0; ; {
		l, err := c.take(ctx, path, late)
		switch {
		case err == nil && inPlace(l):
			return func() {
				faultpoint.Reach("before-unlocking")
				_ = l.Unlock()
			}, nil
		case err == nil:
			_ = l.Unlock() // swept meanwhile: the next comer locks another file
		case errors.Is(err, fs.ErrNotExist) && removed < removals:
			removed++
		default:
			return nil, err
		}
	}
}

// take locks the file at path, which may have been removed by then.
func (c *Cache) take(ctx context.Context, path string, late error) (*flock.Flock, error) {
	if err := c.makeLocksDir(); err != nil {
		return nil, err
	}
	l := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR|openWary))
	if err := acquire(ctx, l); err != nil {
		return nil, lockError(ctx, err, late)
	}
	return l, nil
}

// lockError advises, unless it was the caller who lost patience.
func lockError(ctx context.Context, err, late error) error {
	err = fmt.Errorf("locking the cache: %w", err)
	switch cause := context.Cause(ctx); {
	case cause == nil:
		return hint.Wrap(err, hintNone)
	case errors.Is(cause, late):
		return hint.Wrap(err, "find out which: vaws doctor")
	}
	return err
}

func (c *Cache) makeLocksDir() error {
	if err := makeDir(c.options.Dir); err != nil {
		return err
	}
	return makeDir(c.locksDir())
}

// acquire waits in the kernel, not by trying again and again: two hundred
// waiters get the lock one after the other without a pause. The wait itself
// cannot be interrupted; who gives up leaves it to a goroutine, which frees the
// lock as soon as it has it.
func acquire(ctx context.Context, l *flock.Flock) error {
	if ok, err := l.TryLock(); ok || err != nil {
		return err
	}
	locked := make(chan error, 1)
	go func() { locked <- l.Lock() }()
	select {
	case err := <-locked:
		return err
	case <-ctx.Done():
		go func() {
			if <-locked == nil {
				_ = l.Unlock()
			}
		}()
		return context.Cause(ctx)
	}
}

// inPlace reports whether the locked file is still the one of that name.
func inPlace(l *flock.Flock) bool {
	held, err := l.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(l.Path())
	return err == nil && os.SameFile(held, named)
}
