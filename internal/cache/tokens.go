package cache

import (
	"context"
	"errors"
	"strings"

	"vaws/internal/credentials"
)

// LoadToken returns the token that is kept for the log-in, which may have ended.
// What is not there or cannot be read is an empty one.
func (c *Cache) LoadToken(ctx context.Context, l credentials.Login) credentials.Token {
	k := c.keyToRead(ctx)
	if k == nil {
		return credentials.Token{}
	}
	if err := c.checkDirs(); err != nil {
		c.debugUnread(err)
		return credentials.Token{}
	}
	if t := read[credentials.Token](c, k, entryName{tokenEntry, l.Key()}); t != nil {
		return *t
	}
	return credentials.Token{}
}

// LockToken makes this process the only one to log in so, as Lock does for
// credentials.
func (c *Cache) LockToken(ctx context.Context, l credentials.Login) (unlock func(), err error) {
	unlock, err = c.lock(ctx, l.Key(), c.options.LockWait, errTokenLockTimeout)
	if err == nil {
		c.lookAgain()
	}
	return unlock, err
}

var errTokenLockTimeout = errors.New("another vaws process has been logging in to Vault for too long")

// SaveToken replaces the token of the log-in.
func (c *Cache) SaveToken(ctx context.Context, l credentials.Login, t credentials.Token) error {
	_, err := c.write(ctx, entryName{tokenEntry, l.Key()}, tokenHeader(l, t), t)
	return err
}

// ForgetToken removes the token of the log-in, whichever key it is sealed with.
// None is no error.
func (c *Cache) ForgetToken(l credentials.Login) error {
	return c.removeAll("-" + entryName{tokenEntry, l.Key()}.identity())
}

// Tokens returns every token that this key opens, those that have ended too.
func (c *Cache) Tokens(ctx context.Context) ([]credentials.Token, error) {
	names, err := c.entriesWith(tokenEntry)
	k := c.keyToRead(ctx)
	if k == nil || err != nil {
		return nil, err
	}
	var all []credentials.Token
	for _, name := range names {
		key, own := strings.CutPrefix(strings.TrimSuffix(name, tokenEntry), k.id+"-")
		if !own {
			continue
		}
		if t := read[credentials.Token](c, k, entryName{tokenEntry, key}); t != nil && t.Value != "" {
			all = append(all, *t)
		}
	}
	return all, nil
}
