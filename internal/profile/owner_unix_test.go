//go:build unix

package profile

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// As root: the owner stays, and somebody else's file is left alone.
func TestOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not root")
	}
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, 12345, 54321); err != nil {
		t.Fatal(err)
	}
	if err := replace(t, path, "new"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if stat := info.Sys().(*syscall.Stat_t); stat.Uid != 12345 || stat.Gid != 54321 || info.Mode().Perm() != 0o600 {
		t.Errorf("now of %d:%d, mode %v", stat.Uid, stat.Gid, info.Mode())
	}
	if err := checkOwnerAs(info, 1000); err == nil || !strings.Contains(err.Error(), "belongs to another user (12345)") {
		t.Errorf("as user 1000: %v", err)
	}
}
