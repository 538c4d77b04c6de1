package cache

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"vaws/internal/faultpoint"
	"vaws/internal/hint"
)

const (
	credentialsEntry = ".vaws"
	failureEntry     = ".failed"
	tokenEntry       = ".token"
	tempPrefix       = ".tmp-"
)

// entryLimit is far above what AWS and Vault give out: a session token has at
// most 4096 characters.
const entryLimit = 64 << 10

// entryName tells entries apart, whichever key they are sealed with.
type entryName struct {
	suffix string // credentialsEntry, failureEntry or tokenEntry
	key    string // of credentials.Request or credentials.Login
}

func (n entryName) identity() string { return n.key + n.suffix }

// entriesName is the directory of the entries in that of the cache.
const entriesName = "entries"

func (c *Cache) entriesDir() string { return filepath.Join(c.options.Dir, entriesName) }

func (c *Cache) entryPath(k *key, n entryName) string {
	return filepath.Join(c.entriesDir(), k.id+"-"+n.identity())
}

func (c *Cache) checkDirs() error {
	if err := checkDir(c.options.Dir); err != nil {
		return err
	}
	return checkDir(c.entriesDir())
}

func (c *Cache) makeDirs() error {
	if err := makeDir(c.options.Dir); err != nil {
		return err
	}
	return makeDir(c.entriesDir())
}

func (c *Cache) readEntry(k *key, n entryName) ([]byte, error) {
	path := c.entryPath(k, n)
	file, err := readOwn(path, entryLimit)
	if err != nil {
		return nil, err
	}
	payload, err := k.unseal(file, n.identity())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return payload, nil
}

func (c *Cache) writeEntry(k *key, n entryName, h header, payload []byte) error {
	h.KeyID = k.id
	line, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("encoding a cache entry: %w", err)
	}
	file := k.seal(line, n.identity(), payload)
	if len(file) > entryLimit {
		return fmt.Errorf("a cache entry of %d bytes is too large", len(file))
	}
	if err := replaceFile(c.entryPath(k, n), file); err != nil {
		return hint.Errorf(hintNone, "writing the cache: %w", err)
	}
	return nil
}

func (c *Cache) removeEntry(k *key, n entryName) {
	if err := os.Remove(c.entryPath(k, n)); err != nil {
		c.debugUnread(err)
	}
}

// readOwn reads a file of the cache of at most limit bytes.
func readOwn(path string, limit int64) ([]byte, error) {
	f, info, err := openOwn(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := readAll(f, info, limit)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return data, nil
}

// replaceFile puts data in path's place in one step. Nothing is synced to disk:
// what a power cut tears does not unseal, which is a miss.
func replaceFile(path string, data []byte) error {
	temp, err := writeTemp(filepath.Dir(path), data)
	if err != nil {
		return err
	}
	faultpoint.Reach("file-written")
	if err := os.Rename(temp, path); err != nil {
		os.Remove(temp)
		return err
	}
	faultpoint.Reach("file-renamed")
	return nil
}

// writeTemp writes data to a new file, mode 0600, in dir.
func writeTemp(dir string, data []byte) (path string, err error) {
	f, err := os.CreateTemp(dir, tempPrefix)
	if err != nil {
		return "", err
	}
	faultpoint.Reach("file-created")
	_, err = faultpoint.Write("file-half-written", f, data)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}
