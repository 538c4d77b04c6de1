package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakeDist makes a directory as a snapshot leaves it.
func fakeDist(t *testing.T) string {
	t.Helper()
	dist := t.TempDir()
	var sums strings.Builder
	for _, name := range downloads("1.2.3") {
		write(t, dist, name, name)
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256([]byte(name)), name)
	}
	write(t, dist, "checksums.txt", sums.String())
	write(t, dist, "metadata.json", `{"version":"1.2.3"}`)
	write(t, dist, "homebrew/Casks/vaws.rb", "cask")
	write(t, dist, "scoop/vaws.json", "{}")
	write(t, dist, "vaws_linux_amd64_v1/vaws", "binary")
	return dist
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestListShowsEverything(t *testing.T) {
	var out strings.Builder
	if err := list(&out, fakeDist(t)); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\n"); n != 25 || !strings.Contains(out.String(), "        29  vaws_1.2.3_linux_armv7.tar.gz\n") {
		t.Errorf("%d lines:\n%s", n, &out)
	}
}

func TestListFindsWhatIsWrong(t *testing.T) {
	for want, spoil := range map[string]func(dist string) error{
		"vaws_1.2.3_linux_386.rpm is missing or empty": func(dist string) error {
			return os.Remove(filepath.Join(dist, "vaws_1.2.3_linux_386.rpm"))
		},
		"scoop/vaws.json is missing or empty": func(dist string) error {
			return os.Truncate(filepath.Join(dist, "scoop/vaws.json"), 0)
		},
		"vaws.txt is not expected": func(dist string) error {
			return os.WriteFile(filepath.Join(dist, "vaws.txt"), nil, 0o644)
		},
		"checksums.txt is wrong about vaws_1.2.3_windows_arm64.zip": func(dist string) error {
			return os.WriteFile(filepath.Join(dist, "vaws_1.2.3_windows_arm64.zip"), []byte("other"), 0o644)
		},
	} {
		dist := fakeDist(t)
		if err := spoil(dist); err != nil {
			t.Fatal(err)
		}
		if err := list(&strings.Builder{}, dist); err == nil || err.Error() != want {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
