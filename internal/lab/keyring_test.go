package lab

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestKeyringLocksAndUnlocks(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	k, err := StartKeyring(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = k.Close() }()
	for _, step := range []struct {
		name   string
		do     func() error
		locked bool
	}{{"start", nil, false}, {"lock", k.Lock, true}, {"unlock", k.Unlock, false}} {
		if step.do != nil {
			if err := step.do(); err != nil {
				t.Fatalf("%s: %v", step.name, err)
			}
		}
		if locked, err := k.locked(); err != nil || locked != step.locked {
			t.Errorf("after %s: locked %t, want %t (%v)", step.name, locked, step.locked, err)
		}
	}
}

func TestKeyringLeavesNothing(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	k, err := StartKeyring(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*process{k.bus, k.daemon} {
		if p.cmd.ProcessState == nil {
			t.Errorf("%s still runs", p.cmd.Path)
		}
	}
	if _, err := os.Stat(filepath.Join(k.dir, "bus")); !os.IsNotExist(err) {
		t.Errorf("the socket is left: %v", err)
	}
}
