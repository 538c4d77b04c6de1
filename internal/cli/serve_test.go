package cli

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"vaws/internal/hint"
)

func TestTokenFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	made, err := readOrMakeToken(path)
	if err != nil || len(made) < 64 {
		t.Fatalf("token of %d characters, err %v", len(made), err)
	}
	if again, err := readOrMakeToken(path); err != nil || again != made {
		t.Errorf("read back %q, err %v", again, err)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, err %v", info.Mode(), err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != made {
		t.Errorf("the file holds %q, err %v", text, err)
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("left behind: %v", files)
	}
	v := &serveCommand{}
	if token, err := v.token(); token != "" || err != nil {
		t.Errorf("no file: %q, %v", token, err)
	}
}

func TestTokenFileMadeByTwoAtOnce(t *testing.T) {
	for range 50 {
		path := filepath.Join(t.TempDir(), "token")
		var tokens [2]string
		var wg sync.WaitGroup
		for i := range tokens {
			wg.Go(func() {
				var err error
				if tokens[i], err = readOrMakeToken(path); err != nil {
					t.Error(err)
				}
			})
		}
		if wg.Wait(); tokens[0] != tokens[1] {
			t.Fatalf("tokens %q", tokens)
		}
	}
}

func TestTokenFilesThatAreRefused(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	paths := []string{dir, write("empty", "\n", 0o600), write("newline", strings.Repeat("s3cret", 6)+"\n", 0o600), filepath.Join(dir, "none", "token")}
	if runtime.GOOS != "windows" {
		paths = append(paths, write("open", strings.Repeat("s3cret", 6), 0o644))
	}
	if os.Geteuid() == 0 { // who made it knows it
		theirs := write("theirs", strings.Repeat("s3cret", 6), 0o600)
		if err := os.Chown(theirs, 12345, -1); err == nil {
			paths = append(paths, theirs)
		}
	}
	for _, path := range paths {
		token, err := readOrMakeToken(path)
		if err == nil || token != "" || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %q, %v", path, token, err)
		}
		if len(hint.Of(err)) == 0 {
			t.Errorf("%s: no hint for %v", path, err)
		}
	}
}

func TestUnitQuote(t *testing.T) {
	if got, want := unitQuote(`A=a b%2F"\`), `"A=a b%%2F\"\\"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestQuote(t *testing.T) {
	for text, want := range map[string]string{
		"http://127.0.0.1:1/a": "http://127.0.0.1:1/a",
		"a b":                  "'a b'",
		"it's $(x)":            `'it'\''s $(x)'`,
	} {
		if got := hint.Quote(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}
