package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"vaws/internal/hint"
)

// realKernelKeyring is under a name of its own, and empty again in the end.
func realKernelKeyring(t *testing.T) kernelKeyring {
	t.Helper()
	kk := kernelKeyring{"vaws-test:" + newKey().id}
	if _, err := kk.look(t.Context()); isUnavailable(err) {
		t.Skipf("no kernel keyring here: %v", err)
	}
	t.Cleanup(func() {
		if id, err := unix.KeyctlSearch(unix.KEY_SPEC_USER_KEYRING, keyType, kk.description, 0); err == nil {
			_, err = unix.KeyctlInt(unix.KEYCTL_UNLINK, id, unix.KEY_SPEC_USER_KEYRING, 0, 0)
			must(t, err)
		}
	})
	return kk
}

func TestKernelKeyringKeepsTheKey(t *testing.T) {
	kk := realKernelKeyring(t)
	if _, err := kk.look(t.Context()); !errors.Is(err, errNoKey) {
		t.Fatalf("before: %v", err)
	}
	k := newKey()
	must(t, kk.store(t.Context(), k))
	if got, err := kk.look(t.Context()); err != nil || got.id != k.id {
		t.Errorf("after: %v, %v", got, err)
	}
	id, err := unix.KeyctlSearch(unix.KEY_SPEC_USER_KEYRING, keyType, kk.description, 0)
	must(t, err)
	description, err := unix.KeyctlString(unix.KEYCTL_DESCRIBE, id)
	must(t, err)
	if fields := strings.Split(description, ";"); fields[0] != "user" || fields[3] != "3f3f0000" {
		t.Errorf("the key is %s", description)
	}
}

// "vaws clear --all" may come between the search for the key and its reading, or beside
// another one.
func TestKernelKeyringIsClearedMeanwhile(t *testing.T) {
	kk := realKernelKeyring(t)
	var stored atomic.Bool
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for !stored.Load() {
				if err := kk.remove(context.Background()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		defer stored.Store(true)
		for range 50 { // a user who is not root has room for 200, removed ones among them
			if err := kk.store(context.Background(), newKey()); err != nil {
				t.Error(err)
			}
		}
	})
	for !stored.Load() {
		if _, err := kk.look(t.Context()); err != nil && !errors.Is(err, errNoKey) {
			t.Error(err)
		}
	}
	wg.Wait()
}

func TestKernelKeyringForgetsTheKey(t *testing.T) {
	kk := realKernelKeyring(t)
	must(t, kk.store(t.Context(), newKey()))
	for range 2 {
		must(t, kk.remove(t.Context()))
		if _, err := kk.look(t.Context()); !errors.Is(err, errNoKey) {
			t.Errorf("after: %v", err)
		}
	}
}

func TestKernelKeyringKeepsAnothersValue(t *testing.T) {
	kk := realKernelKeyring(t)
	_, err := unix.AddKey(keyType, kk.description, []byte("v9:something"), unix.KEY_SPEC_USER_KEYRING)
	must(t, err)
	_, _, err = only(t.Context(), kk)
	if errors.Is(err, fs.ErrPermission) {
		t.Skip("this session does not possess the user keyring")
	}
	if !errors.Is(err, errNotAKey) || len(hint.Of(err)) != 1 {
		t.Errorf("error %v, hints %q", err, hint.Of(err))
	}
}

func TestKernelErrors(t *testing.T) {
	for errno, want := range map[syscall.Errno]bool{
		unix.EPERM: true, unix.ENOSYS: true, unix.EACCES: false, unix.EDQUOT: false, unix.ENOMEM: false,
	} {
		if err := kernelError(fmt.Errorf("keyctl: %w", errno)); isUnavailable(err) != want || !errors.Is(err, errno) {
			t.Errorf("%v: %v", errno, err)
		}
	}
	if kernelError(nil) != nil {
		t.Error("success is an error")
	}
}

func TestNoPlaceForAKey(t *testing.T) {
	o := keyringOptions(t, "")
	o, err := o.withDefaults()
	must(t, err)
	_, _, err = firstAvailable(t.Context(), o, newKeyring(o), &memory{err: kernelError(unix.EPERM)})
	if err == nil || !strings.HasPrefix(err.Error(), "no place for the cache key: opening the Secret Service: there is no session bus") ||
		!strings.Contains(err.Error(), "operation not permitted (containers often forbid it)") {
		t.Errorf("error %v", err)
	}
	hints := strings.Join(hint.Of(err), "\n")
	if !strings.Contains(hints, "VAWS_CACHE_KEY_FILE") || !strings.Contains(hints, "--cache none") {
		t.Errorf("hints %q", hints)
	}
}
