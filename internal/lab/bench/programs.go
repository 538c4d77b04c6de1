package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"vaws/internal/lab"
)

// programs are what vaws is held against, by their paths.
type programs struct {
	hello   string // prints a line
	keyring string // one Get with go-keyring
	kernel  string // reads the kernel keyring and opens an entry
	vault   string // HashiCorp's own program, not the lab's vaultcli
}

func buildPrograms(ctx context.Context, root, dir string) (p programs, err error) {
	for name, path := range map[string]*string{"hello": &p.hello, "keyring": &p.keyring, "kernel": &p.kernel} {
		*path = filepath.Join(dir, "floor-"+name)
		if err := buildFloor(ctx, root, name, *path); err != nil {
			return p, err
		}
	}
	p.vault, err = lab.BuildWholeVault(ctx, os.Stderr)
	return p, err
}

// buildFloor builds one of the floors: statically and stripped, as vaws is, and in the
// program's module in root, so that they share versions of go-keyring and the rest.
func buildFloor(ctx context.Context, root, name, output string) error {
	source := filepath.Join("internal", "lab", "bench", "floors", name+".go")
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-trimpath", "-ldflags=-s -w", "-o", output, source)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", source, err, out)
	}
	return nil
}
