package cache

import (
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"vaws/internal/hint"
)

func TestKeyFileForms(t *testing.T) {
	k := newKey()
	path := filepath.Join(t.TempDir(), "key")
	for name, content := range map[string][]byte{
		"raw":    k.secret[:],
		"hex":    []byte(k.text() + "\n"),
		"base64": []byte(base64.StdEncoding.EncodeToString(k.secret[:])),
	} {
		writeFile(t, path, content, 0o600)
		if got, err := (keyFile{path}).look(t.Context()); err != nil || got.id != k.id {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	for _, content := range []string{"", "secret words", strings.Repeat("x", 33), strings.Repeat("0", 4096)} {
		writeFile(t, path, []byte(content), 0o600)
		_, err := keyFile{path}.look(t.Context())
		if err == nil || errors.Is(err, errNoKey) {
			t.Errorf("%d bytes: %v", len(content), err)
		} else if content != "" && strings.Contains(err.Error(), content) {
			t.Errorf("the error shows the content: %v", err)
		}
	}
}

func TestKeyFileThatOthersMayRead(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no modes of this kind")
	}
	path := filepath.Join(t.TempDir(), "key")
	writeFile(t, path, []byte(newKey().text()), 0o600)
	if os.Geteuid() == 0 && giveAway(t, path, 0, 0) { // root:root 0440 is what systemd gives
		must(t, os.Chmod(path, 0o440))
		if _, err := (keyFile{path}).look(t.Context()); err != nil {
			t.Errorf("a systemd credential: %v", err)
		}
		if !giveAway(t, path, 0, 12345) {
			t.Skip("no other group to give the file to")
		}
	}
	for _, mode := range []os.FileMode{0o640, 0o620, 0o604, 0o644, 0o601} {
		must(t, os.Chmod(path, mode))
		_, err := keyFile{path}.look(t.Context())
		if err == nil || len(hint.Of(err)) != 1 || !strings.Contains(hint.Of(err)[0], "chmod 600 ") {
			t.Errorf("mode %04o: %v, hints %q", mode, err, hint.Of(err))
		}
	}
	must(t, os.Chmod(path, 0o600))
	if giveAway(t, path, 12345, 0) {
		if _, err := (keyFile{path}).look(t.Context()); err == nil || !strings.Contains(err.Error(), "belongs to user 12345") {
			t.Errorf("another user's: %v", err)
		}
	}
}

func TestKeyFileThroughASymbolicLink(t *testing.T) {
	dir := t.TempDir()
	k := newKey()
	writeFile(t, filepath.Join(dir, "data"), []byte(k.text()), 0o600)
	link := filepath.Join(dir, "link")
	if err := os.Symlink("data", link); err != nil {
		t.Skip(err)
	}
	if got, err := (keyFile{link}).look(t.Context()); err != nil || got.id != k.id {
		t.Errorf("%v, %v", got, err)
	}
}

func TestKeyFileThatIsALinkToNothing(t *testing.T) {
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink("nothing", link); err != nil {
		t.Skip(err)
	}
	if _, err := (keyFile{link}).look(t.Context()); err == nil || errors.Is(err, errNoKey) || len(hint.Of(err)) == 0 {
		t.Errorf("%v, hints %q", err, hint.Of(err))
	}
}

// Another process may make the file between the two looks of one.
func TestKeyFileThatIsMadeMeanwhileIsNoLink(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	must(t, keyFile{path}.store(t.Context(), newKey()))
	if err := (keyFile{path}).whyMissing(); !errors.Is(err, errNoKey) {
		t.Errorf("a file: %v", err)
	}
	link := path + ".link"
	if err := os.Symlink("key", link); err != nil {
		t.Skip(err)
	}
	if err := (keyFile{link}).whyMissing(); !errors.Is(err, errNoKey) {
		t.Errorf("a link to it: %v", err)
	}
}

func TestKeyFileThatIsNoFile(t *testing.T) {
	if _, err := (keyFile{t.TempDir()}).look(t.Context()); err == nil || errors.Is(err, errNoKey) {
		t.Errorf("a directory: %v", err)
	}
}

func TestKeyFileIsNeverReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	first, second := newKey(), newKey()
	must(t, keyFile{path}.store(t.Context(), first), keyFile{path}.store(t.Context(), second))
	if got, err := (keyFile{path}).look(t.Context()); err != nil || got.id != first.id {
		t.Errorf("%v, %v", got, err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), tempPrefix+"*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	if err := (keyFile{filepath.Join(path, "under-a-file")}).store(t.Context(), first); err == nil {
		t.Error("stored where nothing can be")
	}
}

// createByLink is for where a file cannot be without a name.
func TestNewFileIsMadeWholeAndOnce(t *testing.T) {
	for name, create := range map[string]func(string, []byte) error{"without a name": createWhole, "by link": createByLink} {
		path := filepath.Join(t.TempDir(), "key")
		if err := create(path, []byte("first")); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := create(path, []byte("second")); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: a second time: %v", name, err)
		}
		if got := readFile(t, path); string(got) != "first" {
			t.Errorf("%s: it holds %q", name, got)
		}
		if files, err := os.ReadDir(filepath.Dir(path)); len(files) != 1 || err != nil {
			t.Errorf("%s: beside it there are %v, %v", name, files, err)
		}
	}
}
