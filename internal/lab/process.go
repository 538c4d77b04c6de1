package lab

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// process is a child that does not outlive this process: its standard input is
// a pipe that closes, and on Linux the kernel kills it as well.
type process struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	log   *logBuffer

	done chan struct{}
	err  error // of Wait, once done is closed
}

// stopPatience is how long a process may take to end by itself.
const stopPatience = 5 * time.Second

// startProcess starts cmd, whose Stdin must be unset; its standard error is kept
// for error messages and, if that is set already, copied there.
func startProcess(cmd *exec.Cmd) (*process, error) {
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, stdin: stdin, log: &logBuffer{}, done: make(chan struct{})}
	if cmd.Stderr == nil {
		cmd.Stderr = p.log
	} else {
		cmd.Stderr = io.MultiWriter(cmd.Stderr, p.log)
	}
	dieWithParent(cmd)
	if err := onSpawner(cmd.Start); err != nil {
		return nil, err
	}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// Start starts cmd, whose Stdin must be unset, as a process that does not outlive this
// one. end asks it to terminate, and returns when it is gone.
func Start(cmd *exec.Cmd) (end func(), err error) {
	p, err := startProcess(cmd)
	if err != nil {
		return nil, err
	}
	return p.end, nil
}

// startTalking starts cmd like startProcess, and decodes into line the JSON that
// it prints when it is ready.
func startTalking(cmd *exec.Cmd, line any) (*process, error) {
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p, err := startProcess(cmd)
	if err != nil {
		return nil, err
	}
	text, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		<-p.done
		return nil, p.failure()
	}
	if err := json.Unmarshal(text, line); err != nil {
		p.end()
		return nil, fmt.Errorf("reading the answer %q of %s: %w", text, cmd.Path, err)
	}
	return p, nil
}

// runs reports whether the process has not ended.
func (p *process) runs() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// end closes standard input and asks the process to terminate, kills it if it
// does not, and returns when it is gone.
func (p *process) end() {
	_ = p.stdin.Close()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(stopPatience):
		p.kill()
	}
}

// kill ends the process without a chance to clean up.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
	_ = p.stdin.Close()
}

// failure describes a process that ended when it should not have.
func (p *process) failure() error {
	return fmt.Errorf("%s ended: %w\n%s", p.cmd.Path, errors.Join(p.err, errEnded), p.log)
}

var errEnded = errors.New("unexpected end")

// waitUntil calls ready until it is true, the process ends, or ctx does.
func (p *process) waitUntil(ctx context.Context, ready func() bool) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ready() {
		select {
		case <-p.done:
			return p.failure()
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w\n%s", p.cmd.Path, ctx.Err(), p.log)
		case <-tick.C:
		}
	}
	return nil
}

// spawner is a goroutine with an OS thread of its own that never ends: the
// kernel's parent-death signal is sent when the thread that started the child
// ends, not the process.
var spawner = sync.OnceValue(func() chan<- func() {
	calls := make(chan func())
	go func() {
		runtime.LockOSThread()
		for call := range calls {
			call()
		}
	}()
	return calls
})

func onSpawner(f func() error) error {
	result := make(chan error, 1)
	spawner() <- func() { result <- f() }
	return <-result
}

// logBuffer keeps the last output of a process.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const logLimit = 64 << 10

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.buf.Len() > logLimit {
		b.buf.Next(b.buf.Len() / 2)
	}
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// plainEnvironment is what lab programs get: nothing of the user's Vault, AWS or
// desktop.
func plainEnvironment(extra ...string) []string {
	return append([]string{"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8"}, extra...)
}
