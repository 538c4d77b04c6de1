//go:build unix

package child

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// patience is how long a test waits for what has to come, on however slow a
// machine.
const patience = 60 * time.Second

// console is a pseudo-terminal and the interactive shell that runs on it.
type console struct {
	t     *testing.T
	file  *os.File
	shell *exec.Cmd

	mu     sync.Mutex
	shown  string // all of it
	seen   int    // how much of it expect has gone past
	change chan struct{}
	end    chan struct{} // closed when the terminal has hung up
}

// startConsole starts a shell, bash unless another is given, on a terminal of
// its own. Its prompt is "ok> " if it heeds PS1.
func startConsole(t *testing.T, command ...string) *console {
	t.Helper()
	isBash := len(command) == 0
	if isBash {
		command = []string{"bash", "--norc", "--noprofile", "-i"}
	}
	if _, err := exec.LookPath(command[0]); err != nil {
		t.Skip(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &console{t: t, shell: exec.Command(command[0], command[1:]...), change: make(chan struct{}, 1), end: make(chan struct{})}
	c.shell.Dir = t.TempDir()
	c.shell.Env = append(os.Environ(), "TERM=xterm", "PS1=ok> ", "VAWS="+self, "V="+self+" supervise", "L="+self+" listen",
		"HOME="+c.shell.Dir, "GORACE=atexit_sleep_ms=0", "GOCOVERDIR="+c.shell.Dir, "CHILD_TEST_HEARD=1", "LC_ALL=C")
	c.file, err = pty.StartWithSize(c.shell, &pty.Winsize{Rows: 24, Cols: 200})
	if err != nil {
		t.Fatal(err)
	}
	go c.read()
	t.Cleanup(c.close)
	if isBash {
		c.prompt()
	}
	return c
}

func (c *console) read() {
	defer close(c.end)
	buffer := make([]byte, 4096)
	for {
		n, err := c.file.Read(buffer)
		c.mu.Lock()
		c.shown += string(buffer[:n])
		c.mu.Unlock()
		select {
		case c.change <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// close hangs up and leaves no process of the session behind.
func (c *console) close() {
	for _, pid := range session(c.shell.Process.Pid) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	_ = c.shell.Process.Kill()
	_ = c.file.Close()
	_ = c.shell.Wait()
	<-c.end
	if c.t.Failed() {
		c.t.Logf("the terminal showed:\n%q", c.shown)
	}
}

// session lists the processes of a session, by ps(1).
func session(id int) []int {
	out, _ := exec.Command("ps", "-A", "-o", "pid=,sess=").Output()
	var pids []int
	for line := range strings.Lines(string(out)) {
		var pid, session int
		if n, _ := fmt.Sscan(line, &pid, &session); n == 2 && session == id {
			pids = append(pids, pid)
		}
	}
	return pids
}

func (c *console) typed(text string) {
	c.t.Helper()
	if _, err := c.file.WriteString(text); err != nil {
		c.t.Fatal(err)
	}
}

func (c *console) enter(line string) { c.t.Helper(); c.typed(line + "\r") }

// expect waits for what matches the pattern in what was shown since the last
// match, and returns its groups.
func (c *console) expect(pattern string) []string {
	c.t.Helper()
	wanted := regexp.MustCompile(pattern)
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		c.mu.Lock()
		rest := c.shown[c.seen:]
		if at := wanted.FindStringSubmatchIndex(rest); at != nil {
			c.seen += at[1]
			c.mu.Unlock()
			return wanted.FindStringSubmatch(rest)
		}
		c.mu.Unlock()
		select {
		case <-c.change:
		case <-deadline.C:
			c.t.Fatalf("%q did not come", pattern)
		}
	}
}

// count says how often text was shown so far.
func (c *console) count(text string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Count(c.shown, text)
}

// ready waits for a listening child and returns its PID and that of vaws.
func (c *console) ready() (child, vaws int) {
	c.t.Helper()
	pids := c.expect(`ready (\d+) (\d+)\.`)
	child, _ = strconv.Atoi(pids[1])
	vaws, _ = strconv.Atoi(pids[2])
	return child, vaws
}

func (c *console) signal(pid int, sig syscall.Signal) {
	c.t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		c.t.Fatal(err)
	}
}

// prompt waits for the shell to be ready. What is typed before, another program
// may read.
func (c *console) prompt() { c.t.Helper(); c.expect(`ok> `) }

// status compares the last command's.
func (c *console) status(want string) {
	c.t.Helper()
	c.prompt()
	c.enter(`echo "st""atus=$?"`)
	if got := c.expect(`status=(\d+)`)[1]; got != want {
		c.t.Errorf("status %s, want %s", got, want)
	}
}

func TestSuperviseCtrlCReachesTheChildOnce(t *testing.T) {
	c := startConsole(t)
	c.enter("$V $L")
	_, vaws := c.ready()
	for range 3 {
		c.typed("\x03")
		c.expect(`got interrupt`)
		// vaws passes signals on in their order, so that nothing comes after this.
		c.signal(vaws, syscall.SIGUSR1)
		c.expect(`got user defined signal 1`)
	}
	c.typed("\x1c")
	c.expect(`got quit`)
	c.signal(vaws, syscall.SIGUSR2)
	c.expect(`got user defined signal 2`)
	if interrupts, quits := c.count("got interrupt"), c.count("got quit"); interrupts != 3 || quits != 1 {
		t.Errorf("%d interrupts, want 3; %d quits, want 1", interrupts, quits)
	}
	if heard := c.count("vaws heard interrupt"); heard != 3 {
		t.Errorf("vaws heard %d interrupts, want 3", heard)
	}
	c.enter("quit")
	c.expect(`bye`)
	c.status("3")
}

func TestSuperviseCtrlCEndsTheChildAndTheScript(t *testing.T) {
	c := startConsole(t)
	c.enter(`bash -c '$V sh -c "echo st\"\"arted; exec sleep 1000"; echo "we""nt on"'`)
	c.expect(`started`)
	c.typed("\x03")
	c.status("130")
	if c.count("went on") != 0 {
		t.Error("bash does not know that the command was killed")
	}
}

func TestSupervisePassesSignalsOn(t *testing.T) {
	c := startConsole(t)
	c.enter("$V $L")
	_, vaws := c.ready()
	for sig, name := range map[syscall.Signal]string{
		syscall.SIGTERM: "terminated", syscall.SIGHUP: "hangup", syscall.SIGWINCH: "window changed",
		syscall.SIGUSR1: "user defined signal 1", syscall.SIGUSR2: "user defined signal 2",
	} {
		c.signal(vaws, sig)
		c.expect("got " + name)
	}
	c.signal(vaws, syscall.SIGPIPE)
	c.enter("quit")
	c.expect(`bye`)
	c.status("3")
}

func TestSuperviseWindowSize(t *testing.T) {
	c := startConsole(t)
	c.enter("$V $L")
	_, vaws := c.ready()
	for i := range 3 {
		if err := pty.Setsize(c.file, &pty.Winsize{Rows: 30, Cols: uint16(201 + i)}); err != nil {
			t.Fatal(err)
		}
		c.expect(`got window changed`)
		c.signal(vaws, syscall.SIGUSR1)
		c.expect(`got user defined signal 1`)
	}
	// Where vaws hears of a change only after the next one, the latter is passed on
	// as well; not each of them.
	if got := c.count("got window changed"); got < 3 || got > 5 {
		t.Errorf("%d times, want 3", got)
	}
}

func TestSuperviseStopAndContinue(t *testing.T) {
	for name, stop := range map[string]func(c *console, child, vaws int){
		"Ctrl-Z":          func(c *console, child, vaws int) { c.typed("\x1a") },
		"child":           func(c *console, child, vaws int) { c.enter("stop") },
		"group":           func(c *console, child, vaws int) { c.signal(-vaws, syscall.SIGTSTP) },
		"child from away": func(c *console, child, vaws int) { c.signal(child, syscall.SIGTSTP) },
		"group by force": func(c *console, child, vaws int) {
			c.signal(-vaws, syscall.SIGSTOP)
			for state(c.t, child) != "T" { // bash sees only vaws
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := startConsole(t)
			c.enter("$V $L")
			child, vaws := c.ready()
			for range 2 {
				stop(c, child, vaws)
				c.expect(`Stopped`)
				c.prompt()
				c.enter(`echo "st""ates" $(ps -o stat= -p ` + fmt.Sprintf("%d,%d)", child, vaws))
				if states := c.expect(`states (\S+) (\S+)`); states[1][0] != 'T' || states[2][0] != 'T' {
					t.Errorf("states %q, want T", states[1:])
				}
				c.prompt()
				c.enter("fg")
				c.expect(`got continued`)
			}
			c.signal(vaws, syscall.SIGUSR1)
			c.expect(`got user defined signal 1`)
			if got := c.count("got continued"); got != 2 {
				t.Errorf("continued %d times, want 2", got)
			}
			c.typed("\x03")
			c.expect(`got interrupt`)
			c.enter("quit")
			c.expect(`bye`)
			c.status("3")
		})
	}
}

func TestSuperviseContinuedByItsPIDAlone(t *testing.T) {
	c := startConsole(t)
	c.enter("$V $L on </dev/null") // in the background it could not read
	_, vaws := c.ready()
	c.typed("\x1a")
	c.expect(`Stopped`)
	c.signal(vaws, syscall.SIGCONT)
	c.expect(`got continued`)
}

func TestSuperviseInTheBackground(t *testing.T) {
	c := startConsole(t)
	c.enter("$V $L &")
	c.ready()
	c.enter("wait; echo wai\"\"ted")
	c.expect(`waited`) // it wants to read
	c.prompt()
	c.enter("jobs")
	c.expect(`Stopped`)
	c.prompt()
	c.enter("fg")
	c.expect(`got continued`)
	c.enter("quit")
	c.expect(`bye`)
	c.status("3")
}

// A shell makes a process group of its own, and the terminal that group's.
func TestSuperviseAShell(t *testing.T) {
	for shell, prompt := range map[string]string{
		"bash --norc --noprofile -i": `ok> `, "zsh -f -i": `ok> `, "fish --no-config -i": `# |> `,
	} {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(strings.Fields(shell)[0]); err != nil {
				t.Skip(err)
			}
			c := startConsole(t)
			c.enter("$V " + shell)
			for range 2 {
				c.expect(prompt)
				c.enter(`echo in""side`)
				c.expect(`inside`)
				c.expect(prompt)
				c.enter("suspend")
				c.expect(`Stopped`)
				c.prompt()
				c.enter(`echo out""side`)
				c.expect(`outside`)
				c.prompt()
				c.enter("fg")
			}
			c.enter(`echo ag""ain`)
			c.expect(`again`)
			c.expect(prompt)
			c.enter("$VAWS listen")
			c.ready()
			c.typed("\x03")
			c.expect(`got interrupt`)
			c.typed("\x1a")
			c.expect(`(?i)stopped|suspended`)
			c.expect(prompt)
			c.enter("fg")
			c.expect(`got continued`)
			c.enter("quit")
			c.expect(`bye`)
			c.expect(prompt)
			c.enter("exit 7")
			c.status("7")
			if heard := c.count("vaws heard"); heard != 0 {
				t.Errorf("vaws heard what was for the shell's job: %d signals", heard)
			}
		})
	}
}

func TestSuperviseUnderOtherShells(t *testing.T) {
	for shell, prompt := range map[string]string{
		"zsh -f -i": `ok> `, "fish --no-config -i": `# |> `, "dash -i": `ok> `,
	} {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			c := startConsole(t, strings.Fields(shell)...)
			c.expect(prompt)
			c.enter("$VAWS supervise $VAWS listen")
			c.ready()
			for range 2 {
				c.typed("\x1a")
				c.expect(`(?i)stopped|suspended`)
				c.expect(prompt)
				c.enter(`echo en""d`)
				c.expect(`end`)
				c.expect(prompt)
				c.enter("fg")
				c.expect(`got continued`)
			}
			c.typed("\x03")
			c.expect(`got interrupt`)
			c.enter("quit")
			c.expect(`bye`)
		})
	}
}

// Programs that want the terminal in raw mode, and put it in order before they
// stop.
func TestSuperviseRawMode(t *testing.T) {
	c := startConsole(t)
	c.enter(`$V sh -c 'stty raw -echo; echo raw"mo"de; head -c 3 | od -An -tx1; stty sane'`)
	c.expect(`rawmode`)
	c.typed("\x03\x1a\x1c")
	c.expect(`03 1a 1c`)
	c.status("0")
	if heard := c.count("vaws heard"); heard != 0 {
		t.Errorf("vaws heard %d signals", heard)
	}
}

func TestSuperviseProgramsThatCareForTheTerminal(t *testing.T) {
	for _, c := range []struct{ command, ready, resumed, say, answer, quit string }{
		{`vim -u NONE -i NONE -c 'echo "re"."ady"'`, `ready`, `\x1b\[\?1049h`, ":echo 'al'.'ive'\r", `alive`, ":q!\r"},
		{`/usr/bin/python3 -i -c 'print("re" "ady")'`, `ready\r\n>>> `, `\$V \S+python3`, "'al' 'ive'\r", `alive'\r\n>>> `, "exit()\r"},
	} {
		name := strings.Fields(c.command)[0]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(name); err != nil {
				t.Skip(err)
			}
			console := startConsole(t)
			console.enter("$V " + c.command)
			console.expect(c.ready)
			for range 2 {
				console.typed("\x1a")
				console.expect(`Stopped`)
				console.prompt()
				console.enter(`stty -a; echo en""d`)
				if mode := console.expect(`(?s)(.*)end`)[1]; strings.Contains(mode, "-icanon") {
					t.Errorf("the terminal is not in order: %q", mode)
				}
				console.prompt()
				console.enter("fg")
				console.expect(c.resumed)
				console.typed(c.say)
				console.expect(c.answer)
			}
			console.typed(c.quit)
			console.status("0")
		})
	}
}
