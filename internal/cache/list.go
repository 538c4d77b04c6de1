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
	"time"

	"vaws/internal/credentials"
)

// Kept is one entry of the cache, as its file tells it.
type Kept struct {
	Kind        credentials.Kind
	Address     string // Vault's
	Namespace   string
	Mount, Role string
	Expiry      time.Time // of the credentials
	LeaseEnd    time.Time // zero: no lease

	// Request and Credentials are what is sealed; Opened is false, and they are
	// empty, where another key or version is needed for it.
	Opened      bool
	Request     credentials.Request
	Credentials credentials.Credentials

	path string
}

// List returns every entry of the cache, those of other keys too, in the order
// of Vault, mount and role. A cache that does not exist has none.
func (c *Cache) List(ctx context.Context) ([]Kept, error) {
	if err := c.checkDirs(); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, err
	}
	files, err := os.ReadDir(c.entriesDir())
	if err != nil {
		return nil, fmt.Errorf("listing the cache: %w", err)
	}
	k := c.keyToRead(ctx)
	var all []Kept
	for _, f := range files {
		if strings.HasSuffix(f.Name(), credentialsEntry) {
			all = append(all, c.open(k, filepath.Join(c.entriesDir(), f.Name())))
		}
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
		e.Kind, e.Expiry, e.LeaseEnd = credentials.Kind(h.Type), h.Expires, h.LeaseEnd
		e.Address, e.Namespace, e.Mount, e.Role = h.Address, h.Namespace, h.Mount, h.Role
	}
	id, identity, _ := strings.Cut(filepath.Base(path), "-")
	if k == nil || k.id != id {
		return e
	}
	payload, err := c.readEntry(k, entryName{credentialsEntry, strings.TrimSuffix(identity, credentialsEntry)})
	if err != nil {
		c.debugUnread(err)
		return e
	}
	defer clear(payload)
	var s stored
	if err := json.Unmarshal(payload, &s); err == nil {
		e.Opened, e.Request, e.Credentials = true, s.Request, s.Credentials
	}
	return e
}

// Forget removes an entry. One that is gone already is no error.
func (c *Cache) Forget(e Kept) error {
	if err := os.Remove(e.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing a cache entry: %w", err)
	}
	return nil
}
