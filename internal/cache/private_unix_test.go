//go:build unix

package cache

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// What others have made, or may change, is a miss and is replaced, and nobody waits for
// a pipe's other end.
func TestEntryThatIsNotTheUsersOwnIsAMiss(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, path string){
		"of another user":     func(t *testing.T, path string) { mustGiveAway(t, path) },
		"writable by others":  func(t *testing.T, path string) { must(t, os.Chmod(path, 0o602)) },
		"a symbolic link":     func(t *testing.T, path string) { must(t, os.Rename(path, path+"-"), os.Symlink(path+"-", path)) },
		"a pipe":              func(t *testing.T, path string) { must(t, os.Remove(path), syscall.Mkfifo(path, 0o600)) },
		"a link to nowhere":   func(t *testing.T, path string) { must(t, os.Remove(path), os.Symlink(path+"-", path)) },
		"without permissions": func(t *testing.T, path string) { must(t, os.Truncate(path, 0), os.Chmod(path, 0)) },
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			c := open(t, o)
			save(t, c, request, minted)
			path := entryFile(t, c, credentialsEntry)
			spoil(t, path)
			if got := c.Load(t.Context(), request); got.Credentials != nil {
				t.Error("it was loaded")
			}
			if roles := Roles(o.Dir, 10); len(roles) != 0 {
				t.Errorf("its header was read: %v", roles)
			}
			if h, err := readHeader(path); err == nil {
				t.Errorf("its header was read: %v", h)
			}
			save(t, c, request, minted)
			info, err := os.Lstat(path)
			if uid, _, _ := owner(info); err != nil || info.Mode() != 0o600 || uid != os.Geteuid() {
				t.Errorf("it was not replaced: %v, %v", info, err)
			}
			if got := c.Load(t.Context(), request); got.Credentials == nil {
				t.Error("not loaded after that")
			}
		})
	}
}

func mustGiveAway(t *testing.T, path string) {
	t.Helper()
	if !giveAway(t, path, 12345, -1) {
		t.Skip("nothing can be given away")
	}
}

// Whoever can open a lock can hold it, so no directory that vaws writes into stays open
// to others.
func TestDirectoriesAreHiddenFromOthers(t *testing.T) {
	o := options(t)
	c := open(t, o)
	save(t, c, request, minted)
	unlock, err := c.Lock(t.Context(), request)
	must(t, err)
	unlock()
	dirs := []string{o.Dir, c.entriesDir(), c.locksDir()}
	for _, dir := range dirs {
		must(t, os.Chmod(dir, 0o755))
	}
	save(t, c, request, minted)
	unlock, err = c.Lock(t.Context(), request)
	must(t, err)
	unlock()
	for _, dir := range dirs {
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", dir, info, err)
		}
	}
}

// A lock is never made at the other end of a link, nor in somebody else's directory.
func TestLocksThatAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, c *Cache, elsewhere string){
		"link in the place of a lock": func(t *testing.T, c *Cache, elsewhere string) {
			must(t, os.Symlink(elsewhere, filepath.Join(c.locksDir(), request.Key()+lockSuffix)))
		},
		"link in the place of the locks": func(t *testing.T, c *Cache, elsewhere string) {
			must(t, os.Remove(c.locksDir()), os.Symlink(filepath.Dir(elsewhere), c.locksDir()))
		},
		"locks of another user": func(t *testing.T, c *Cache, _ string) { mustGiveAway(t, c.locksDir()) },
		"locks for everybody":   func(t *testing.T, c *Cache, _ string) { must(t, os.Chmod(c.locksDir(), 0o707)) },
	} {
		t.Run(name, func(t *testing.T) {
			c := open(t, options(t))
			must(t, c.makeLocksDir())
			elsewhere := filepath.Join(t.TempDir(), "file")
			spoil(t, c, elsewhere)
			if _, err := c.Lock(t.Context(), request); err == nil {
				t.Error("locked")
			}
			if files, err := os.ReadDir(filepath.Dir(elsewhere)); err != nil || len(files) > 0 {
				t.Errorf("made elsewhere: %v, %v", files, err)
			}
		})
	}
}

// A directory that would be refused for reading is not read for completion, either.
func TestNoRolesOfForeignDirectories(t *testing.T) {
	o := options(t)
	save(t, open(t, o), request, minted)
	if roles := Roles(o.Dir, 10); len(roles) != 1 {
		t.Fatalf("%v", roles)
	}
	must(t, os.Chmod(filepath.Join(o.Dir, entriesName), 0o777))
	if roles := Roles(o.Dir, 10); len(roles) != 0 {
		t.Errorf("%v", roles)
	}
}

// A marker that is a link does not lead the sweep to touch another file.
func TestSweepDoesNotFollowItsMarker(t *testing.T) {
	o := options(t)
	elsewhere := filepath.Join(t.TempDir(), "file")
	must(t, os.Mkdir(o.Dir, 0o700), os.Symlink(elsewhere, filepath.Join(o.Dir, "swept")))
	save(t, open(t, o), request, minted)
	if _, err := os.Lstat(elsewhere); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("made through the link: %v", err)
	}
}

func TestPrivateFileThatIsAPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	must(t, syscall.Mkfifo(path, 0o600))
	if _, err := ReadPrivate(path, 10); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("%v", err)
	}
}

func TestMakeDir(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", filepath.Join(t.TempDir(), "new"))
	path, err := MakeDir("lent")
	if info, statErr := os.Stat(path); err != nil || statErr != nil || info.Mode() != fs.ModeDir|0o700 {
		t.Errorf("%v, %v, %v", err, info, statErr)
	}
	must(t, os.Remove(path), os.Symlink(t.TempDir(), path))
	if _, err := MakeDir("lent"); err == nil || !strings.Contains(err.Error(), "symbolic link") {
		t.Errorf("%v", err)
	}
}
