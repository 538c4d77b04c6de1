package cache

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"vaws/internal/credentials"
)

// A test that needs other processes runs its own binary again, with these
// variables to tell it what to do instead of testing.
const (
	roleVariable = "VAWS_CACHE_TEST_ROLE"
	dirVariable  = "VAWS_CACHE_TEST_DIR"
)

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "":
		os.Exit(m.Run())
	case "make-key":
		childMakesKey()
	case "hold-lock":
		childHoldsLock()
	}
}

// child is a process that will play the role on the cache in dir.
func child(t *testing.T, role, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+role, dirVariable+"="+dir)
	cmd.Stderr = os.Stderr
	return cmd
}

func childOpens() *Cache {
	dir := os.Getenv(dirVariable)
	c, err := Open(context.Background(), Options{Dir: filepath.Join(dir, "vaws"), Mode: File, KeyFile: filepath.Join(dir, "key")})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return c
}

var (
	start   = time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)
	request = credentials.Request{Address: "https://vault.example.com:8200", Namespace: "team", Mount: "aws", Role: "deploy"}
	another = credentials.Request{Address: "https://vault.example.com:8200", Namespace: "team", Mount: "aws", Role: "admin"}
	failed  = credentials.Failure{Time: start, Caller: "c", Message: "permission denied", Hints: []string{"run \"vaws login\""}}
	minted  = credentials.Credentials{
		Kind: credentials.STS, AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: "secret/key", SessionToken: "session+token",
		ARN:   "arn:aws:sts::123456789012:assumed-role/deploy/vaws",
		Lease: credentials.Lease{ID: "aws/sts/deploy/1", Issued: start, Expiry: start.Add(time.Hour), VaultEnd: start.Add(time.Hour)},
	}
)

// clock is a time that a test sets.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

// options are those of a cache whose key is in a file that does not exist yet.
func options(t testing.TB) Options {
	t.Helper()
	dir := t.TempDir()
	return Options{
		Dir: filepath.Join(dir, "vaws"), Mode: File, KeyFile: filepath.Join(dir, "key"),
		Now:   func() time.Time { return start },
		Debug: t.Logf,
	}
}

func open(t testing.TB, o Options) *Cache {
	t.Helper()
	c, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func save(t testing.TB, c *Cache, r credentials.Request, creds credentials.Credentials) {
	t.Helper()
	if err := c.Save(t.Context(), r, creds); err != nil {
		t.Fatal(err)
	}
}

// entryFile is the path of the only entry with that suffix.
func entryFile(t *testing.T, c *Cache, suffix string) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(c.entriesDir(), "*"+suffix))
	if err != nil || len(paths) != 1 {
		t.Fatalf("entries = %q, %v", paths, err)
	}
	return paths[0]
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func writeFile(t testing.TB, path string, data []byte, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, data, mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask is
		t.Fatal(err)
	}
}

// giveAway changes a file's owner and group, where the test may: it takes root,
// and a user namespace that knows them.
func giveAway(t *testing.T, path string, uid, gid int) bool {
	t.Helper()
	err := os.Chown(path, uid, gid)
	if err != nil {
		t.Logf("not tried: %v", err)
	}
	return err == nil
}
