//go:build !linux

package cache

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/zalando/go-keyring"
)

// The keychain of macOS and the Credential Manager of Windows keep a key. This test puts
// one into them, under a name that nothing else has, and takes it out again.
func TestRealKeyring(t *testing.T) {
	if os.Getenv("VAWS_TEST_KEYRING") == "" {
		t.Skip("VAWS_TEST_KEYRING is not set, so nothing is put into the keyring of this machine")
	}
	options := Options{Dir: t.TempDir(), KeyringWait: 10 * time.Second}
	t.Cleanup(func() { _ = keyring.Delete(keyringService, keyAccount(options.Dir)) })
	ring, ctx := newKeyring(options), context.Background()
	if _, err := ring.look(ctx); !errors.Is(err, errNoKey) {
		t.Fatalf("before a key is stored: %v", err)
	}
	stored := keyOf((*[keySize]byte)([]byte("0123456789abcdef0123456789abcdef")))
	if err := ring.store(ctx, stored); err != nil {
		t.Fatal(err)
	}
	found, err := ring.look(ctx)
	if err != nil || found.text() != stored.text() {
		t.Fatalf("another key, %v", err)
	}
	if err := keyring.Delete(keyringService, keyAccount(options.Dir)); err != nil {
		t.Fatal(err)
	}
	if _, err := ring.look(ctx); !errors.Is(err, errNoKey) {
		t.Errorf("after the key was deleted: %v", err)
	}
}
