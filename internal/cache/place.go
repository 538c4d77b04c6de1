package cache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"

	"vaws/internal/hint"
)

// place keeps the key between processes.
type place interface {
	// look returns the key. errNoKey says that there is none yet and that one
	// can be stored; unavailable, that the place cannot be used here.
	look(context.Context) (*key, error)
	// store puts a key where look said that there is none.
	store(context.Context, *key) error
	// remove removes the key. None is no error.
	remove(context.Context) error
	String() string
}

var errNoKey = errors.New("no key yet")

// unavailable is the error of a place that is absent, locked or forbidden, so
// that another may serve. One that does not answer in time is not unavailable:
// it may hold the key that everybody else uses.
type unavailable struct{ error }

func (u unavailable) Unwrap() error { return u.error }

func isUnavailable(err error) bool {
	var u unavailable
	return errors.As(err, &u)
}

const keyringService = "vaws"

// keyAccount names the key of one cache directory, so that another home
// directory is another key.
func keyAccount(dir string) string {
	sum := sha256.Sum256([]byte(dir))
	return "cache-key-" + hex.EncodeToString(sum[:8])
}

// choosePlace returns the place that the options name and the key in it, nil if
// it holds none yet.
func choosePlace(ctx context.Context, o Options) (place, *key, error) {
	switch o.Mode {
	case Auto, "":
		if o.KeyFile == "" {
			return firstAvailable(ctx, o, newKeyring(o), newKernelKeyring(o))
		}
		return onlyFile(ctx, o.KeyFile)
	case Keyring:
		return only(ctx, newKeyring(o))
	case Kernel:
		return only(ctx, newKernelKeyring(o))
	case File:
		if o.KeyFile == "" {
			return nil, nil, hint.Errorf(hintKeyFile, "no key file is named")
		}
		return onlyFile(ctx, o.KeyFile)
	}
	return nil, nil, hint.Errorf("name another: --cache auto", "cache mode %q keeps nothing", o.Mode)
}

func only(ctx context.Context, p place) (place, *key, error) {
	k, err := p.look(ctx)
	if err != nil && !errors.Is(err, errNoKey) {
		return nil, nil, fmt.Errorf("opening %s: %w", p, err)
	}
	return p, k, nil
}

// onlyFile refuses a relative path, which would mean another file in every
// directory that vaws is called from.
func onlyFile(ctx context.Context, path string) (place, *key, error) {
	if err := checkKeyPath(path); err != nil {
		return nil, nil, err
	}
	return only(ctx, keyFile{path})
}

func checkKeyPath(path string) error {
	if !filepath.IsAbs(path) {
		return hint.Errorf(hintKeyFile, "the key file's path %q is not absolute", path)
	}
	return nil
}

const (
	hintKeyFile = "name a file for the key (made if it does not exist, best on a tmpfs): export VAWS_CACHE_KEY_FILE=/dev/shm/vaws-key"
	hintNone    = "pass --cache none to do without the cache"
)

// firstAvailable goes from the first place to the second only if the first is
// unavailable.
func firstAvailable(ctx context.Context, o Options, first, second place) (place, *key, error) {
	p, k, firstErr := only(ctx, first)
	if !isUnavailable(firstErr) {
		return p, k, firstErr
	}
	o.Debug("%v", firstErr)
	p, k, secondErr := only(ctx, second)
	if !isUnavailable(secondErr) {
		return p, k, secondErr
	}
	err := fmt.Errorf("no place for the cache key: %w; %w", firstErr, secondErr)
	return nil, nil, hint.Wrap(err, hintKeyFile, hintNone)
}
