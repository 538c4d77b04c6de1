//go:build unix

package child

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// ends ask a process to end.
var ends = []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM}

// ignored are the signals that were ignored when the process started. It is
// found out before anybody listens for them, which makes Go forget it.
var ignored = map[os.Signal]bool{
	syscall.SIGHUP: signal.Ignored(syscall.SIGHUP),
	syscall.SIGINT: signal.Ignored(syscall.SIGINT),
}

// catchable are the signals to catch from the start.
func catchable() []os.Signal {
	signals := []os.Signal{syscall.SIGPIPE, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH}
	for _, sig := range ends {
		if !ignored[sig] {
			signals = append(signals, sig)
		}
	}
	return signals
}

// process is a child that runs.
type process struct {
	pid     int
	end     error          // nil until it has ended
	control chan os.Signal // SIGTSTP and SIGCONT

	stopped    bool
	resumed    bool         // since then this process has stopped, too, and been continued
	foreground int          // the terminal's process group at that time
	size       unix.Winsize // of the terminal, when last looked at
}

// supervise starts path and stays until it is gone. early are signals that came
// before.
func supervise(path string, command, env []string, signals *Signals, early []os.Signal) error {
	changed := make(chan os.Signal, 1) // one is as good as many: look asks for all
	signal.Notify(changed, syscall.SIGCHLD)
	defer signal.Stop(changed)
	p, err := start(path, command, env)
	if err != nil {
		return err
	}
	// Not before the start, after which they would not be ignored for the child
	// if they were so far.
	signal.Notify(p.control, syscall.SIGTSTP, syscall.SIGCONT)
	defer signal.Stop(p.control)

	for _, sig := range append(early, signals.soFar()...) {
		p.pass(sig) // nobody knows whether the child was there in time
	}
	for p.look(); p.end == nil; {
		select {
		case <-changed:
			p.look()
		case sig := <-p.control:
			p.hear(sig)
		case sig := <-signals.arrived:
			p.hear(sig)
		}
	}
	return p.end
}

func start(path string, command, env []string) (*process, error) {
	for sig, is := range ignored {
		if is {
			signal.Reset(sig) // others may have listened for it
		}
	}
	p := &process{control: make(chan os.Signal, unread)}
	if tty, err := openTerminal(); err == nil {
		p.size = tty.size()
		tty.close()
	}
	// syscall's, and not os's, which would change the mode of the streams.
	attr := &syscall.ProcAttr{Env: env, Files: []uintptr{0, 1, 2}}
	err := execute(path, command, func(path string, arguments []string) (err error) {
		p.pid, err = syscall.ForkExec(path, arguments, attr)
		return err
	})
	return p, err
}

// look learns what has become of the child, until there is nothing new. It
// alone waits for it, so that as long as end is nil pid is the child and no
// other process.
func (p *process) look() {
	for p.end == nil {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(p.pid, &status, unix.WNOHANG|unix.WUNTRACED|unix.WCONTINUED, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			p.end = fmt.Errorf("waiting for the command: %w", err)
		case pid != 0:
			p.take(status)
		case p.stopped && p.resumed:
			p.restoreTerminal()
			p.proceed()
		default:
			return
		}
	}
}

// take takes note of a change. Go's own reading of a status does not fit macOS
// and FreeBSD: to it a process stopped by SIGSTOP has been continued, one that
// FreeBSD continued was killed.
func (p *process) take(status syscall.WaitStatus) {
	const stopped = 0x7f // in the low byte
	switch {
	case status == continued():
		p.stopped = false
	case status&0xff == stopped:
		p.stopped = true
		p.resumed = p.suspend(syscall.Signal(status >> 8 & 0xff))
	case status.Exited():
		p.end = Exited(status.ExitStatus())
	default:
		p.end = Killed{status.Signal()}
	}
}

// continued is the status of a continued process (WIFCONTINUED in sys/wait.h).
func continued() syscall.WaitStatus {
	switch runtime.GOOS {
	case "darwin", "ios":
		return 0x137f
	case "freebsd", "dragonfly":
		return 0x13
	default:
		return 0xffff
	}
}

// hear does what is to be done about a signal to this process.
func (p *process) hear(sig os.Signal) {
	switch sig {
	case syscall.SIGPIPE: // from this process's own writing
	case syscall.SIGCONT:
		p.resume()
	case syscall.SIGWINCH:
		if !p.resized() {
			p.pass(sig)
		}
	case syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTSTP:
		if tty, err := openTerminal(); err == nil {
			tty.close()
			return
		}
		p.pass(sig)
	default:
		p.pass(sig)
	}
}

func (p *process) pass(sig os.Signal) {
	if number, ok := sig.(syscall.Signal); ok && number != syscall.SIGPIPE {
		_ = syscall.Kill(p.pid, number) // if it has ended, or is not ours to signal: so be it
	}
}

// group is the child's process group: this process's own, unless the child is a
// shell, say, that has made itself another.
func (p *process) group() int {
	group, err := syscall.Getpgid(p.pid)
	if err != nil {
		return syscall.Getpgrp()
	}
	return group
}

// resized reports whether SIGWINCH came from a change of the terminal's size,
// and so to the child as well.
func (p *process) resized() bool {
	tty, err := openTerminal()
	if err != nil {
		return false
	}
	defer tty.close()
	before := p.size
	p.size = tty.size()
	return p.size != before && p.group() == syscall.Getpgrp()
}

// suspend stops this process because sig has stopped the child, and reports
// whether it has been continued since. It is not stopped along with the child,
// which may have things to do before it stops, such as putting the terminal in
// order, or not stop at all.
func (p *process) suspend(sig syscall.Signal) (resumed bool) {
	tty, err := openTerminal()
	if err != nil {
		return false // no terminal, no shell that waits for this
	}
	defer tty.close()
	p.foreground = tty.foreground()
	wantsTerminal := sig == syscall.SIGTTIN || sig == syscall.SIGTTOU
	switch {
	case wantsTerminal && p.foreground == syscall.Getpgrp():
		tty.give(p.group())
		p.proceed()
	case wantsTerminal:
		stopSelf(sig) // never caught
		return true
	case hasShell():
		// Not SIGTSTP, which Go does not give up again once it was caught.
		stopSelf(syscall.SIGSTOP)
		return true
	case sig == syscall.SIGTSTP:
		p.proceed() // nobody else would, and on its own it would not have stopped
	}
	return false
}

// hasShell reports whether there may be a shell to continue this process: its
// parent, if that belongs to the same session.
func hasShell() bool {
	parents, err := unix.Getsid(unix.Getppid())
	own, ownErr := unix.Getsid(0)
	return err == nil && ownErr == nil && parents == own
}

// resume continues a child that stopped while this process did not. Where no shell looks
// on it is told in any case: its stop may not have been reported yet.
func (p *process) resume() {
	p.look()
	if p.end == nil && (p.stopped || !watched()) {
		p.proceed()
	}
}

// watched reports whether a shell waits for this process to stop along with its child.
func watched() bool {
	tty, err := openTerminal()
	if err != nil {
		return false
	}
	tty.close()
	return hasShell()
}

// restoreTerminal gives the terminal to those who had it when the child
// stopped, which may need it to go on. From the background, it is not ours to
// give.
func (p *process) restoreTerminal() {
	tty, err := openTerminal()
	if err != nil {
		return
	}
	defer tty.close()
	if own := syscall.Getpgrp(); tty.foreground() == own && p.foreground > 0 && p.foreground != own {
		tty.give(p.foreground)
	}
}

// proceed continues the child. If it has a process group of its own, the shell
// that continued this process's group has not reached it.
func (p *process) proceed() {
	p.stopped = false
	whom := p.pid
	if group := p.group(); group != syscall.Getpgrp() {
		whom = -group
	}
	_ = syscall.Kill(whom, syscall.SIGCONT)
}
