package child

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"
)

func TestLend(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache", "lent")
	for _, data := range [][]byte{nil, []byte("[profile x]\n"), bytes.Repeat([]byte("a"), 1<<20)} {
		path, release, err := Lend(func() (string, error) { return dir, os.MkdirAll(dir, 0o700) }, "config", data)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%d bytes: read %d, %v", len(data), len(got), err)
			}
		}
		release()
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("after release: %v", err)
		}
	}
	if _, err := os.Stat(dir); runtime.GOOS == "linux" && !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("on disk: %v", err)
	}
}

func TestLendFile(t *testing.T) {
	dir := t.TempDir()
	path, release, err := lendFile(dir, "config", []byte("text"))
	if err != nil {
		t.Fatal(err)
	}
	other, releaseOther, err := lendFile(dir, "config", []byte("other"))
	if err != nil {
		t.Fatal(err)
	}
	defer releaseOther()
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	sweep(dir, "config")
	if got, err := os.ReadFile(path); err != nil || string(got) != "text" {
		t.Errorf("another run's sweep: %q, %v", got, err)
	}
	release()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after release: %v", err)
	}
	if got, err := os.ReadFile(other); err != nil || string(got) != "other" {
		t.Errorf("%q, %v", got, err)
	}
}

// Many may lend at once; each sweeps first, and one may remove the directory.
func TestLendFileBesideOthersSweeps(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lent")
	makeDir := func() (string, error) {
		if err := os.Mkdir(dir, 0o700); !errors.Is(err, fs.ErrExist) {
			return dir, err
		}
		return dir, nil
	}
	end := time.Now().Add(300 * time.Millisecond)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for time.Now().Before(end) && !t.Failed() {
				path, release, err := lendOnDisk(makeDir, "config", []byte("text"))
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := os.ReadFile(path); err != nil || string(got) != "text" {
					t.Errorf("%q, %v", got, err)
				}
				release()
			}
		})
	}
	for time.Now().Before(end) {
		sweep(dir, "config")
		_ = os.Remove(dir)
		time.Sleep(100 * time.Microsecond)
	}
	wg.Wait()
}

func TestSweep(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"config.12.34", "config", "config.1", "credentials.12.34", "entry"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sweep(dir, "config")
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 4 {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestLendWhereNothingCanBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := lendFile(file, "config", nil); err == nil {
		t.Error("a file in a file")
	}
}
