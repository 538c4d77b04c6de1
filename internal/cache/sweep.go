package cache

import (
	"bufio"
	"cmp"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"vaws/internal/credentials"
)

// sweptName is the file whose time is that of the last sweep.
const sweptName = "swept"

const (
	sweepEvery = time.Hour
	// What has expired stays for a day, to be seen by who wonders about it.
	sweepAfter = 24 * time.Hour
	// A file that this version cannot read stays until no lease that it may
	// describe can be alive.
	sweepUnread = 90 * 24 * time.Hour
	// A temporary file exists for milliseconds unless its writer was killed.
	sweepTemp = time.Hour
)

// sweepIfDue removes what nobody needs any more, at most once an hour: the
// marker's time is the last sweep's.
func (c *Cache) sweepIfDue() {
	now := c.options.Now()
	marker := filepath.Join(c.options.Dir, sweptName)
	if info, err := os.Lstat(marker); err == nil && now.Sub(info.ModTime()).Abs() < sweepEvery {
		return
	}
	err := mark(marker, now)
	if err == nil {
		err = c.makeLocksDir()
	}
	if err != nil {
		c.options.Debug("not swept: %v", err)
		return
	}
	c.sweep(c.entriesDir(), now, entryIsOver, c.removeOver)
	c.sweep(c.locksDir(), now, lockIsOld, removeLock)
}

// mark sets the marker first: of several processes one sweeps.
func mark(path string, now time.Time) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|openWary, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Chtimes(path, now, now)
}

// sweep removes the files in dir that are over. What cannot be looked at or
// removed stays for the next sweep.
func (c *Cache) sweep(dir string, now time.Time, over func(path string, age time.Duration, now time.Time) bool, remove func(string) error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		c.options.Debug("not swept: %v", err)
		return
	}
	removed := 0
	for _, f := range files {
		path := filepath.Join(dir, f.Name())
		info, err := f.Info()
		if err != nil || !info.Mode().IsRegular() || !over(path, now.Sub(info.ModTime()), now) {
			continue
		}
		if remove(path) == nil {
			removed++
		}
	}
	c.options.Debug("swept %d of %d files in %s", removed, len(files), dir)
}

// entryIsOver judges by the readable header, which is there whatever key the
// entry is sealed with. A file from the last day is not even opened: it cannot
// have expired over a day ago.
func entryIsOver(path string, age time.Duration, now time.Time) bool {
	if isTemp(path) {
		return age > sweepTemp
	}
	if age < sweepAfter {
		return false
	}
	h, err := readHeader(path)
	if err != nil {
		return age > sweepUnread
	}
	return h.isOver(now)
}

// removeOver removes an entry that is over, unless somebody is replacing it or has done so
// meanwhile.
func (c *Cache) removeOver(path string) error {
	if isTemp(path) {
		return os.Remove(path)
	}
	_, identity, _ := strings.Cut(filepath.Base(path), "-")
	name := strings.TrimSuffix(identity, filepath.Ext(identity))
	l, err := tryLock(filepath.Join(c.locksDir(), name+lockSuffix), os.O_CREATE)
	if err != nil {
		return err
	}
	defer func() { _ = unlink(l) }()
	now := c.options.Now()
	if info, err := os.Lstat(path); err != nil || !entryIsOver(path, now.Sub(info.ModTime()), now) {
		return cmp.Or(err, fs.ErrExist)
	}
	return os.Remove(path)
}

func (h header) isOver(now time.Time) bool {
	if h.Type == string(credentials.IAMUser) && h.LeaseEnd.After(now) {
		return false // the lease renews, and deletes its IAM user when it is revoked
	}
	return !h.Expires.IsZero() && h.Expires.Before(now.Add(-sweepAfter))
}

func isTemp(path string) bool { return strings.HasPrefix(filepath.Base(path), tempPrefix) }

func readHeader(path string) (header, error) {
	f, _, err := openOwn(path)
	if err != nil {
		return header{}, err
	}
	defer f.Close()
	line, err := bufio.NewReader(io.LimitReader(f, entryLimit)).ReadBytes('\n')
	if err != nil {
		return header{}, err
	}
	return parseHeader(line)
}

func lockIsOld(path string, age time.Duration, _ time.Time) bool {
	return strings.HasSuffix(path, lockSuffix) && age > sweepAfter || isTemp(path) && age > sweepTemp
}

// removeLock removes a lock file that nobody holds; fs.ErrExist says that somebody
// does. Who waits for it sees that it is gone (inPlace) and locks its successor.
func removeLock(path string) error {
	l, err := tryLock(path, 0)
	if err != nil {
		return err
	}
	return unlink(l)
}

// tryLock locks the file at path, and not one that has been removed since it was opened;
// fs.ErrExist says that somebody holds it. create is os.O_CREATE or zero.
func tryLock(path string, create int) (*flock.Flock, error) {
	for {
		l := flock.New(path, flock.SetFlag(create|os.O_RDWR|openWary))
		held, err := l.TryLock()
		switch {
		case err != nil:
			return nil, err
		case !held:
			return nil, fs.ErrExist
		case inPlace(l):
			return l, nil
		}
		_ = l.Unlock()
	}
}
