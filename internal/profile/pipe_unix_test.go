//go:build unix

package profile

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"
)

// Opening a pipe would wait for somebody to write to it.
func TestListsDoNotWaitForAPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "config")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"AWS_CONFIG_FILE": pipe}
	if _, err := Uses(func(name string) string { return env[name] }); !errors.Is(err, ErrNotFile) {
		t.Errorf("%v", err)
	}
	if names := append(Offered(pipe), Names(pipe)...); len(names) > 0 {
		t.Errorf("%q", names)
	}
	if _, found := Keys(pipe)("default"); found {
		t.Error("a pipe has keys")
	}
}

func TestNoConfigIsNoError(t *testing.T) {
	env := map[string]string{"AWS_CONFIG_FILE": "/dev/null"} // as scripts have it
	if uses, err := Uses(func(name string) string { return env[name] }); err != nil || len(uses) > 0 {
		t.Errorf("%v, %v", uses, err)
	}
}
