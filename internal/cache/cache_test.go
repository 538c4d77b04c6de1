package cache

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"

	"vaws/internal/credentials"
	"vaws/internal/hint"
)

func TestSavedIsLoadedByTheNextProcess(t *testing.T) {
	o := options(t)
	save(t, open(t, o), request, minted)

	got := open(t, o).Load(t.Context(), request)
	if got.Credentials == nil || !reflect.DeepEqual(*got.Credentials, minted) {
		t.Errorf("loaded %+v, want %+v", got.Credentials, minted)
	}
	if got.Failure != nil {
		t.Errorf("loaded failure %+v", got.Failure)
	}
	if got := open(t, o).Load(t.Context(), another); got.Credentials != nil {
		t.Error("another request is served")
	}
}

func TestFailureStandsBesideCredentialsUntilTheNextSave(t *testing.T) {
	o := options(t)
	c := open(t, o)
	save(t, c, request, minted)
	if err := c.SaveFailure(t.Context(), request, failed); err != nil {
		t.Fatal(err)
	}
	got := open(t, o).Load(t.Context(), request)
	if got.Credentials == nil || got.Failure == nil || !reflect.DeepEqual(*got.Failure, failed) {
		t.Errorf("loaded %+v, %+v", got.Credentials, got.Failure)
	}
	save(t, c, request, minted)
	if got := c.Load(t.Context(), request); got.Failure != nil {
		t.Error("the failure survives a success")
	}
}

func TestRolesAreToldWithoutAKey(t *testing.T) {
	o := options(t)
	c := open(t, o)
	save(t, c, request, minted)
	if err := c.SaveFailure(t.Context(), another, failed); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(o.KeyFile); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(c.entriesDir(), "broken"+credentialsEntry), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := []Role{{request.Address, request.Mount, request.Role}}
	if got := Roles(o.Dir, 100); !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := Roles(filepath.Join(o.Dir, "none"), 100); got != nil {
		t.Errorf("%v", got)
	}
}

func TestNothingIsMadeBeforeSomethingIsKept(t *testing.T) {
	o := options(t)
	if got := open(t, o).Load(t.Context(), request); got != (credentials.Entry{}) {
		t.Errorf("loaded %+v from nothing", got)
	}
	for _, path := range []string{o.Dir, o.KeyFile} {
		if _, err := os.Lstat(path); !os.IsNotExist(err) {
			t.Errorf("%s exists after a mere load", path)
		}
	}
}

func TestFilesArePrivateAndSealed(t *testing.T) {
	o := options(t)
	c := open(t, o)
	save(t, c, request, minted)
	if err := c.SaveFailure(t.Context(), request, failed); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{o.KeyFile, entryFile(t, c, credentialsEntry), entryFile(t, c, failureEntry)} {
		if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", path, info.Mode(), err)
		}
		for _, secret := range []string{minted.AccessKeyID, minted.SecretAccessKey, minted.SessionToken, minted.Lease.ID, failed.Message} {
			if bytes.Contains(readFile(t, path), []byte(secret)) {
				t.Errorf("%s shows %q", path, secret)
			}
		}
	}
	for _, path := range []string{o.Dir, c.entriesDir(), c.locksDir()} {
		if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
			t.Errorf("%s: mode %v, %v", path, info.Mode(), err)
		}
	}
}

func TestHeaderIsReadableWithoutTheKey(t *testing.T) {
	c := open(t, options(t))
	user := minted
	user.Kind = credentials.IAMUser
	save(t, c, request, user)

	line, _, _ := bytes.Cut(readFile(t, entryFile(t, c, credentialsEntry)), []byte("\n"))
	var got header
	if err := json.Unmarshal(line, &got); err != nil {
		t.Fatal(err)
	}
	want := header{
		Version: 1, KeyID: c.key.id, Type: "iam_user",
		Address: request.Address, Namespace: "team", Mount: "aws", Role: "deploy",
		Expires: minted.Lease.Expiry, LeaseEnd: minted.Lease.VaultEnd,
	}
	if got != want {
		t.Errorf("header = %+v, want %+v", got, want)
	}
}

func TestEntriesOfAnotherKeyAreLeftAlone(t *testing.T) {
	o := options(t)
	c := open(t, o)
	save(t, c, request, minted)
	before := readFile(t, entryFile(t, c, credentialsEntry))

	// The same directory from a session whose key is elsewhere.
	o.KeyFile += "-of-another-session"
	other := open(t, o)
	if got := other.Load(t.Context(), request); got.Credentials != nil {
		t.Error("served an entry of another key")
	}
	theirs := minted
	theirs.AccessKeyID = "ASIAOTHER"
	save(t, other, request, theirs)
	if got := c.Load(t.Context(), request); got.Credentials == nil || *got.Credentials != minted {
		t.Errorf("loaded %+v", got.Credentials)
	}
	if !bytes.Equal(before, readFile(t, c.entryPath(c.key, entryName{credentialsEntry, request.Key()}))) {
		t.Error("the entry has changed")
	}
	if got := other.Load(t.Context(), request); got.Credentials == nil || *got.Credentials != theirs {
		t.Errorf("the other session loaded %+v", got.Credentials)
	}
}

func TestLoadAfterLockSeesAKeyMadeMeanwhile(t *testing.T) {
	o := options(t)
	early := open(t, o)
	save(t, open(t, o), request, minted)

	unlock, err := early.Lock(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if got := early.Load(t.Context(), request); got.Credentials == nil {
		t.Error("the key that another process made is not seen")
	}
}

func TestConcurrentSavesAndLoads(t *testing.T) {
	c := open(t, options(t))
	save(t, c, request, minted)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 50 {
				if i%2 == 0 {
					if err := c.Save(context.Background(), request, minted); err != nil {
						t.Error(err)
					}
				} else if got := c.Load(context.Background(), request); got.Credentials == nil || *got.Credentials != minted {
					t.Errorf("loaded %+v", got.Credentials)
				}
			}
		})
	}
	wg.Wait()
}

func TestRefusedDirectories(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no owners and modes of this kind")
	}
	tests := map[string]struct {
		spoil func(t *testing.T, dir string)
		want  string
	}{
		"symbolic link": {func(t *testing.T, dir string) {
			must(t, os.Rename(dir, dir+"-real"), os.Symlink(dir+"-real", dir))
		}, "a symbolic link"},
		"file": {func(t *testing.T, dir string) {
			must(t, os.RemoveAll(dir))
			writeFile(t, dir, nil, 0o600)
		}, "a file"},
		"writable by the group": {func(t *testing.T, dir string) { must(t, os.Chmod(dir, 0o770)) }, "written by others (mode 0770)"},
		"writable by all":       {func(t *testing.T, dir string) { must(t, os.Chmod(dir, 0o702)) }, "written by others (mode 0702)"},
		"of another user": {func(t *testing.T, dir string) {
			if !giveAway(t, dir, 12345, -1) {
				t.Skip("cannot give a directory away")
			}
		}, "belongs to user 12345"},
		"entries writable by all": {func(t *testing.T, dir string) { must(t, os.Chmod(filepath.Join(dir, "entries"), 0o777)) }, "written by others"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			c := open(t, o)
			save(t, c, request, minted)
			test.spoil(t, o.Dir)

			if got := c.Load(t.Context(), request); got.Credentials != nil {
				t.Error("loaded from it")
			}
			err := c.Save(t.Context(), request, minted)
			if err == nil || !strings.Contains(err.Error(), test.want) || len(hint.Of(err)) == 0 {
				t.Errorf("saving into it: %v, hints %q", err, hint.Of(err))
			}
		})
	}
}

// removing is a place where somebody removes the cache's directory while a key is stored.
type removing struct {
	keyFile
	dir string
}

func (r removing) store(ctx context.Context, k *key) error {
	if err := os.RemoveAll(r.dir); err != nil {
		return err
	}
	return r.keyFile.store(ctx, k)
}

func TestSaveWhereTheDirectoryIsRemovedMeanwhile(t *testing.T) {
	o := options(t)
	c := open(t, o)
	c.place = removing{keyFile{o.KeyFile}, c.entriesDir()}
	save(t, c, request, minted)
	if got := open(t, o).Load(t.Context(), request).Credentials; got == nil || got.AccessKeyID != minted.AccessKeyID {
		t.Errorf("loaded %v", got)
	}
}

func must(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestDirectoryThatCannotBeMade(t *testing.T) {
	o := options(t)
	file := filepath.Join(t.TempDir(), "file")
	writeFile(t, file, nil, 0o600)
	o.Dir = filepath.Join(file, "vaws") // root, too, cannot write there
	c := open(t, o)
	if got := c.Load(t.Context(), request); got != (credentials.Entry{}) {
		t.Errorf("loaded %+v", got)
	}
	if err := c.Save(t.Context(), request, minted); err == nil {
		t.Error("saved")
	}
	if _, err := c.Lock(t.Context(), request); err == nil {
		t.Error("locked")
	}
	if _, err := os.Stat(o.KeyFile); !os.IsNotExist(err) {
		t.Error("made a key for nothing")
	}
}

func TestSymlinkedEntryIsAMiss(t *testing.T) {
	if openWary == 0 {
		t.Skip("nothing tells the open not to follow links here")
	}
	c := open(t, options(t))
	save(t, c, request, minted)
	path := entryFile(t, c, credentialsEntry)
	must(t, os.Rename(path, path+"-moved"), os.Symlink(path+"-moved", path))
	if got := c.Load(t.Context(), request); got.Credentials != nil {
		t.Error("followed a symbolic link")
	}
	save(t, c, request, minted)
	if got := c.Load(t.Context(), request); got.Credentials == nil {
		t.Error("the link was not replaced")
	}
}

func TestOversizedEntry(t *testing.T) {
	c := open(t, options(t))
	big := minted
	big.SessionToken = strings.Repeat("x", entryLimit)
	if err := c.Save(t.Context(), request, big); err == nil {
		t.Error("saved more than can be read back")
	}
	save(t, c, request, minted)
	writeFile(t, entryFile(t, c, credentialsEntry), make([]byte, entryLimit+1), 0o600)
	if got := c.Load(t.Context(), request); got.Credentials != nil {
		t.Error("read an oversized file")
	}
}

func TestProviderMintsOnceForManyProcesses(t *testing.T) {
	o := options(t)
	source := &countingSource{}
	var wg sync.WaitGroup
	defer wg.Wait() // if open ends the test, too
	for range 50 {
		c := open(t, o) // before there is a key
		p := credentials.Provider{Source: source, Store: c, Now: o.Now, Debug: func(string, ...any) {}, Warn: func(err error) { t.Error(err) }}
		wg.Go(func() {
			if _, err := p.Get(context.Background(), request, credentials.Demand{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if source.count != 1 {
		t.Errorf("minted %d times", source.count)
	}
}

type countingSource struct {
	mu    sync.Mutex
	count int
}

func (s *countingSource) Caller(context.Context, credentials.Request) string { return "c" }

func (s *countingSource) Renew(_ context.Context, _ credentials.Request, c credentials.Credentials) (credentials.Credentials, error) {
	return c, errors.New("nothing to renew")
}

func (s *countingSource) Settle(context.Context, credentials.Credentials) error { return nil }

func (s *countingSource) MakesUser(context.Context, credentials.Request) bool { return false }

func (s *countingSource) Mint(context.Context, credentials.Request) (credentials.Credentials, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	return minted, nil
}

func TestParseMode(t *testing.T) {
	for _, name := range Modes() {
		if m, err := ParseMode(name); err != nil || string(m) != name {
			t.Errorf("%q: %q, %v", name, m, err)
		}
	}
	if m, err := ParseMode(""); m != Auto || err != nil {
		t.Errorf("empty: %q, %v", m, err)
	}
	if _, err := ParseMode("disk"); err == nil || !strings.Contains(err.Error(), "auto, keyring, kernel, file, none") {
		t.Errorf("disk: %v", err)
	}
}

func TestOpenWithoutACache(t *testing.T) {
	for _, o := range []Options{{Mode: None}, {Mode: File}} {
		o.Dir = t.TempDir()
		if c, err := Open(t.Context(), o); err == nil || c != nil {
			t.Errorf("mode %q: %v, %v", o.Mode, c, err)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	for _, entries := range []int{1, 10_000} {
		b.Run(fmt.Sprintf("entries=%d", entries), func(b *testing.B) {
			dir := b.TempDir()
			o := Options{Dir: filepath.Join(dir, "vaws"), Mode: File, KeyFile: filepath.Join(dir, "key")}
			c, err := Open(b.Context(), o)
			if err != nil {
				b.Fatal(err)
			}
			r := request
			for i := range entries {
				r.SessionName = fmt.Sprint(i)
				if err := c.Save(b.Context(), r, minted); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				if c.Load(b.Context(), r).Credentials == nil {
					b.Fatal("miss")
				}
			}
		})
	}
}
