package child

import (
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

// Killed is the end of a command that died of a signal. On Windows there is no
// such end.
type Killed struct{ Signal syscall.Signal }

func (k Killed) Error() string {
	return fmt.Sprintf("killed by signal %d (%v)", int(k.Signal), k.Signal)
}

// DieOf ends this process by the signal, so that those who wait for it see what
// they would see without it: a shell, for instance, goes on with its script
// after a program that handled Ctrl-C, and stops after one that died of it. No
// core is dumped. Where the signal does not end the process (the first one of
// a container), it exits with 128 and the signal's number.
func DieOf(sig syscall.Signal) {
	raise(sig)
	os.Exit(128 + int(sig))
}

// Signals keeps signals from ending this process, and keeps them for the
// command that Supervise is going to run.
type Signals struct {
	caught  chan os.Signal // from the Go runtime
	arrived chan os.Signal // the same, in order, for Supervise
	heard   func(os.Signal)
}

// unread is how many signals may wait for the command. The kernel itself keeps
// one of each.
const unread = 64

// Catch makes sure that until Release none of SIGHUP, SIGINT, SIGQUIT, SIGTERM,
// SIGUSR1, SIGUSR2 and SIGPIPE ends this process; on Windows, not Ctrl-C nor
// the console's end. SIGHUP and SIGINT stay ignored where they were when the
// process started.
//
// For each SIGHUP, SIGINT, SIGQUIT and SIGTERM, before, while and after the
// command runs, heard is called with it, one call at a time. What it may mean
// depends: before the command has started, Supervise will not start it; later
// on the command has it, too, and may well handle it and go on. heard may be
// nil.
func Catch(heard func(os.Signal)) *Signals {
	if heard == nil {
		heard = func(os.Signal) {}
	}
	s := &Signals{caught: make(chan os.Signal, unread), arrived: make(chan os.Signal, unread), heard: heard}
	signal.Notify(s.caught, catchable()...)
	go s.sort()
	return s
}

// Release lets the signals have their usual effect again.
func (s *Signals) Release() {
	signal.Stop(s.caught)
	close(s.caught)
}

// mark stands in the stream of signals for a moment.
type mark struct{}

func (mark) Signal()        {}
func (mark) String() string { return "mark" }

// sort hands on what was caught.
func (s *Signals) sort() {
	for sig := range s.caught {
		if sig == (mark{}) {
			s.arrived <- sig // Supervise is reading
			continue
		}
		if isEnd(sig) {
			s.heard(sig)
		}
		select {
		case s.arrived <- sig:
		default: // the command has more to read than the kernel would keep for it
		}
	}
}

// soFar takes all signals that this process had received when it was called,
// and none that it received after it returned.
func (s *Signals) soFar() []os.Signal {
	// Stop returns when the runtime has delivered what it had.
	idle := make(chan os.Signal, 1)
	signal.Notify(idle, catchable()[0])
	signal.Stop(idle)
	s.caught <- mark{}
	var signals []os.Signal
	for sig := range s.arrived {
		if sig == (mark{}) {
			break
		}
		signals = append(signals, sig)
	}
	return signals
}

// isEnd reports whether sig asks a process to end.
func isEnd(sig os.Signal) bool { return slices.Contains(ends, sig) }
