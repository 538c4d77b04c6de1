package lab

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWriteBlock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(path, []byte("a\n<!-- x -->\nold\n<!-- /x -->\nb\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, want := range []bool{true, false} {
		if changed, err := WriteBlock(path, "x", "new\n"); err != nil || changed != want {
			t.Errorf("changed %t, want %t: %v", changed, want, err)
		}
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "a\n<!-- x -->\nnew\n<!-- /x -->\nb\n" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := WriteBlock(path, "y", ""); err == nil {
		t.Error("a block that is not there was written")
	}
}
