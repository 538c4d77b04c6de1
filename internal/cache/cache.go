// Package cache keeps credentials, failures to get them, and Vault tokens in
// sealed files that every vaws process of the same user can open and nobody else
// can.
//
// The key that opens them lives outside the files: in the OS keyring, in the
// kernel's keyring or in a file that the user names. Reading the cache never
// prompts, never starts a daemon, lists no directory and takes no lock.
package cache

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"vaws/internal/credentials"
	"vaws/internal/hint"
)

// Options say where the cache is and where its key lives. Every field may be
// left at its zero value.
type Options struct {
	Dir     string // of the cache; empty: DefaultDir
	Mode    Mode   // empty: Auto
	KeyFile string // a file that holds the key, or shall hold it

	Now    func() time.Time
	Debug  func(format string, args ...any) // what was found and decided
	Getenv func(string) string              // for DBUS_SESSION_BUS_ADDRESS and XDG_RUNTIME_DIR

	KeyringWait time.Duration // how long the OS keyring may take; zero: 2 s
	LockWait    time.Duration // how long Lock waits; zero: 40 s
}

const (
	defaultKeyringWait = 2 * time.Second
	defaultLockWait    = 40 * time.Second
)

// DefaultDir is the directory of the cache when the user has not chosen one:
// "vaws" in the user's cache directory.
func DefaultDir() (string, error) {
	base, err := os.UserCacheDir()
	if err == nil && !filepath.IsAbs(base) {
		err = fmt.Errorf("%q is not an absolute path", base)
	}
	if err != nil {
		return "", hint.Errorf("set XDG_CACHE_HOME or HOME, or pass --cache none", "finding the cache directory: %w", err)
	}
	return filepath.Join(base, "vaws"), nil
}

func (o Options) withDefaults() (Options, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Debug == nil {
		o.Debug = func(string, ...any) {}
	}
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	if o.KeyringWait == 0 {
		o.KeyringWait = defaultKeyringWait
	}
	if o.LockWait == 0 {
		o.LockWait = defaultLockWait
	}
	var err error
	if o.Dir == "" {
		if o.Dir, err = DefaultDir(); err != nil {
			return o, err
		}
	}
	// The keyring account is a hash of the directory: one name for it.
	o.Dir, err = filepath.Abs(o.Dir)
	return o, err
}

// Cache is the sealed store. It implements credentials.Store and may be used by
// several goroutines at once.
type Cache struct {
	options Options
	place   place

	mu     sync.Mutex
	key    *key  // nil: there was none when this process looked
	again  bool  // another process may have made the key since then
	broken error // the place failed since Open: nothing is read or kept any more
}

var _ credentials.Store = (*Cache)(nil)

// Open finds the place of the key and, if there is a key already, the key. That
// is the only access to the keyring that a cache hit costs.
//
// An error says why nothing can be cached (no place for a key, a locked
// keyring, one that does not answer) and carries hints. The caller goes on
// without a store.
func Open(ctx context.Context, o Options) (*Cache, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	found, k, err := choosePlace(ctx, o)
	if err != nil {
		return nil, err
	}
	if k == nil {
		o.Debug("cache in %s, no key in %s yet", o.Dir, found)
	} else {
		o.Debug("cache in %s, key %s from %s", o.Dir, k.id, found)
	}
	return &Cache{options: o, place: found, key: k}, nil
}

// Dir is the directory of the cache.
func (c *Cache) Dir() string { return c.options.Dir }

// Place is where the key lives, in words: "the Secret Service".
func (c *Cache) Place() string { return c.place.String() }

// Load returns what is kept for the request. Whatever cannot be read is absent.
func (c *Cache) Load(ctx context.Context, r credentials.Request) credentials.Entry {
	k := c.keyToRead(ctx)
	if k == nil {
		return credentials.Entry{}
	}
	if err := c.checkDirs(); err != nil {
		c.debugUnread(err)
		return credentials.Entry{}
	}
	e := credentials.Entry{Failure: read[credentials.Failure](c, k, entryName{failureEntry, r.Key()})}
	if s := read[stored](c, k, entryName{credentialsEntry, r.Key()}); s != nil && s.Credentials.AccessKeyID != "" {
		e.Credentials = &s.Credentials
	}
	return e
}

// stored is what an entry holds. The request is there for those who come by way
// of the entry.
type stored struct {
	Request     credentials.Request
	Credentials credentials.Credentials
}

// read opens one entry, or returns nil.
func read[T any](c *Cache, k *key, n entryName) *T {
	value := new(T)
	payload, err := c.readEntry(k, n)
	if err == nil {
		err = json.Unmarshal(payload, value)
		clear(payload)
	}
	if err != nil {
		c.debugUnread(err)
		return nil
	}
	return value
}

func (c *Cache) debugUnread(err error) {
	if !errors.Is(err, fs.ErrNotExist) {
		c.options.Debug("not read from the cache: %v", err)
	}
}

// Save replaces what is kept for the request, forgets its failure and, once an
// hour, sweeps the cache.
func (c *Cache) Save(ctx context.Context, r credentials.Request, creds credentials.Credentials) error {
	name := entryName{credentialsEntry, r.Key()}
	k, err := c.write(ctx, name, credentialsHeader(r, creds), stored{r, creds})
	if err != nil {
		return err
	}
	c.removeEntry(k, entryName{failureEntry, r.Key()})
	c.sweepIfDue()
	return nil
}

// SaveFailure keeps a failure beside the credentials of the request.
func (c *Cache) SaveFailure(ctx context.Context, r credentials.Request, f credentials.Failure) error {
	_, err := c.write(ctx, entryName{failureEntry, r.Key()}, failureHeader(r, f), f)
	return err
}

// write seals value into the entry n, with a key that it makes if there is none.
func (c *Cache) write(ctx context.Context, n entryName, h header, value any) (*key, error) {
	if err := c.makeDirs(); err != nil {
		return nil, err
	}
	k, err := c.keyToWrite(ctx)
	if err != nil {
		return nil, err
	}
	payload, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("encoding a cache entry: %w", err)
	}
	defer clear(payload)
	err = c.writeEntry(k, n, h, payload)
	if errors.Is(err, fs.ErrNotExist) && c.makeDirs() == nil { // removed since they were made
		err = c.writeEntry(k, n, h, payload)
	}
	return k, err
}
