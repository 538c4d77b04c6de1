package cache

import (
	"bytes"
	"context"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"vaws/internal/faultpoint"
)

const keySize = 32

// key seals and unseals entries. Its id, part of their file names, says
// nothing about the secret.
type key struct {
	id     string
	secret [keySize]byte
	aead   cipher.AEAD
}

func newKey() *key {
	var secret [keySize]byte
	rand.Read(secret[:]) // never fails: https://pkg.go.dev/crypto/rand#Read
	return keyOf(&secret)
}

// keyOf copies the secret. It takes an address because Go prints arguments when it
// crashes, and would print an array's bytes.
func keyOf(secret *[keySize]byte) *key {
	sum := sha256.Sum256(append([]byte("vaws key id"), secret[:]...))
	return &key{id: hex.EncodeToString(sum[:8]), secret: *secret, aead: newAEAD(secret[:])}
}

// text is how a keyring holds the key.
func (k *key) text() string { return hex.EncodeToString(k.secret[:]) }

// errNotAKey is for a value that another program or another version of this one
// may have put there. It is never replaced: entries may depend on it.
var errNotAKey = fmt.Errorf("the value there is not a key of %d bytes in hex or base64", keySize)

// parseKey reads a key as text.
func parseKey(text []byte) (*key, error) {
	text = bytes.TrimSpace(text)
	var secret [keySize]byte
	if len(text) == hex.EncodedLen(keySize) {
		if _, err := hex.Decode(secret[:], text); err == nil {
			return keyOf(&secret), nil
		}
	}
	raw, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil || len(raw) != keySize {
		return nil, errNotAKey // without a cause: it might quote the text
	}
	return keyOf((*[keySize]byte)(raw)), nil
}

// keyToRead returns the key, or nil if there is none. It asks the place again
// only when another process may have made the key since.
func (c *Cache) keyToRead(ctx context.Context) *key {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.key != nil || !c.again || c.broken != nil {
		return c.key
	}
	c.again = false
	k, err := c.place.look(ctx)
	switch {
	case err == nil:
		c.key = k
	case !errors.Is(err, errNoKey):
		c.fail(ctx, err)
	}
	return c.key
}

// keyToWrite returns the key, and makes it if there is none.
func (c *Cache) keyToWrite(ctx context.Context) (*key, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.key != nil || c.broken != nil {
		return c.key, c.broken
	}
	k, err := c.makeKey(ctx)
	if err != nil {
		c.fail(ctx, err)
		return nil, err
	}
	c.key = k
	return k, nil
}

// fail ends the use of the place by this process, unless it was the caller who
// lost patience. Asking a keyring that has timed out again would cost its time
// limit at every turn.
func (c *Cache) fail(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	c.options.Debug("no cache any more: %v", err)
	c.broken = err
}

// lookAgain makes the next keyToRead ask the place if there was no key.
func (c *Cache) lookAgain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.again = true
}

// keyLockWait is longer than a slow keyring takes to be asked three times, and
// leaves a credential_process, which has a minute, time to print its answer.
const keyLockWait = 15 * time.Second

var errKeyLockTimeout = errors.New("another vaws process has been making the cache key for too long")

// makeKey makes the key under a lock of its own, unless another process has. What
// it returns is what was read back, so that all processes end with one key even
// if the lock does not hold between them (two machines, one home directory).
func (c *Cache) makeKey(ctx context.Context) (*key, error) {
	_, k, err := only(ctx, c.place)
	if k != nil || err != nil {
		return k, err
	}
	unlock, err := c.lock(ctx, keyLockName, keyLockWait, errKeyLockTimeout)
	if err != nil {
		return nil, err
	}
	defer unlock()
	_, k, err = only(ctx, c.place)
	if k != nil || err != nil {
		return k, err
	}
	return c.storeNewKey(ctx)
}

func (c *Cache) storeNewKey(ctx context.Context) (*key, error) {
	faultpoint.Reach("no-key")
	if err := c.place.store(ctx, newKey()); err != nil {
		return nil, fmt.Errorf("keeping the cache key in %s: %w", c.place, err)
	}
	faultpoint.Reach("key-stored")
	k, err := c.place.look(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the cache key back from %s: %w", c.place, err)
	}
	faultpoint.Reach("key-read-back")
	c.options.Debug("made key %s in %s", k.id, c.place)
	return k, nil
}
