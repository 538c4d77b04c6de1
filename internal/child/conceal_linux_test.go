package child

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func init() {
	programs["sit"] = beSitting
	programs["look"] = beLooking
	programs["abort"] = beAborted
	programs["uncapped"] = beUncapped
}

// beSitting says who it is and waits for the end of its input; with an argument it
// conceals itself first.
func beSitting(arguments []string) (status int) {
	if len(arguments) > 0 {
		Conceal()
	}
	fmt.Println(os.Getpid())
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// beLooking says what it may do to the process whose ID it is given.
func beLooking(arguments []string) (status int) {
	var pid int
	if _, err := fmt.Sscan(arguments[0], &pid); err != nil {
		panic(err)
	}
	for _, name := range []string{"environ", "mem", "fd"} {
		f, err := os.Open(fmt.Sprintf("/proc/%d/%s", pid, name))
		if err == nil {
			_, err = f.Stat()
			f.Close()
		}
		fmt.Printf("%s: %t\n", name, err == nil)
	}
	fmt.Printf("attach: %t\n", unix.PtraceSeize(pid) == nil)
	return 0
}

// beAborted aborts as vaws would.
func beAborted([]string) (status int) {
	beBusy()
	_ = syscall.Kill(os.Getpid(), syscall.SIGABRT)
	select {}
}

// beUncapped becomes its arguments, with no limit on the size of cores.
func beUncapped(arguments []string) (status int) {
	limit := syscall.Rlimit{}
	err := syscall.Getrlimit(syscall.RLIMIT_CORE, &limit)
	if limit.Cur = limit.Max; err == nil {
		err = syscall.Setrlimit(syscall.RLIMIT_CORE, &limit)
	}
	if err != nil {
		return report(err)
	}
	return report(Run(arguments, os.Environ()))
}

// asUser makes a command of this binary that is run without the rights of root, with
// which everybody may be looked into.
func asUser(dir string, arguments ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", arguments...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0", "GOCOVERDIR="+dir)
	if os.Geteuid() == 0 {
		const nobody = 65534
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	return cmd
}

// sharedDir is a directory that every user may use.
func sharedDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "vaws-child-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

// sitting starts a program whose last output line is the ID of a process, and returns
// that; the process ends with the test.
func sitting(t *testing.T, cmd *exec.Cmd) (pid string) {
	t.Helper()
	input, inputErr := cmd.StdinPipe()
	output, err := cmd.StdoutPipe()
	if err = errors.Join(err, inputErr, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = input.Close()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(output)
	if !lines.Scan() {
		t.Fatal("it says nothing: ", lines.Err())
	}
	return lines.Text()
}

const (
	closed = "environ: false\nmem: false\nfd: false\nattach: false\n"
	open   = "environ: true\nmem: true\nfd: true\nattach: true\n"
)

// Another process of the same user cannot look into vaws, but into what vaws runs.
func TestConcealedAndItsChildrenAreNot(t *testing.T) {
	dir := sharedDir(t)
	look := func(pid string) string {
		out, err := asUser(dir, "look", pid).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	// A security module may forbid more than the kernel does.
	if got := look(sitting(t, asUser(dir, "sit"))); got != open {
		t.Skipf("processes of one user are closed to each other here: %q", got)
	}
	if got := look(sitting(t, asUser(dir, "sit", "concealed"))); got != closed {
		t.Errorf("vaws: %q", got)
	}
	for _, how := range []string{"run", "supervise"} {
		if got := look(sitting(t, asUser(dir, how, "/proc/self/exe", "sit"))); got != open {
			t.Errorf("the command under %s: %q", how, got)
		}
	}
	sitter := asUser(dir, "supervise", "sh", "-c", "echo $PPID; exec cat")
	if got := look(sitting(t, sitter)); got != closed {
		t.Errorf("vaws beside the command: %q", got)
	}
}

// Other users see nothing of vaws nor of its command, as of any process.
func TestOtherUsersSeeNothing(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to be two other users")
	}
	dir := sharedDir(t)
	for _, arguments := range [][]string{{"sit"}, {"sit", "concealed"}, {"run", "/proc/self/exe", "sit"}, {"supervise", "/proc/self/exe", "sit"}} {
		look := asUser(dir, "look", sitting(t, asUser(dir, arguments...)))
		look.SysProcAttr.Credential = &syscall.Credential{Uid: 65533, Gid: 65533}
		if out, err := look.CombinedOutput(); err != nil || string(out) != closed {
			t.Errorf("%q: %v, %s", arguments, err, out)
		}
	}
}

// cored runs a command that aborts, with no limit on cores, and reports whether there
// was one.
func cored(t *testing.T, arguments ...string) bool {
	t.Helper()
	dir := sharedDir(t)
	cmd := asUser(dir, append([]string{"uncapped"}, arguments...)...)
	cmd.Env = append(cmd.Env, "GOTRACEBACK=crash")
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatalf("%q: still alive: %s", arguments, out)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "core*")); len(files) > 0 {
		return true
	}
	return strings.Contains(err.Error(), "core dumped")
}

func TestNoCoreOfVawsIsDumped(t *testing.T) {
	const self = "/proc/self/exe"
	commands := [][]string{{"sh", "-c", "kill -ABRT $$"}, {self, "run", "sh", "-c", "kill -SEGV $$"}}
	for _, command := range commands {
		if !cored(t, command...) {
			t.Skip("no core is dumped here of any program: see ulimit -Hc and /proc/sys/kernel/core_pattern")
		}
	}
	if cored(t, self, "abort") {
		t.Error("there is a core of vaws")
	}
	if !cored(t, self, "supervise", "sh", "-c", "kill -QUIT $$") {
		t.Error("there is no core of the command")
	}
}

// A lent file is there for all processes of the user, although vaws itself is closed
// to them.
func TestLentFileIsOpenToTheUser(t *testing.T) {
	dir := sharedDir(t)
	// What it is opened through has no environment, in which there might be secrets.
	cmd := asUser(dir, "lend", dir, "sh", "-c", `cat "$FILE"; (cat "$FILE"); readlink "$FILE"; wc -c <"${FILE%/fd/*}/environ"`)
	cmd.Env = append(cmd.Env, "VAULT_TOKEN=hvs.secret")
	out, _ := cmd.CombinedOutput()
	want := "what was lent\nwhat was lent\n/memfd:config (deleted)\n0\n"
	if got, _ := strings.CutSuffix(string(out), Exited(0).Error()+"\n"); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		t.Errorf("on disk: %v, %v", files, err)
	}
}
