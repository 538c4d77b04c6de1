package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"vaws/internal/lab"
	"vaws/internal/lab/aws"
)

// role is the Vault role that is measured, of the type assumed_role.
const role = "ec2-admin"

// world is what is measured in: a Vault, a stand-in for AWS, a keyring and a HOME.
type world struct {
	binaries *lab.Binaries
	floors   programs
	stand    *aws.Server
	vault    *lab.Vault
	keyring  *lab.Keyring
	dir      string // of everything that is written
	env      []string
	floor    []string // the command line of floors.kernel
}

func openWorld(ctx context.Context, root string) (_ *world, err error) {
	w := &world{}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	if w.binaries, err = lab.Build(ctx, os.Stderr); err != nil {
		return nil, err
	}
	if w.dir, err = os.MkdirTemp("", "vaws-bench"); err != nil {
		return nil, err
	}
	if w.floors, err = buildPrograms(ctx, root, w.dir); err != nil {
		return nil, err
	}
	if w.stand, err = aws.New(aws.Options{}); err != nil {
		return nil, err
	}
	if w.vault, err = lab.StartVault(ctx, lab.VaultOptions{Binary: w.binaries.Vault}); err != nil {
		return nil, err
	}
	if w.keyring, err = lab.StartKeyring(ctx, w.dir); err != nil {
		return nil, err
	}
	return w, w.setUp(ctx)
}

func (w *world) setUp(ctx context.Context) error {
	if err := w.vault.MountAWS(ctx, "aws", w.stand, lab.Account); err != nil {
		return err
	}
	token, err := w.vault.MountToken(ctx, lab.TokenOptions{Mount: "aws", Kind: "full"})
	if err != nil {
		return err
	}
	w.env = []string{
		"HOME=" + w.dir, "PATH=/usr/bin:/bin", "LANG=C.UTF-8",
		"DBUS_SESSION_BUS_ADDRESS=" + w.keyring.Address,
		"VAULT_ADDR=" + w.vault.Addr, "VAULT_TOKEN=" + token,
	}
	return os.WriteFile(w.tokenHeader(), []byte("X-Vault-Token: "+token), 0o600)
}

// close ends and removes everything; the keys that were put into the kernel keyring,
// too.
func (w *world) close() {
	if w.keyring != nil {
		_ = w.keyring.Close()
	}
	if w.vault != nil {
		_ = w.vault.Close()
	}
	if w.stand != nil {
		_ = w.stand.Close()
	}
	if w.binaries != nil {
		_ = w.binaries.Remove()
	}
	if w.dir != "" {
		for _, dir := range w.cacheDirs() {
			_ = exec.Command("keyctl", "purge", "user", "vaws:"+keyAccount(dir)).Run()
		}
		_ = os.RemoveAll(w.dir)
	}
}

// vaws is the command line of a call; hyperfine's words must not need quoting.
func (w *world) vaws(args ...string) []string {
	return append([]string{filepath.Join(w.binaries.Dir, "vaws")}, args...)
}

// hit is a call for the role as SDKs make it, cached if it was made before.
func (w *world) hit() []string { return w.vaws("credential-process", role) }

// with is the same world with one more variable.
func (w *world) with(variable string) *world {
	other := *w
	other.env = append(w.env[:len(w.env):len(w.env)], variable)
	return &other
}

// inKernel is the same world where the cache's key is in the kernel keyring, not in
// gnome-keyring.
func (w *world) inKernel() *world { return w.with("VAWS_CACHE=kernel") }

// run runs a command in the world and returns its stdout.
func (w *world) run(ctx context.Context, argv []string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env, cmd.Dir = w.env, w.dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", strings.Join(argv, " "), err, stderr.String())
	}
	return out, nil
}

// tokenHeader is a file for curl, so that the token is on no command line.
func (w *world) tokenHeader() string { return filepath.Join(w.dir, "token-header") }

func (w *world) cache() string   { return filepath.Join(w.dir, ".cache", "vaws") }
func (w *world) entries() string { return filepath.Join(w.cache(), "entries") }

// cacheDirs are the cache directories that any series has made.
func (w *world) cacheDirs() []string {
	dirs, _ := filepath.Glob(filepath.Join(w.dir, "*", "vaws"))
	return dirs
}

// keyAccount is how keyrings call the key of a cache directory
// (internal/cache/place.go).
func keyAccount(dir string) string {
	sum := sha256.Sum256([]byte(dir))
	return "cache-key-" + hex.EncodeToString(sum[:8])
}
