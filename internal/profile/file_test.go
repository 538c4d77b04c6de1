package profile

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vaws/internal/hint"
)

// replaceWord as its first argument makes this binary a program that replaces the file
// that the second one names, again and again, until it is killed.
const replaceWord = "replace-until-killed"

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == replaceWord {
		replaceUntilKilled(os.Args[2])
	}
	os.Exit(m.Run())
}

func replaceUntilKilled(path string) {
	time.AfterFunc(time.Minute, func() { os.Exit(9) }) // should the test have gone
	for {
		f, err := Open(path)
		if err != nil {
			panic(err)
		}
		b, err := ParseBlock(path, f.Data, f.Exists)
		if err != nil {
			panic(err)
		}
		data := b.Removed()
		if len(b.opening) == 0 {
			data = b.Update(wishes("a", "b"), noKeys).Data
		}
		if err := f.Replace(data, time.Now()); err != nil {
			panic(err)
		}
	}
}

// However often and whenever it is killed, the file is the old one or the new one.
func TestKilledAtAnyMoment(t *testing.T) {
	old := []byte(manyProfiles(2000))
	next := []byte(update(t, string(old), wishes("a", "b")))
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, old, 0o640); err != nil {
		t.Fatal(err)
	}
	states := map[string]int{}
	for range 25 {
		cmd := exec.Command(os.Args[0], replaceWord, path)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		last, changes := "", 1+rand.IntN(2)
		for reads, more := 0, rand.IntN(20); changes > 0 || more > 0; reads++ { // and whoever reads it meanwhile
			state := stateOf(t, path, old, next)
			if states[state]++; reads > 100_000 {
				t.Fatal("the file does not change")
			}
			switch {
			case changes == 0:
				more--
			case last != "" && state != last:
				changes--
			}
			last = state
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		states["killed: "+stateOf(t, path, old, next)]++
	}
	t.Logf("%v", states)
	if states["killed: old"] == 0 || states["killed: new"] == 0 {
		t.Errorf("it was never found in one of its states: %v", states)
	}
}

func stateOf(t *testing.T, path string, old, next []byte) string {
	t.Helper()
	data, err := os.ReadFile(path)
	info, statErr := os.Stat(path)
	if err := errors.Join(err, statErr); err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o640 {
		t.Fatalf("mode %v", info.Mode())
	}
	switch {
	case bytes.Equal(data, old):
		return "old"
	case bytes.Equal(data, next):
		return "new"
	}
	t.Fatalf("neither the old file nor the new one: %d bytes", len(data))
	return ""
}

func replace(t *testing.T, path, data string) error {
	t.Helper()
	f, err := Open(path)
	if err != nil {
		return err
	}
	return f.Replace([]byte(data), time.Now())
}

func TestReplace(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "dotfiles", "aws"), filepath.Join(dir, "home", ".aws", "config")
	for _, path := range []string{target, link} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.WriteFile(target, []byte("old"), 0o600), os.Chmod(target, 0o644), os.Symlink("../../dotfiles/aws", link)); err != nil {
		t.Fatal(err)
	}
	if err := replace(t, link, "new"); err != nil {
		t.Fatal(err)
	}
	data, _ := os.ReadFile(target)
	info, err := os.Stat(target)
	to, _ := os.Readlink(link)
	if err != nil || string(data) != "new" || info.Mode().Perm() != 0o644 || to != "../../dotfiles/aws" {
		t.Errorf("%q, mode %v, link to %q, %v", data, info.Mode(), to, err)
	}
	for _, d := range []string{filepath.Dir(target), filepath.Dir(link)} {
		if entries, _ := os.ReadDir(d); len(entries) != 1 {
			t.Errorf("left in %s: %v", d, entries)
		}
	}
}

func TestNewFileAndItsRemoval(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".aws", "config")
	if err := replace(t, path, "new"); err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]fs.FileMode{path: 0o600, filepath.Dir(path): fs.ModeDir | 0o700} {
		if info, err := os.Stat(at); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v", at, info.Mode(), err)
		}
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Replace(nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
}

func TestChangedMeanwhile(t *testing.T) {
	for name, before := range map[string]func(path string) error{
		"there was none": func(string) error { return nil },
		"another text":   func(path string) error { return os.WriteFile(path, []byte("first"), 0o600) },
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "config")
		if err := before(path); err != nil {
			t.Fatal(err)
		}
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("theirs"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := f.Replace([]byte("mine"), time.Now()); err == nil || !strings.Contains(err.Error(), "changed it meanwhile") {
			t.Errorf("%s: %v", name, err)
		}
		if data, _ := os.ReadFile(path); string(data) != "theirs" {
			t.Errorf("%s: it is %q now", name, data)
		}
		if entries, _ := os.ReadDir(dir); len(entries) != 1 {
			t.Errorf("%s: left behind: %v", name, entries)
		}
	}
}

// What is read is the file whose owner and mode were examined.
func TestSwappedBeforeItIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path+"-new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+"-new", path); err != nil {
			t.Fatal(err)
		}
	}
	write("mine")
	f := &File{Path: path}
	if err := f.find(); err != nil {
		t.Fatal(err)
	}
	write("theirs")
	if err := f.check(); err == nil || !strings.Contains(err.Error(), "changed it meanwhile") {
		t.Errorf("%v, read %q", err, f.Data)
	}
}

func TestLeftoversGo(t *testing.T) {
	dir := t.TempDir()
	old, young := filepath.Join(dir, leftover+"1"), filepath.Join(dir, leftover+"2")
	for _, path := range []string{old, young} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ago := time.Now().Add(-2 * leftoverAge)
	if err := os.Chtimes(old, ago, ago); err != nil {
		t.Fatal(err)
	}
	if err := replace(t, filepath.Join(dir, "config"), "new"); err != nil {
		t.Fatal(err)
	}
	_, errOld := os.Lstat(old)
	if _, err := os.Lstat(young); err != nil || !errors.Is(errOld, fs.ErrNotExist) {
		t.Errorf("old: %v, young: %v", errOld, err)
	}
}

func TestFilesThatCannotBeReplaced(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a blank")
	at := func(name string) string { return filepath.Join(dir, name) }
	err := errors.Join(
		os.Mkdir(dir, 0o700),
		os.WriteFile(at("read-only"), nil, 0o400),
		os.Symlink("nowhere", at("dangling")),
		os.Symlink("nowhere", at("dangling-dir")),
		os.Symlink("loop", at("loop")),
		os.WriteFile(at("one"), nil, 0o600), os.Link(at("one"), at("two")),
		os.Mkdir(at("locked"), 0o700), os.WriteFile(at("locked/config"), nil, 0o600), os.Chmod(at("locked"), 0o500),
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(at("locked"), 0o700) })
	for name, want := range map[string]string{
		"read-only":           "it is read-only",
		"dangling":            "dangling is a symbolic link to nowhere, which does not exist",
		"dangling-dir/config": "dangling-dir is a symbolic link to nowhere, which does not exist",
		"loop":                "too many links",
		"two":                 "it has 2 names",
		"locked/config":       "its directory is read-only",
		".":                   "it is no regular file",
		"one/config":          "not a directory",
	} {
		_, err := Open(at(name))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
		if advice := strings.Join(hint.Of(err), "\n"); strings.Contains(advice, dir) && !strings.Contains(advice, " '"+dir) {
			t.Errorf("%s: not to be pasted: %s", name, advice)
		}
	}
	if _, err := Open(""); err == nil || len(hint.Of(err)) == 0 {
		t.Errorf("without a home directory: %v", err)
	}
	if _, err := Open(os.DevNull); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("%s: %v", os.DevNull, err)
	}
}
