package lab

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// cacheVariable names a directory for the built Vault other than the default
// one in the user's cache directory.
const cacheVariable = "VAWS_LAB_CACHE"

// Binaries are the programs that the lab runs.
type Binaries struct {
	// Vault is the path of vaultd. It lies in the cache and stays.
	Vault string
	// Dir holds vaws, client, browser and vault (vaultcli), built from the sources as they are
	// now, and browser once more as xdg-open. It is fit to be put on PATH, and
	// Remove deletes it.
	Dir string
}

// Remove deletes Dir.
func (b *Binaries) Remove() error { return os.RemoveAll(b.Dir) }

// Build builds vaultd, unless the cache has it, and the other programs. What it
// does, and how long it has taken, goes to progress.
func Build(ctx context.Context, progress io.Writer) (*Binaries, error) {
	module, err := moduleDir()
	if err != nil {
		return nil, err
	}
	vault, err := BuildVault(ctx, progress)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "vaws-lab-bin")
	if err != nil {
		return nil, err
	}
	b := &Binaries{Vault: vault, Dir: dir}
	err = makeVaws(ctx, progress, filepath.Join(dir, "vaws"))
	for name, pkg := range map[string]string{"client": "./client", "browser": "./browser", "vault": "./vaultcli"} {
		if err == nil {
			err = goBuild(ctx, progress, name, module, pkg, filepath.Join(dir, name))
		}
	}
	if err != nil {
		_ = b.Remove()
		return nil, err
	}
	if err := os.Symlink("browser", filepath.Join(dir, "xdg-open")); err != nil {
		_ = b.Remove()
		return nil, err
	}
	return b, nil
}

// BuildVault returns the path of vaultd in the cache, and builds it first if it
// is not there: 4 minutes from nothing on 2 cores.
func BuildVault(ctx context.Context, progress io.Writer) (string, error) {
	return inCache(ctx, progress, "vaultd", vaultSources, func(module, output string) error {
		return goBuild(ctx, progress, "Vault (about 4 minutes the first time)", module, "./vaultd", output)
	})
}

// BuildWholeVault returns the path of HashiCorp's own program vault in the cache, of the
// version of which vaultd is a part, and builds it first if it is not there: 9 minutes
// from nothing on 2 cores. Only measurements against it need it.
func BuildWholeVault(ctx context.Context, progress io.Writer) (string, error) {
	return inCache(ctx, progress, "vault", vaultSources, func(module, output string) error {
		mod, remove, err := copyOfModule(module)
		if err != nil {
			return err
		}
		defer remove()
		// What the lab's go.mod lacks goes into the copy.
		return goBuild(ctx, progress, "HashiCorp's vault (about 9 minutes the first time)", module, "github.com/hashicorp/vault",
			output, "-modfile="+mod, "-mod=mod")
	})
}

// BuildGoReleaser returns the path of GoReleaser in the cache, which release/goreleaser
// has the version of, and builds it first if it is not there: 4 minutes from nothing on 2
// cores.
func BuildGoReleaser(ctx context.Context, progress io.Writer) (string, error) {
	return inCache(ctx, progress, "goreleaser", []string{"release/goreleaser/go.*"}, func(module, output string) error {
		return goBuild(ctx, progress, "GoReleaser (about 4 minutes the first time)", filepath.Join(module, "release", "goreleaser"),
			"github.com/goreleaser/goreleaser/v2", output)
	})
}

// BuildDebianRoot returns the path of a tar file in the cache with a minimal Debian, and
// makes it first if it is not there; that takes root and Debian's debootstrap.
func BuildDebianRoot(ctx context.Context, progress io.Writer) (string, error) {
	return inCache(ctx, progress, "debian-root.tar", []string{"release/debian-root"}, func(module, output string) error {
		defer announce(progress, "making a Debian to install packages in …")()
		return runBuild(exec.CommandContext(ctx, filepath.Join(module, "release", "debian-root"), output), "a Debian")
	})
}

// copyOfModule copies go.mod and go.sum, so that a build may change them.
func copyOfModule(module string) (mod string, remove func(), err error) {
	dir, err := os.MkdirTemp("", "vaws-lab-module")
	if err != nil {
		return "", nil, err
	}
	remove = func() { _ = os.RemoveAll(dir) }
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(module, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o644)
		}
		if err != nil {
			remove()
			return "", nil, err
		}
	}
	return filepath.Join(dir, "go.mod"), remove, nil
}

// vaultSources are what vaultd is made from: its sources, and the versions of its modules.
var vaultSources = []string{"vaultd/*.go", "go.sum"}

// inCache returns the path of a program in the cache, and has it built first if it is
// not there, as it is made from the sources that the patterns match.
func inCache(ctx context.Context, progress io.Writer, name string, sources []string, build func(module, output string) error) (string, error) {
	module, err := moduleDir()
	if err != nil {
		return "", err
	}
	version, err := cacheVersion(ctx, module, sources)
	if err != nil {
		return "", err
	}
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Join(cache, version), 0o755); err != nil {
		return "", err
	}
	unlock, err := lockCache(ctx, filepath.Join(cache, name+".lock"), progress)
	if err != nil {
		return "", err
	}
	defer unlock()
	path := filepath.Join(cache, version, name)
	if _, err := os.Stat(path); err != nil {
		// Under a temporary name: a build that was cut short leaves nothing that looks
		// finished.
		if err := build(module, path+".partial"); err != nil {
			return "", err
		}
		if err := os.Rename(path+".partial", path); err != nil {
			return "", err
		}
	}
	return path, pruneCache(cache, version, time.Now())
}

func cacheDir() (string, error) {
	if dir := os.Getenv(cacheVariable); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "vaws-lab"), nil
}

// lockCache makes two runs that start at once build a program once.
func lockCache(ctx context.Context, path string, progress io.Writer) (unlock func(), err error) {
	lock := flock.New(path)
	free, err := lock.TryLock()
	if err != nil {
		return nil, err
	}
	if !free {
		fmt.Fprintln(progress, "waiting for another run that is building the same …")
		if _, err := lock.TryLockContext(ctx, 200*time.Millisecond); err != nil {
			return nil, err
		}
	}
	return func() { _ = lock.Unlock() }, nil
}

// cacheVersion hashes what a program is made from: its sources, the platform and the
// compiler.
func cacheVersion(ctx context.Context, module string, sources []string) (string, error) {
	h := sha256.New()
	for _, pattern := range sources {
		files, err := filepath.Glob(filepath.Join(module, filepath.FromSlash(pattern)))
		if err != nil {
			return "", err
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return "", err
			}
			fmt.Fprintf(h, "%s %d\n%s", filepath.Base(file), len(text), text)
		}
	}
	cmd := exec.CommandContext(ctx, "go", "env", "GOOS", "GOARCH", "GOVERSION")
	cmd.Dir = module
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("running go env: %w", err)
	}
	h.Write(out)
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}

// unusedAge is how long another version stays in the cache: long enough not to
// be taken from a run of another checkout that is about to start it.
const unusedAge = 24 * time.Hour

// pruneCache marks the version as used and removes those that were not of late.
func pruneCache(cache, version string, now time.Time) error {
	if err := os.Chtimes(filepath.Join(cache, version), now, now); err != nil {
		return err
	}
	entries, err := os.ReadDir(cache)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || !entry.IsDir() || now.Sub(info.ModTime()) < unusedAge {
			continue
		}
		if err := os.RemoveAll(filepath.Join(cache, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// goBuild builds a package statically, as releases are, and says so when it
// takes longer than a moment.
func goBuild(ctx context.Context, progress io.Writer, name, dir, pkg, output string, flags ...string) error {
	stop := announce(progress, "building "+name+" …")
	defer stop()
	args := append([]string{"build", "-buildvcs=false", "-trimpath", "-ldflags=-s -w", "-o", output}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, pkg)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	return runBuild(cmd, name)
}

// BuildWithFaultPoints builds the vaws that can be stopped short, and whose clock can
// be wrong, and returns the directory of it below Dir. What it takes is in
// internal/faultpoint.
func (b *Binaries) BuildWithFaultPoints(ctx context.Context, progress io.Writer) (dir string, err error) {
	dir = filepath.Join(b.Dir, "faultpoints")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	return dir, makeVaws(ctx, progress, filepath.Join(dir, "vaws"), "EXTRA_TAGS=faultpoints")
}

// makeVaws builds the program with the flags that the Makefile has for it.
func makeVaws(ctx context.Context, progress io.Writer, output string, variables ...string) error {
	module, err := moduleDir()
	if err != nil {
		return err
	}
	stop := announce(progress, "building vaws …")
	defer stop()
	cmd := exec.CommandContext(ctx, "make", append(variables, "--silent", "--no-print-directory", "build", "OUT="+output)...)
	cmd.Dir = filepath.Join(module, "..", "..")
	cmd.Env = append(os.Environ(), "GOWORK=off", "MAKEFLAGS=", "MFLAGS=")
	return runBuild(cmd, "vaws")
}

func runBuild(cmd *exec.Cmd, name string) error {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", name, err, bytes.TrimSpace(dropDownloads(out.Bytes())))
	}
	return nil
}

// dropDownloads leaves out what go tells about modules it fetches.
func dropDownloads(out []byte) []byte {
	var kept []string
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "go: downloading ") {
			kept = append(kept, line)
		}
	}
	return []byte(strings.Join(kept, ""))
}

// announce prints the line after two seconds, and the time every half minute,
// until the function it returns is called.
func announce(w io.Writer, line string) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	start := time.Now()
	go func() {
		defer close(ended)
		wait := 2 * time.Second
		for {
			select {
			case <-done:
				return
			case <-time.After(wait):
			}
			if wait < 30*time.Second {
				fmt.Fprintln(w, line)
				wait = 30 * time.Second
				continue
			}
			fmt.Fprintf(w, "  … %s\n", time.Since(start).Round(time.Second))
		}
	}()
	return func() { close(done); <-ended }
}
