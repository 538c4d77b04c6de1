package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"vaws/internal/hint"
)

const (
	aboutDir   = "cache directory"
	aboutKey   = "cache key"
	aboutLocks = "locks"
)

// Diagnose examines the cache: its directory, the place of its key, and its locks.
// names says whose lock it is, by the keys of requests and log-ins. It makes the
// directory if it does not exist, as every command does.
func Diagnose(ctx context.Context, o Options, names map[string]string) []hint.Finding {
	if o.Mode == None {
		return []hint.Finding{hint.IsFine(aboutDir, "not used: nothing is cached (--cache or VAWS_CACHE)")}
	}
	o, err := o.withDefaults()
	if err != nil {
		return []hint.Finding{hint.IsWrong(aboutDir, err), diagnosePlace(ctx, o)}
	}
	c := &Cache{options: o}
	all := []hint.Finding{c.diagnoseDir(), diagnosePlace(ctx, o)}
	if all[0].Status == hint.Wrong {
		return all
	}
	return append(all, c.diagnoseLocks(ctx, names))
}

// diagnoseDir examines whether entries can be written, and whether they are the user's.
func (c *Cache) diagnoseDir() hint.Finding {
	err := c.makeDirs()
	if err == nil {
		err = c.makeLocksDir()
	}
	for _, dir := range []string{c.entriesDir(), c.locksDir()} {
		if err == nil {
			err = tryWriting(dir)
		}
		if err == nil {
			err = checkFiles(dir)
		}
	}
	if err != nil {
		return hint.IsWrong(aboutDir, err)
	}
	entries, _ := c.entriesWith(credentialsEntry)
	return hint.IsFine(aboutDir, "%s, credentials kept: %d", c.options.Dir, len(entries))
}

// tryWriting writes as much as an entry has, and removes it.
func tryWriting(dir string) error {
	path, err := writeTemp(dir, make([]byte, 4<<10))
	switch {
	case err == nil:
		return os.Remove(path)
	case errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT):
		return hint.Errorf("make room, run: df "+hint.Quote(dir), "cache directory %q is full: %w", dir, err)
	case errors.Is(err, fs.ErrPermission):
		return hint.Errorf("run: chmod u+rwx "+hint.Quote(dir), "cache directory %q: %w", dir, err)
	}
	return hintDir(fmt.Errorf("cache directory %q: %w", dir, err))
}

// checkFiles finds files that another user, as a rule root, has left there.
func checkFiles(dir string) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return hint.Errorf("run: chmod u+rwx "+hint.Quote(dir), "listing the cache: %w", err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			continue // gone meanwhile
		}
		if uid, _, known := owner(info); known && uid != os.Geteuid() {
			return hint.Errorf(takeOver(filepath.Dir(dir)), "%s belongs to user %d, not to user %d", filepath.Join(dir, f.Name()), uid, os.Geteuid())
		}
	}
	return nil
}

// diagnosePlace examines where the key lives.
func diagnosePlace(ctx context.Context, o Options) hint.Finding {
	auto := (o.Mode == Auto || o.Mode == "") && o.KeyFile == ""
	if !auto {
		return placeFinding(choosePlace(ctx, o))
	}
	keyring, k, err := only(ctx, newKeyring(o))
	if !isUnavailable(err) {
		return placeFinding(keyring, k, err)
	}
	kernel, k, kernelErr := only(ctx, newKernelKeyring(o))
	if kernelErr != nil {
		err = fmt.Errorf("no place for the cache key: %w; %w", err, kernelErr)
		return hint.IsWrong(aboutKey, hint.Wrap(err, hintKeyFile, hintNone))
	}
	if len(hint.Of(err)) > 0 { // what can be mended
		return hint.IsDoubtful(aboutKey, fmt.Errorf("%w; until the next reboot %s serves instead", err, kernel))
	}
	f := placeFinding(kernel, k, nil)
	f.Text += fmt.Sprintf(", until the next reboot (%v)", err)
	return f
}

func placeFinding(p place, k *key, err error) hint.Finding {
	if file, isFile := p.(keyFile); err == nil && isFile && k == nil {
		err = file.checkDir()
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded) || err != nil && len(hint.Of(err)) == 0:
		return hint.IsWrong(aboutKey, hint.Wrap(err, hintKeyFile, hintNone))
	case err != nil:
		return hint.IsWrong(aboutKey, err)
	case k == nil:
		return hint.IsFine(aboutKey, "in %s, once there is one", p)
	}
	return hint.IsFine(aboutKey, "in %s", p)
}

// checkDir examines whether the key file can be made.
func (f keyFile) checkDir() error {
	dir := filepath.Dir(f.path)
	if _, err := os.Stat(dir); err != nil {
		return hint.Errorf("run: mkdir -p "+hint.Quote(dir), "the key file's directory: %w", err)
	}
	return tryWriting(dir)
}

// lookTwice is how long a lock may be held without a question.
const lookTwice = time.Second

// diagnoseLocks finds locks that somebody holds and goes on holding.
func (c *Cache) diagnoseLocks(ctx context.Context, names map[string]string) hint.Finding {
	held, count := c.heldLocks()
	if len(held) > 0 {
		select {
		case <-time.After(lookTwice):
		case <-ctx.Done():
		}
		still, _ := c.heldLocks()
		held = slices.DeleteFunc(held, func(path string) bool { return !slices.Contains(still, path) })
	}
	if len(held) == 0 {
		return hint.IsFine(aboutLocks, "%d, nobody holds one", count)
	}
	var texts, hints []string
	for _, path := range held {
		texts = append(texts, c.lockName(path, names)+" is held"+by(path))
		if pid := holder(path); pid > 0 {
			hints = append(hints, fmt.Sprintf("if that process hangs, run: kill %d", pid))
		}
	}
	return hint.IsDoubtful(aboutLocks, hint.Wrap(errors.New(strings.Join(texts, "; ")), hints...))
}

func by(path string) string {
	if pid := holder(path); pid > 0 {
		return fmt.Sprintf(" by process %d", pid)
	}
	return ""
}

func (c *Cache) lockName(path string, names map[string]string) string {
	key := strings.TrimSuffix(filepath.Base(path), lockSuffix)
	if name := names[key]; name != "" {
		return "the lock of " + name
	}
	return path
}

// heldLocks returns the paths of the locks that somebody holds, and how many locks
// there are.
func (c *Cache) heldLocks() (held []string, count int) {
	files, err := os.ReadDir(c.locksDir())
	if err != nil {
		return nil, 0
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), lockSuffix) {
			continue
		}
		count++
		l := flock.New(filepath.Join(c.locksDir(), f.Name()), flock.SetFlag(os.O_RDWR|openWary))
		if free, err := l.TryLock(); err == nil && !free {
			held = append(held, l.Path())
		}
		_ = l.Unlock()
	}
	return held, count
}
