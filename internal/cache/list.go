package cache

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"vaws/internal/credentials"
)

// Kept is one entry of the cache, as its file tells it.
type Kept struct {
	Kind        credentials.Kind // empty: the header cannot be read
	Address     string           // Vault's
	Namespace   string
	Mount, Role string
	LeaseEnd    time.Time // zero: no lease
	Expiry      time.Time // zero: not known

	// Sealed is why Request and Credentials, which are sealed, are not here but empty:
	// ErrOtherKey, or what is wrong with the file. It is nil if they are.
	Sealed      error
	Request     credentials.Request
	Credentials credentials.Credentials

	path string
	key  string // credentials.Request.Key
}

// String tells entries apart in messages.
func (e Kept) String() string {
	if e.Kind == "" {
		return "cache entry " + e.path
	}
	return fmt.Sprintf("role %q on mount %q of %s", e.Role, e.Mount, e.Address)
}

// ErrOtherKey says that an entry was made with another key than the cache has now.
var ErrOtherKey = errors.New("it was made with another key")

// List returns every entry of the cache, those of other keys too, in the order
// of Vault, mount and role. A cache that does not exist has none.
func (c *Cache) List(ctx context.Context) ([]Kept, error) {
	names, err := c.entriesWith(credentialsEntry)
	if err != nil {
		return nil, err
	}
	k := c.keyToRead(ctx)
	var all []Kept
	for _, name := range names {
		all = append(all, c.open(k, filepath.Join(c.entriesDir(), name)))
	}
	slices.SortFunc(all, func(a, b Kept) int { return strings.Compare(a.sortKey(), b.sortKey()) })
	return all, nil
}

func (e Kept) sortKey() string {
	return strings.Join([]string{e.Address, e.Namespace, e.Mount, e.Role, e.path}, "\x00")
}

// open reads an entry as far as the key allows.
func (c *Cache) open(k *key, path string) Kept {
	e := Kept{path: path}
	if h, err := readHeader(path); err == nil {
		e.Kind, e.LeaseEnd, e.Expiry = credentials.Kind(h.Type), h.LeaseEnd, h.Expires
		e.Address, e.Namespace, e.Mount, e.Role = h.Address, h.Namespace, h.Mount, h.Role
	}
	id, identity, _ := strings.Cut(filepath.Base(path), "-")
	e.key = strings.TrimSuffix(identity, credentialsEntry)
	if k == nil || k.id != id {
		e.Sealed = ErrOtherKey
		return e
	}
	var s stored
	payload, err := c.readEntry(k, entryName{credentialsEntry, e.key})
	if err == nil {
		defer clear(payload)
		err = json.Unmarshal(payload, &s)
	}
	if e.Sealed = err; err != nil {
		c.debugUnread(err)
		return e
	}
	e.Request, e.Credentials = s.Request, s.Credentials
	return e
}

// Forget removes an entry after last has seen it, while no other process fetches
// credentials for it. If last fails the entry stays. One that is gone already is no
// error.
func (c *Cache) Forget(ctx context.Context, e Kept, last func(Kept) error) error {
	unlock, err := c.lock(ctx, e.key, c.options.LockWait, credentials.ErrLockTimeout)
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := os.Lstat(e.path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := last(c.open(c.keyToRead(ctx), e.path)); err != nil {
		return err
	}
	return c.remove(filepath.Base(e.path))
}

// entriesWith returns the names of the entries that end in suffix. A cache that
// does not exist has none.
func (c *Cache) entriesWith(suffix string) ([]string, error) {
	err := c.checkDirs()
	var files []fs.DirEntry
	if err == nil {
		if files, err = os.ReadDir(c.entriesDir()); err != nil {
			err = fmt.Errorf("listing the cache: %w", err)
		}
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) { // HOME=/dev/null
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range files {
		if strings.HasSuffix(f.Name(), suffix) {
			names = append(names, f.Name())
		}
	}
	return names, nil
}

// remove removes an entry by its file's name. One that is gone already is no error.
func (c *Cache) remove(name string) error {
	err := os.Remove(filepath.Join(c.entriesDir(), name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing a cache entry: %w", err)
	}
	return nil
}
