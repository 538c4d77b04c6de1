package main

import (
	"path/filepath"
	"testing"

	"vaws/internal/lab"
)

// The floors are outside of every package, where nothing else would see that they no
// longer build.
func TestFloorsBuild(t *testing.T) {
	root, err := lab.Root()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"hello", "keyring", "kernel"} {
		if err := buildFloor(t.Context(), root, name, filepath.Join(t.TempDir(), name)); err != nil {
			t.Error(err)
		}
	}
}
