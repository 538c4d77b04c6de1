package cache

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"vaws/internal/credentials"
)

func noBus(string) string { return "" }

func remove(t *testing.T, o Options) error {
	t.Helper()
	_, err := Remove(t.Context(), o)
	return err
}

func TestRemoveLeavesNothing(t *testing.T) {
	o := options(t)
	o.Getenv = noBus
	c := open(t, o)
	save(t, c, request, minted)
	l := credentials.Login{Address: "https://a.example", Method: "approle"}
	must(t, c.SaveToken(t.Context(), l, credentials.Token{Value: "hvs.x", Login: l}))
	writeFile(t, filepath.Join(c.entriesDir(), "another-key.vaws"), []byte("{"), 0o600)
	if unlock, err := c.Lock(t.Context(), request); err != nil {
		t.Fatal(err)
	} else {
		unlock()
	}
	for range 2 { // and again, where there is nothing
		must(t, remove(t, o))
		for _, path := range []string{o.Dir, o.KeyFile} {
			if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s is left: %v", path, err)
			}
		}
	}
}

func TestRemoveKeepsWhatIsHeld(t *testing.T) {
	o := options(t)
	o.Getenv = noBus
	c := open(t, o)
	save(t, c, request, minted)
	unlock, err := c.Lock(t.Context(), request)
	must(t, err)
	if err := remove(t, o); err == nil || !strings.Contains(err.Error(), "another vaws process is at work") {
		t.Errorf("error %v", err)
	}
	unlock()
	must(t, remove(t, o))
}

// Otherwise nobody could revoke the lease of what that process is about to keep.
func TestRemoveLeavesTheKeyToWhoIsAtWork(t *testing.T) {
	o := options(t)
	o.Getenv = noBus
	c := open(t, o)
	save(t, c, another, minted)
	unlock, err := c.Lock(t.Context(), request)
	must(t, err)
	if err := remove(t, o); err == nil {
		t.Error("no error")
	}
	save(t, c, request, minted)
	unlock()
	kept, err := open(t, o).List(t.Context())
	if err != nil || len(kept) != 2 || kept[0].Sealed != nil || kept[1].Sealed != nil {
		t.Errorf("kept: %v, %v", kept, err)
	}
}

func TestRemoveOfWhatADoctorWhoWasKilledLeft(t *testing.T) {
	o := options(t)
	o.Getenv = noBus
	c := open(t, o)
	must(t, c.makeLocksDir())
	_, err := writeTemp(c.locksDir(), nil) // as doctor tries whether it can write there
	must(t, err, remove(t, o))
}

func TestRemoveByTwoAtOnce(t *testing.T) {
	for range 100 {
		o := options(t)
		o.Getenv = noBus
		c := open(t, o)
		save(t, c, request, minted)
		for _, r := range []credentials.Request{request, another} {
			unlock, err := c.Lock(t.Context(), r)
			must(t, err)
			unlock()
		}
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				_, err := c.List(context.Background())
				_, removeErr := Remove(context.Background(), o)
				for _, err := range []error{err, removeErr} {
					if err != nil && !strings.Contains(err.Error(), "another vaws process is at work") {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
	}
}

// What is not of vaws is not removed.
func TestRemoveKeepsWhatIsNotItsOwn(t *testing.T) {
	o := options(t)
	o.Getenv = noBus
	save(t, open(t, o), request, minted)
	foreign := filepath.Join(o.Dir, "notes")
	writeFile(t, foreign, []byte("mine"), 0o600)
	if err := remove(t, o); err == nil || !strings.Contains(err.Error(), o.Dir) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(foreign); err != nil {
		t.Error(err)
	}
	real := filepath.Join(t.TempDir(), "real")
	must(t, os.MkdirAll(filepath.Join(real, "entries"), 0o700))
	o = options(t)
	o.Getenv = noBus
	must(t, os.Symlink(real, o.Dir), os.Symlink(real, o.KeyFile))
	if err := remove(t, o); err == nil || !strings.Contains(err.Error(), "; removing the cache key from key file") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(filepath.Join(real, "entries")); err != nil {
		t.Error(err)
	}
}

// Nor is what a link in the cache leads to, or what stands in the place of a key.
func TestRemoveFollowsNoLinkAndTakesNoFileForAKey(t *testing.T) {
	o := options(t)
	o.Getenv = noBus
	mine := t.TempDir()
	lock := filepath.Join(mine, "yarn.lock")
	writeFile(t, lock, nil, 0o600)
	must(t, os.Mkdir(o.Dir, 0o700), os.Symlink(mine, filepath.Join(o.Dir, "locks")))
	writeFile(t, o.KeyFile, []byte("a thesis"), 0o600)
	if err := remove(t, o); err == nil || !strings.Contains(err.Error(), "is not a directory but a symbolic link") ||
		!strings.Contains(err.Error(), "it holds neither 32 bytes nor") {
		t.Errorf("error %v", err)
	}
	relative := o
	relative.KeyFile = "thesis"
	if err := remove(t, relative); err == nil || !strings.Contains(err.Error(), "is not absolute") {
		t.Errorf("error %v", err)
	}
	for _, path := range []string{lock, o.KeyFile} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

func TestRemoveTellsWhereItCouldNotLook(t *testing.T) {
	o := options(t)
	o.Getenv = noBus
	unseen, err := Remove(t.Context(), o)
	if runtime.GOOS == "linux" && (err != nil || len(unseen) == 0 || !strings.Contains(unseen[0].Error(), "there is no session bus")) {
		t.Errorf("unseen %v, %v", unseen, err)
	}
}
