package cache

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

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

// tokenLockWait is shorter than Lock's: who has waited for an entry's lock in vain
// still has time to log in and to ask for credentials.
const tokenLockWait = 10 * time.Second

// LockToken makes this process the only one to log in so, as Lock does for
// credentials.
func (c *Cache) LockToken(ctx context.Context, l credentials.Login) (unlock func(), err error) {
	unlock, err = c.lock(ctx, l.Key(), min(c.options.LockWait, tokenLockWait), errTokenLockTimeout)
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

// ForgetToken removes the token of the log-in, and what names that log-in as the one
// to use. None is no error.
func (c *Cache) ForgetToken(ctx context.Context, l credentials.Login) error {
	all, err := c.openTokens(ctx)
	for name, t := range all {
		if t.Login != l {
			continue
		}
		if removeErr := c.remove(name); err == nil {
			err = removeErr
		}
	}
	return err
}

// Tokens returns every token that this key opens, those that have ended too, in the
// order of their Vaults.
func (c *Cache) Tokens(ctx context.Context) ([]credentials.Token, error) {
	all, err := c.openTokens(ctx)
	var tokens []credentials.Token
	for _, t := range all {
		if t.Value != "" {
			tokens = append(tokens, t)
		}
	}
	slices.SortFunc(tokens, func(a, b credentials.Token) int {
		return cmp.Or(strings.Compare(a.Login.Address, b.Login.Address), strings.Compare(a.Login.Key(), b.Login.Key()))
	})
	return tokens, err
}

// openTokens returns the tokens that this key opens, by the names of their files.
func (c *Cache) openTokens(ctx context.Context) (map[string]credentials.Token, error) {
	names, err := c.entriesWith(tokenEntry)
	k := c.keyToRead(ctx)
	if k == nil || err != nil {
		return nil, err
	}
	all := map[string]credentials.Token{}
	for _, name := range names {
		key, own := strings.CutPrefix(strings.TrimSuffix(name, tokenEntry), k.id+"-")
		if !own {
			continue
		}
		if t := read[credentials.Token](c, k, entryName{tokenEntry, key}); t != nil {
			all[name] = *t
		}
	}
	return all, nil
}
