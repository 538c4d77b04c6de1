package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

var wineCommands = map[string]command{
	"windows": {usage: "", least: 0, run: runWindows},
}

// Where Debian has Wine; its package brings nothing that would be on PATH.
const (
	wineLoader = "/usr/lib/wine/wine64"
	wineServer = "/usr/lib/wine/wineserver64"
)

// randomness is the library without which Go programs do not start and which Wine 8
// lacks, as the exports that GNU's linker makes it of: Windows' own has ProcessPrng in
// it, and advapi32 the same under an older name (RtlGenRandom).
const randomness = "LIBRARY bcryptprimitives.dll\nEXPORTS\n  ProcessPrng = advapi32.SystemFunction036\n"

// windows is what scripts copy: a Windows that has just been installed, and the
// programs that they run there.
type windows struct {
	dir string // holds the directories prefix and bin
	err error
}

var (
	installed   windows
	installOnce sync.Once
)

// theWindows is made when the first script wants it; TestMain removes it.
func theWindows() windows {
	installOnce.Do(func() {
		if installed.dir, installed.err = os.MkdirTemp("", "vaws-lab-wine"); installed.err == nil {
			installed.err = errors.Join(installed.build(), installed.install())
		}
	})
	return installed
}

func (w windows) remove() {
	if w.dir != "" {
		_ = os.RemoveAll(w.dir)
	}
}

// build makes vaws.exe and arguments.exe.
func (w windows) build() error {
	module, err := moduleDir()
	if err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(w.dir, "bin"), 0o755); err != nil {
		return err
	}
	for name, words := range map[string][]string{
		"vaws.exe":      {"make", "--silent", "--no-print-directory", "-C", "../..", "build", "OUT=" + filepath.Join(w.dir, "bin", "vaws.exe")},
		"client.exe":    {"go", "build", "-buildvcs=false", "-trimpath", "-o", filepath.Join(w.dir, "bin", "client.exe"), "./client"},
		"arguments.exe": {"go", "build", "-buildvcs=false", "-trimpath", "-o", filepath.Join(w.dir, "bin", "arguments.exe"), "./arguments"},
	} {
		cmd := exec.Command(words[0], words[1:]...)
		cmd.Dir = module
		cmd.Env = append(os.Environ(), "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=", "MAKEFLAGS=", "MFLAGS=")
		if err := runBuild(cmd, name); err != nil {
			return err
		}
	}
	return nil
}

// install has Wine make its directory, and adds what it lacks.
func (w windows) install() error {
	ctx, cancel := context.WithTimeout(context.Background(), scriptPatience)
	defer cancel()
	prefix := filepath.Join(w.dir, "prefix")
	cmd := exec.CommandContext(ctx, wineLoader, "wineboot", "--init")
	cmd.Env = append(os.Environ(), "WINEPREFIX="+prefix, "WINEDEBUG=-all", wineLeaves, "DISPLAY=", "HOME="+w.dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("wineboot: %w\n%s", err, bytes.TrimSpace(out))
	}
	if err := runWineServer(prefix, "-w"); err != nil { // it ends by itself, having written the registry
		return err
	}
	return link(randomness, filepath.Join(prefix, "drive_c", "windows", "system32", "bcryptprimitives.dll"))
}

// wineLeaves keeps Wine from offering to install Mono and Gecko.
const wineLeaves = "WINEDLLOVERRIDES=mscoree,mshtml="

// link makes a library that only leads to others.
func link(exports, library string) error {
	definition := library + ".def"
	if err := os.WriteFile(definition, []byte(exports), 0o600); err != nil {
		return err
	}
	defer os.Remove(definition)
	return runBuild(exec.Command("x86_64-w64-mingw32-ld", "-shared", "--entry=0", "-o", library, definition), filepath.Base(library))
}

// runWineServer speaks to the server of what runs there: -k ends it, -w waits for its end.
func runWineServer(prefix, flag string) error {
	ctx, cancel := context.WithTimeout(context.Background(), scriptPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, wineServer, flag)
	cmd.Env = append(os.Environ(), "WINEPREFIX="+prefix)
	return cmd.Run()
}

// runWindows gives the script a Windows of its own, whose users' files are in
// $WORK/users.
func runWindows(s *script, ts *testscript.TestScript, _ bool, _ []string) error {
	w := theWindows()
	if w.err != nil {
		return w.err
	}
	prefix, err := os.MkdirTemp(w.dir, "script")
	if err != nil {
		return err
	}
	if err := copyWindows(filepath.Join(w.dir, "prefix"), prefix); err != nil {
		return err
	}
	users := filepath.Join(s.search.root, "users")
	drive := filepath.Join(prefix, "drive_c", "users")
	if err := errors.Join(os.CopyFS(users, os.DirFS(drive)), os.RemoveAll(drive), os.Symlink(users, drive)); err != nil {
		return err
	}
	programs := `Z:` + strings.ReplaceAll(filepath.Join(w.dir, "bin"), "/", `\`)
	for name, value := range map[string]string{"WINE": wineLoader, "WINEPREFIX": prefix, "WINEDEBUG": "-all", "WINEPATH": programs} {
		ts.Setenv(name, value)
	}
	end, err := stayInWine("WINEPREFIX="+prefix, "WINEDEBUG=-all", "WINEPATH="+programs)
	if err == nil {
		ts.Defer(func() {
			end()
			_ = runWineServer(prefix, "-k") // it fails if it has ended by now
			_ = runWineServer(prefix, "-w")
		})
	}
	return err
}

// stayInWine keeps a program running there until end is called. The first program
// starts Wine's services, which would otherwise hold the output of the script's
// commands open, and end and start again with each of them.
func stayInWine(env ...string) (end func(), err error) {
	output, ready, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer output.Close()
	defer ready.Close()
	cmd := exec.Command(wineLoader, "arguments.exe", "stay")
	cmd.Env, cmd.Stdout = append(os.Environ(), env...), ready
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	end = func() { _ = input.Close(); _ = cmd.Wait() }
	_ = output.SetReadDeadline(time.Now().Add(scriptPatience))
	if _, err := output.Read(make([]byte, 1)); err != nil {
		_ = cmd.Process.Kill()
		end()
		return nil, fmt.Errorf("waiting for the first program: %w", err)
	}
	return end, nil
}

// copyWindows copies no more files than it must: Windows replaces those that it changes,
// and the script's programs are its own. The registry's are beside the drives, and the
// server of Wine writes into one that has several names (save_branch in server/registry.c),
// where another Windows would see it half written.
func copyWindows(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		switch {
		case entry.IsDir():
			return os.MkdirAll(target, 0o700)
		case entry.Type() == fs.ModeSymlink:
			where, err := os.Readlink(path)
			return errors.Join(err, os.Symlink(where, target))
		case filepath.Dir(path) == from:
			data, err := os.ReadFile(path)
			return errors.Join(err, os.WriteFile(target, data, 0o600))
		}
		return os.Link(path, target)
	})
}
