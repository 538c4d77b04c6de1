package child

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

func init() { programs["lend"] = beLend }

// beLend lends in the directory of its first argument, and supervises the rest
// with the path in FILE.
func beLend(arguments []string) (status int) {
	Conceal()
	var path string
	var err error
	text := []byte("what was lent\n")
	if os.Getenv("CHILD_TEST_DISK") != "" {
		path, _, err = lendFile(arguments[0], "config", text)
	} else {
		path, _, err = Lend(noDir, "config", text)
	}
	if err != nil {
		return report(err)
	}
	return report(Supervise(arguments[1:], append(testEnviron(), "FILE="+path), nil))
}

// noDir is for what is in memory.
func noDir() (string, error) { return "", errors.New("no file is wanted") }

func TestLendToAChild(t *testing.T) {
	dir := t.TempDir()
	out, stderr, _ := sh(t, "", fmt.Sprintf(`"$VAWS" lend %s sh -c 'cat "$FILE" "$FILE"; sh -c "cat \"\$FILE\""; ls -l /proc/self/fd | grep memfd'`, dir))
	if want := strings.Repeat("what was lent\n", 3); out != want {
		t.Errorf("%q, want %q, stderr %q", out, want, stderr)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("on disk: %v, %v", entries, err)
	}
}

func TestLentFileCannotBeWritten(t *testing.T) {
	path, release, err := Lend(noDir, "config", []byte("text"))
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o400 {
		t.Errorf("%v, %v", info, err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrPermission) {
		return // not root
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("TEXT"); err == nil {
		t.Error("it could be written")
	}
	if err := f.Truncate(0); err == nil {
		t.Error("it could be truncated")
	}
}

// killedLender returns what a process lent that was then killed.
func killedLender(t *testing.T, dir, disk string) (path string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "lend", dir, "sh", "-c", `echo "$FILE"; exec cat >/dev/null`)
	cmd.Env = append(os.Environ(), "CHILD_TEST_DISK="+disk)
	input, inputErr := cmd.StdinPipe()
	output, err := cmd.StdoutPipe()
	if err = errors.Join(err, inputErr, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	defer input.Close() // the end of cat
	lines := bufio.NewScanner(output)
	if !lines.Scan() {
		t.Fatal("no path: ", lines.Err())
	}
	path = lines.Text()
	if got, err := os.ReadFile(path); err != nil || string(got) != "what was lent\n" {
		t.Errorf("%q, %v", got, err)
	}
	if err := syscall.Kill(cmd.Process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	return path
}

func TestLentFileIsGoneWithItsMaker(t *testing.T) {
	dir := t.TempDir()
	path := killedLender(t, dir, "")
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		_, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is still there: %v", path, err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("on disk: %v, %v", entries, err)
	}
}

func TestLentFileIsSweptWhenItsMakerHasDied(t *testing.T) {
	dir := t.TempDir()
	path := killedLender(t, dir, "1")
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	sweep(dir, "config")
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
