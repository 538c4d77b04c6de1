//go:build !linux

package cache

import (
	"context"
	"errors"
	"time"

	"github.com/zalando/go-keyring"

	"vaws/internal/hint"
)

// osKeyring is the macOS keychain or the Windows credential manager.
type osKeyring struct {
	account string
	wait    time.Duration
}

func newKeyring(o Options) place {
	return osKeyring{keyAccount(o.Dir), o.KeyringWait}
}

func (osKeyring) String() string { return "the OS keyring" }

func (r osKeyring) look(ctx context.Context) (*key, error) {
	var text string
	err := r.within(ctx, func() (err error) {
		text, err = keyring.Get(keyringService, r.account)
		return err
	})
	switch {
	case errors.Is(err, keyring.ErrNotFound):
		return nil, errNoKey
	case errors.Is(err, keyring.ErrUnsupportedPlatform):
		return nil, unavailable{err}
	case err != nil:
		return nil, hint.Wrap(err, hintKeyFile)
	}
	k, err := parseKey([]byte(text))
	if err != nil {
		return nil, hint.Wrap(err, "remove "+r.account+" of service "+keyringService+" from the keyring")
	}
	return k, nil
}

func (r osKeyring) store(ctx context.Context, k *key) error {
	return r.within(ctx, func() error {
		return keyring.Set(keyringService, r.account, k.text())
	})
}

func (r osKeyring) remove(ctx context.Context) error {
	err := r.within(ctx, func() error { return keyring.Delete(keyringService, r.account) })
	if errors.Is(err, keyring.ErrNotFound) || errors.Is(err, keyring.ErrUnsupportedPlatform) {
		return nil
	}
	return err
}

// within gives f as long as a keyring may take. One that prompts may never
// return; its goroutine then ends with the process.
func (r osKeyring) within(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(r.wait):
		return hint.Errorf(hintKeyFile, "timed out after %s", r.wait)
	}
}
