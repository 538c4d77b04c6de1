//go:build unix

package child

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vaws/internal/hint"
)

// sh runs a script in which "$VAWS" run runs its arguments through Run.
func sh(t *testing.T, dir, script string, env ...string) (stdout, stderr string, status int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", script)
	cmd.Dir = dir
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "VAWS=" + self,
		"GORACE=atexit_sleep_ms=0", "GOCOVERDIR=" + t.TempDir(), // go test -race -cover
	}, env...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader("a line of input\n"), &out, &errs
	err = cmd.Run()
	if exited := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exited) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func TestRunIsTheSameProcess(t *testing.T) {
	out, stderr, _ := sh(t, "", `echo $$; exec "$VAWS" run sh -c 'echo $$; cat'`)
	lines := strings.Split(out, "\n")
	if len(lines) != 4 || lines[0] != lines[1] || lines[2] != "a line of input" {
		t.Errorf("stdout %q, stderr %q", out, stderr)
	}
}

func TestRunGivesTheExitStatus(t *testing.T) {
	for script, want := range map[string]int{
		`exec "$VAWS" run true`:                 0,
		`exec "$VAWS" run sh -c 'exit 42'`:      42,
		`"$VAWS" run sh -c 'kill -TERM $$'`:     128 + 15,
		`"$VAWS" run sh -c 'exit 255'; exit $?`: 255,
	} {
		if _, stderr, got := sh(t, "", script); got != want || stderr != "" && got < 128 {
			t.Errorf("%s: status %d, want %d; stderr %q", script, got, want, stderr)
		}
	}
}

func TestRunPassesArgumentsAndEnvironment(t *testing.T) {
	out, _, _ := sh(t, "", `exec "$VAWS" run env printf '[%s]' -- '' "a b" '*' "it's" "$(printf '\377')"`)
	if want := "[--][][a b][*][it's][\xff]"; out != want {
		t.Errorf("arguments %q, want %q", out, want)
	}
	out, _, _ = sh(t, "", `exec env -i A=1 B= "$VAWS" run /usr/bin/env`)
	if want := "A=1\nB=\n"; out != want {
		t.Errorf("environment %q, want %q", out, want)
	}
}

// What a process hands on to the program that replaces it must be what it was
// given itself, and so for a child. The right-hand side of each is the same without vaws.
func TestRunHandsOnWhatItWasGiven(t *testing.T) {
	for name, c := range map[string]struct{ before, command string }{
		"limits":                    {``, `sh -c 'ulimit -Sa; ulimit -Ha'`},
		"limit of open files":       {`ulimit -Sn 77`, `sh -c 'ulimit -Sn; ulimit -Hn'`},
		"umask":                     {`umask 027`, `sh -c umask`},
		"signals":                   {``, status},
		"ignored hangup":            {`trap '' HUP`, status},
		"ignored interrupt":         {`trap '' INT`, status},
		"ignored stop signals":      {`trap '' TSTP TTIN TTOU`, status},
		"file descriptors":          {``, `ls /proc/self/fd`},
		"inherited file descriptor": {`exec 7</dev/null`, `ls /proc/self/fd`},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := os.Stat("/proc/self/fd"); err != nil && strings.Contains(c.command, "/proc/") {
				t.Skip("there is no /proc here")
			}
			want, _, _ := sh(t, "", c.before+"\nexec env "+c.command)
			for _, how := range []string{"run", "supervise"} {
				got, stderr, _ := sh(t, "", c.before+"\nexec \"$VAWS\" "+how+" env "+c.command)
				if got != want || got == "" {
					t.Errorf("%s: %q\nwant %q\nstderr %q", how, got, want, stderr)
				}
			}
		})
	}
}

// status is the signals that are pending, blocked, ignored and caught, and what
// else the kernel says of a process's rights.
const status = `grep -E '^(Sig[PBIC]|Cap|NoNewPrivs|Seccomp|THP_enabled|Umask)' /proc/self/status`

// SIGPIPE, which the Go runtime handles, must end the command as it ends any.
func TestRunLeavesSIGPIPEToTheCommand(t *testing.T) {
	out, _, _ := sh(t, "", `exec 3>&1; { "$VAWS" run yes; echo $? >&3; } | head -n 1 >/dev/null`)
	if want := fmt.Sprintln(128 + 13); out != want {
		t.Errorf("status %q, want %q", out, want)
	}
}

func TestRunRefuses(t *testing.T) {
	for _, c := range []struct{ command, env []string }{
		{nil, nil},
		{[]string{"true", "a\x00b"}, nil},
		{[]string{"true"}, []string{"A=secret\x00"}},
	} {
		err := Run(c.command, c.env)
		if failed := (*Error)(nil); err == nil || errors.As(err, &failed) || strings.Contains(err.Error(), "secret") {
			t.Errorf("Run(%q, %q): %v", c.command, c.env, err)
		}
	}
}

// files makes a directory of everything that one may find in a PATH.
func files(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"bin/plain": "", "bin/tool": "#!/bin/sh\necho bin/tool \"$0\" \"$@\"\n",
		"sbin/tool": "#!/bin/sh\necho sbin/tool\n", "sbin/plain": "#!/bin/sh\necho sbin/plain\n",
		"bin/script": "echo \"script $0 $1 $A\"\n", "bin/empty": "",
		"bin/binary": "\x7fELF\x02\x01\x01\x00garbage\n", "bin/orphan": "#!/no/such/interpreter\n",
		"bin/folder/x": "", "here": "#!/bin/sh\necho here\n",
	} {
		file := filepath.Join(dir, name)
		mode := os.FileMode(0o755)
		if name == "bin/plain" {
			mode = 0o644
		}
		err := os.MkdirAll(filepath.Dir(file), 0o755)
		if err = errors.Join(err, os.WriteFile(file, []byte(text), mode)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("loop", filepath.Join(dir, "bin/loop")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestRunFindsTheCommand(t *testing.T) {
	dir := files(t)
	bin, sbin := filepath.Join(dir, "bin"), filepath.Join(dir, "sbin")
	for _, c := range []struct{ path, command, want string }{
		{bin + ":" + sbin, "tool 1", "bin/tool " + bin + "/tool 1\n"},
		{sbin + ":" + bin, "tool", "sbin/tool\n"},
		{"/no/such:" + bin + "/plain:" + sbin, "tool", "sbin/tool\n"},
		{bin + ":" + sbin, "plain", "sbin/plain\n"}, // the first cannot be executed
		{bin, "sbin/tool", "sbin/tool\n"},
		{"", "./here", "here\n"},
		{bin + ":.", "tool", "bin/tool " + bin + "/tool\n"},
		{bin, "script 1", "script " + bin + "/script 1 value\n"},
		{"", "bin/script 1", "script bin/script 1 value\n"},
		{bin, "empty", ""},
	} {
		out, stderr, status := sh(t, dir, `exec "$VAWS" run `+c.command, "A=value", "CHILD_TEST_PATH="+c.path)
		if out != c.want || status != 0 || stderr != "" {
			t.Errorf("%q in %q: %q, status %d, stderr %q, want %q", c.command, c.path, out, status, stderr, c.want)
		}
	}
}

func TestRunWithoutPATH(t *testing.T) {
	out, stderr, status := sh(t, "/", `exec env -i "$VAWS" run echo found`)
	if out != "found\n" || status != 0 {
		t.Errorf("%q, status %d, stderr %q", out, status, stderr)
	}
}

func TestRunFails(t *testing.T) {
	dir := files(t)
	bin := filepath.Join(dir, "bin")
	for _, c := range []struct {
		path, command string
		status        int
		stderr        string
	}{
		{bin, "nowhere", 127, `running "nowhere": not found in PATH`},
		{bin, `""`, 127, `running "": not found in PATH`},
		{"", "true", 127, `running "true": not found in PATH`},
		{bin, "'tool 1'", 127, "running \"tool 1\": not found in PATH\n" +
			`give the command and its arguments as separate words, or run it with "sh -c"`},
		{bin, "./nowhere", 127, `running "./nowhere": no such file or directory`},
		{bin, "here/nowhere", 127, `running "here/nowhere": not a directory`},
		{bin, "plain", 126, `running "plain": "` + bin + `/plain": permission denied`},
		{bin, "bin/plain", 126, `running "bin/plain": permission denied`},
		{bin, "folder", 126, `running "folder": "` + bin + `/folder": is a directory`},
		{bin, "bin/folder", 126, `running "bin/folder": is a directory`},
		{bin, "binary", 126, `running "binary": exec format error`},
		{bin, "orphan", 126, `running "orphan": its interpreter is missing: no such file or directory`},
		{bin, "loop", 127, `running "loop": not found in PATH`},
		{bin, "bin/loop", 126, `running "bin/loop": too many levels of symbolic links`},
		{":" + bin, "here", 126, relativeError("here", "./here")},
		{".:" + bin, "here", 126, relativeError("here", "./here")},
		{bin + ":", "here", 126, relativeError("here", "./here")},
		{"bin:" + bin, "tool", 126, relativeError("tool", "./bin/tool")},
		{":" + bin, "nowhere", 127, `running "nowhere": not found in PATH`},
	} {
		out, stderr, status := sh(t, dir, `exec "$VAWS" run `+c.command, "CHILD_TEST_PATH="+c.path)
		if status != c.status || stderr != c.stderr+"\n" || out != "" {
			t.Errorf("%s in %q: status %d, stderr %q, want %d, %q", c.command, c.path, status, stderr, c.status, c.stderr)
		}
	}
}

func relativeError(name, path string) string {
	return fmt.Sprintf("running %q: PATH finds it only relative to the current directory\n"+
		"if it is the one that you mean, run %q", name, path)
}

func TestRunTooLongACommandLine(t *testing.T) {
	defer prepare() // Run undoes it
	err := Run([]string{"true", strings.Repeat("x", 8<<20)}, os.Environ())
	if failed := (*Error)(nil); !errors.As(err, &failed) || failed.Status != NotExecutable || len(hint.Of(err)) != 1 {
		t.Errorf("error %v, want an *Error, hints %q", err, hint.Of(err))
	}
}

func TestErrorCarriesCauseAndHint(t *testing.T) {
	err := Run([]string{"a b"}, []string{"PATH=/bin"})
	failed := (*Error)(nil)
	if !errors.As(err, &failed) || failed.Status != NotFound || failed.Command != "a b" || len(hint.Of(err)) != 1 {
		t.Errorf("error %#v, hints %q", err, hint.Of(err))
	}
	err = Run([]string{"/no/such"}, nil)
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the cause of %v is lost", err)
	}
	if got := hint.Of(err); !slices.Equal(got, nil) {
		t.Errorf("hints %q", got)
	}
}
