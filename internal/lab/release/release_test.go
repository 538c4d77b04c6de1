package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// root is the repository.
const root = "../../.."

// output runs a program in dir and returns what it wrote to stdout.
func output(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, stderr.String())
	}
	return string(out)
}

// runMake runs make as if no make had started this test.
func runMake(t *testing.T, dir string, env []string, args ...string) {
	t.Helper()
	env = append([]string{"MAKEFLAGS=", "MFLAGS=", "MAKEOVERRIDES="}, env...)
	output(t, dir, env, "make", append([]string{"--no-print-directory"}, args...)...)
}

// checkout is a clone of the repository in a directory of that name, with the files as
// they are now.
func checkout(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	output(t, root, nil, "git", "clone", "-q", "--no-checkout", ".", dir)
	for _, file := range strings.Split(output(t, root, nil, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"), "\x00") {
		info, err := os.Stat(filepath.Join(root, file))
		if err != nil || info.IsDir() {
			continue // removed, and not committed yet; or the end of the list
		}
		text, err := os.ReadFile(filepath.Join(root, file))
		if err == nil {
			err = os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o755)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, file), text, info.Mode())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	output(t, dir, nil, "git", "reset", "-q")
	return dir
}

func digest(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(content))
}

func TestGoReleaserTakesTheConfiguration(t *testing.T) {
	runMake(t, root, nil, "goreleaser", "ARGS=check")
}

// The same commit gives the same bytes in another directory, from another compiler
// cache, and by "make build" as well as by GoReleaser.
func TestBinaryIsReproducibleAndStamped(t *testing.T) {
	released := checkout(t, "released")
	runMake(t, released, nil, "goreleaser", "ARGS=build --snapshot --single-target --skip=before --output=vaws")
	told := strings.TrimSpace(output(t, released, nil, filepath.Join(released, "vaws"), "version"))
	commit := strings.TrimSpace(output(t, root, nil, "git", "rev-parse", "--short=12", "HEAD"))
	want := regexp.MustCompile(`^vaws (v\d+\.\d+\.\d+-git\d+(?:-dirty)?) \(` + commit + `, \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\) ` +
		regexp.QuoteMeta(runtime.Version()+" "+runtime.GOOS+"/"+runtime.GOARCH) + `$`)
	match := want.FindStringSubmatch(told)
	if match == nil {
		t.Fatalf("vaws version: %q, want %s", told, want)
	}

	built := checkout(t, "built-elsewhere")
	runMake(t, built, []string{"GOCACHE=" + t.TempDir()}, "build", "VERSION="+match[1])
	if one, other := digest(t, filepath.Join(released, "vaws")), digest(t, filepath.Join(built, "vaws")); one != other {
		t.Errorf("two builds of %s differ: %s and %s", match[1], one, other)
	}
}
