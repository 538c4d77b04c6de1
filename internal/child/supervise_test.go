//go:build unix

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
	"time"
)

// detached is vaws that looks after a listening child, without a terminal.
type detached struct {
	t     *testing.T
	cmd   *exec.Cmd
	input io.WriteCloser
	lines *bufio.Scanner
	child int
}

// startDetached runs a script, in which "$VAWS" supervise and "$VAWS" listen
// are to be run, in a session of its own.
func startDetached(t *testing.T, script string) *detached {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	d := &detached{t: t, cmd: exec.Command("sh", "-c", script)}
	d.cmd.Env = append(os.Environ(), "VAWS="+self, "GORACE=atexit_sleep_ms=0", "GOCOVERDIR="+t.TempDir())
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	d.input, err = d.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := d.cmd.StdoutPipe()
	if err = errors.Join(err, d.cmd.Start()); err != nil {
		t.Fatal(err)
	}
	d.lines = bufio.NewScanner(output)
	end := func() { _ = syscall.Kill(-d.cmd.Process.Pid, syscall.SIGKILL) }
	deadline := time.AfterFunc(patience, end) // what is stopped says nothing and stays
	t.Cleanup(func() {
		deadline.Stop()
		end()
		_ = d.cmd.Wait()
	})
	return d
}

// listening is a detached one whose child is ready.
func listening(t *testing.T) *detached {
	t.Helper()
	d := startDetached(t, `exec "$VAWS" supervise "$VAWS" listen`)
	d.ready()
	return d
}

func (d *detached) ready() {
	d.t.Helper()
	var parent int
	line := d.read()
	if _, err := fmt.Sscanf(line, "ready %d %d.", &d.child, &parent); err != nil {
		d.t.Fatalf("%q: %v", line, err)
	}
}

func (d *detached) read() string {
	d.t.Helper()
	if !d.lines.Scan() {
		d.t.Fatalf("no more output: %v", d.lines.Err())
	}
	return d.lines.Text()
}

func (d *detached) signal(sig syscall.Signal) {
	d.t.Helper()
	if err := d.cmd.Process.Signal(sig); err != nil {
		d.t.Fatal(err)
	}
}

func (d *detached) expect(want string) {
	d.t.Helper()
	if got := d.read(); got != want {
		d.t.Errorf("%q, want %q", got, want)
	}
}

// stop has the child stop itself.
func (d *detached) stop() {
	d.t.Helper()
	if _, err := io.WriteString(d.input, "stop\n"); err != nil {
		d.t.Fatal(err)
	}
	for state(d.t, d.child) != "T" {
	}
}

func (d *detached) quit() {
	d.t.Helper()
	if _, err := io.WriteString(d.input, "quit\n"); err != nil {
		d.t.Fatal(err)
	}
	d.expect("bye.")
	if err := d.cmd.Wait(); d.cmd.ProcessState.ExitCode() != 3 {
		d.t.Errorf("%v, want exit status 3", err)
	}
}

func TestSuperviseWithoutATerminal(t *testing.T) {
	d := listening(t)
	for range 2 {
		for sig, name := range map[syscall.Signal]string{
			syscall.SIGINT: "interrupt", syscall.SIGQUIT: "quit", syscall.SIGTERM: "terminated",
			syscall.SIGHUP: "hangup", syscall.SIGUSR1: "user defined signal 1",
			syscall.SIGUSR2: "user defined signal 2", syscall.SIGWINCH: "window changed",
		} {
			d.signal(sig)
			d.expect("got " + name + ".")
		}
	}
	d.quit()
}

func TestSuperviseIgnoredSignalsStayIgnored(t *testing.T) {
	d := startDetached(t, `trap '' HUP INT; exec "$VAWS" supervise "$VAWS" listen`)
	d.ready() // it listens for them in spite of that
	d.signal(syscall.SIGHUP)
	d.signal(syscall.SIGINT)
	d.signal(syscall.SIGUSR1)
	d.expect("got user defined signal 1.")
	d.quit()
}

func TestSuperviseUnderNohup(t *testing.T) {
	out, stderr, _ := sh(t, "", `nohup "$VAWS" supervise sh -c 'kill -HUP $PPID; kill -HUP $$; echo alive' 2>/dev/null`)
	if out != "alive\n" {
		t.Errorf("%q, stderr %q", out, stderr)
	}
}

// Without a terminal nobody waits for vaws to stop, and whoever continues it
// means the child.
func TestSuperviseContinuesAStoppedChild(t *testing.T) {
	d := listening(t)
	d.stop()
	d.signal(syscall.SIGCONT)
	d.expect("got continued.")
	d.quit()
}

// Once continued, vaws has both to see: that it was, and that the child has stopped.
func TestSuperviseContinuesAChildThatStoppedUnseen(t *testing.T) {
	d := listening(t)
	for range 20 {
		d.signal(syscall.SIGSTOP)
		for state(t, d.cmd.Process.Pid) != "T" {
		}
		d.stop()
		d.signal(syscall.SIGCONT)
		d.expect("got continued.")
	}
	d.quit()
}

// state is a letter of ps(1).
func state(t *testing.T, pid int) string {
	t.Helper()
	out, err := exec.Command("ps", "-o", "stat=", "-p", fmt.Sprint(pid)).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out[:1])
}

func TestSuperviseGivesTheExitStatus(t *testing.T) {
	for script, want := range map[string]int{
		`exec "$VAWS" supervise true`:             0,
		`exec "$VAWS" supervise sh -c 'exit 42'`:  42,
		`exec "$VAWS" supervise sh -c 'exit 255'`: 255,
	} {
		if _, stderr, got := sh(t, "", script); got != want || stderr != "" {
			t.Errorf("%s: status %d, want %d; stderr %q", script, got, want, stderr)
		}
	}
}

func TestSuperviseDiesAsTheChildDid(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, sig := range []syscall.Signal{
		syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGKILL, syscall.SIGPIPE, syscall.SIGUSR1, syscall.SIGALRM,
		syscall.SIGQUIT, syscall.SIGABRT, syscall.SIGSEGV, syscall.SIGBUS, syscall.SIGFPE, syscall.SIGILL, syscall.SIGXCPU,
	} {
		cmd := exec.Command(self, "supervise", "sh", "-c", fmt.Sprintf("ulimit -c 0; kill -%d $$", int(sig)))
		cmd.Dir = t.TempDir()
		out, _ := cmd.CombinedOutput()
		status := cmd.ProcessState.Sys().(syscall.WaitStatus)
		if !status.Signaled() || status.Signal() != sig || status.CoreDump() || len(out) > 0 {
			t.Errorf("%v: %v, output %q", sig, cmd.ProcessState, out)
		}
	}
}

func TestDieOfASignalThatDoesNotKill(t *testing.T) {
	if _, _, status := sh(t, "", fmt.Sprintf(`exec "$VAWS" die %d`, int(syscall.SIGWINCH))); status != 128+int(syscall.SIGWINCH) {
		t.Errorf("status %d", status)
	}
}

func TestSuperviseHandsOnWhatItReads(t *testing.T) {
	out, stderr, _ := sh(t, "", `exec env -i A=1 B= "$VAWS" supervise sh -c 'cat; echo >&2 error; /usr/bin/env | grep -v PWD'`)
	if want := "a line of input\nA=1\nB=\n"; out != want || stderr != "error\n" {
		t.Errorf("%q, want %q, stderr %q", out, want, stderr)
	}
}

func TestSuperviseFails(t *testing.T) {
	dir := files(t)
	bin := filepath.Join(dir, "bin")
	for command, want := range map[string]int{"nowhere": 127, "binary": 126, "orphan": 126, "plain": 126, "bin/folder": 126} {
		_, running, status := sh(t, dir, `exec "$VAWS" run `+command, "CHILD_TEST_PATH="+bin)
		out, stderr, got := sh(t, dir, `exec "$VAWS" supervise `+command, "CHILD_TEST_PATH="+bin)
		if got != want || status != want || stderr != running || out != "" {
			t.Errorf("%s: status %d, want %d, stderr %q, want %q", command, got, want, stderr, running)
		}
	}
	out, _, _ := sh(t, dir, `exec "$VAWS" supervise script 1`, "A=value", "CHILD_TEST_PATH="+bin)
	if want := "script " + bin + "/script 1 value\n"; out != want {
		t.Errorf("%q, want %q", out, want)
	}
}

func TestFind(t *testing.T) {
	dir := files(t)
	env := []string{"PATH=" + filepath.Join(dir, "bin")}
	for command, want := range map[string]int{"tool": 0, "script": 0, "nowhere": 127, "plain": 126, "folder": 126} {
		err := Find([]string{command}, env)
		failed := (*Error)(nil)
		if found := !errors.As(err, &failed); found != (want == 0) || !found && failed.Status != want {
			t.Errorf("%s: %v, want status %d", command, err, want)
		}
	}
	if Find(nil, nil) == nil || Find([]string{"tool", "\x00"}, env) == nil {
		t.Error("Find accepts what Run refuses")
	}
}

// The child must not be lost with vaws.
func TestSuperviseKilled(t *testing.T) {
	d := listening(t)
	d.signal(syscall.SIGKILL)
	if err := d.cmd.Process.Release(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(d.child, syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	d.expect("got user defined signal 1.")
	if err := syscall.Kill(d.child, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

func TestSuperviseAfterASignal(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM} {
		heard := make(chan os.Signal, 2)
		signals := Catch(func(sig os.Signal) { heard <- sig })
		raiseHere(t, sig)
		if got := <-heard; got != sig {
			t.Errorf("heard %v, want %v", got, sig)
		}
		marker := filepath.Join(t.TempDir(), "marker")
		err := Supervise([]string{"touch", marker}, os.Environ(), signals)
		if killed := (Killed{}); !errors.As(err, &killed) || killed.Signal != sig {
			t.Errorf("%v: %v", sig, err)
		}
		if _, err := os.Stat(marker); err == nil {
			t.Errorf("%v: the command was run", sig)
		}
		signals.Release()
	}
}

func TestSuperviseKeepsSignalsForTheChild(t *testing.T) {
	signals := Catch(nil)
	defer signals.Release()
	raiseHere(t, syscall.SIGUSR2)
	err := Supervise([]string{"sleep", "1000"}, os.Environ(), signals)
	if killed := (Killed{}); !errors.As(err, &killed) || killed.Signal != syscall.SIGUSR2 {
		t.Errorf("%v", err)
	}
}

func raiseHere(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(os.Getpid(), sig); err != nil {
		t.Fatal(err)
	}
}

// Signals at any moment of the start reach the child, or keep it from starting.
func TestSuperviseLosesNoSignal(t *testing.T) {
	for range 20 {
		signals := Catch(nil)
		sent := make(chan error)
		go func() { sent <- syscall.Kill(os.Getpid(), syscall.SIGTERM) }()
		err := Supervise([]string{"sleep", "1000"}, os.Environ(), signals)
		if killed := (Killed{}); !errors.As(err, &killed) || killed.Signal != syscall.SIGTERM {
			t.Errorf("%v", err)
		}
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
		signals.Release()
	}
}

func TestSuperviseWithSignalsOfItsOwn(t *testing.T) {
	err := Supervise([]string{"sh", "-c", "exit 5"}, os.Environ(), nil)
	if exited := Exited(0); !errors.As(err, &exited) || exited != 5 {
		t.Errorf("%v", err)
	}
	if got := (Killed{syscall.SIGTERM}).Error(); !strings.HasPrefix(got, "killed by signal 15") {
		t.Error(got)
	}
}
