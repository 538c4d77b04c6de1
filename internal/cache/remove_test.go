package cache

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vaws/internal/credentials"
)

func noBus(string) string { return "" }

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
		must(t, Remove(t.Context(), o))
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
	if err := Remove(t.Context(), o); err == nil || !strings.Contains(err.Error(), "another vaws process is at work") {
		t.Errorf("error %v", err)
	}
	unlock()
	must(t, Remove(t.Context(), o))
}

// What is not of vaws is not removed.
func TestRemoveKeepsWhatIsNotItsOwn(t *testing.T) {
	o := options(t)
	o.Getenv = noBus
	save(t, open(t, o), request, minted)
	foreign := filepath.Join(o.Dir, "notes")
	writeFile(t, foreign, []byte("mine"), 0o600)
	if err := Remove(t.Context(), o); err == nil || !strings.Contains(err.Error(), o.Dir) {
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
	if err := Remove(t.Context(), o); err == nil || !strings.Contains(err.Error(), "; removing the cache key from key file") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(filepath.Join(real, "entries")); err != nil {
		t.Error(err)
	}
}
