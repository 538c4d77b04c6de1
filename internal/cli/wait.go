package cli

import (
	"os"
	"os/signal"
	"slices"
	"sync/atomic"
	"syscall"

	"vaws/internal/child"
	"vaws/internal/term"
)

const (
	forVault = "waiting for Vault"
	forAWS   = "waiting for AWS"
)

// waiting is what the person at the terminal is told to be waited for.
type waiting struct {
	spinner   atomic.Pointer[term.Spinner]
	prompting atomic.Bool // a question is on the screen, and Ctrl-C its business
}

// hide clears the terminal's line for a message, until show is called.
func (w *waiting) hide() (show func()) { return w.spinner.Load().Hide() }

// ask clears the terminal's line for a question, until answered is called.
func (w *waiting) ask() (answered func()) {
	show := w.hide()
	w.prompting.Store(true)
	return func() {
		w.prompting.Store(false)
		show()
	}
}

// wait tells a person at the terminal what is waited for, if it takes long, until
// done is called.
func (s *session) wait(what string) (done func()) {
	spinner := term.Spin(what)
	if spinner == nil {
		return func() {}
	}
	before := s.spinner.Swap(spinner)
	show := before.Hide()
	release := s.clearOnSignals()
	return func() {
		release()
		spinner.Stop()
		s.spinner.Store(before)
		show()
	}
}

// endings are the signals that end vaws: not those that nohup, or a script for what it
// runs in the background, has had ignored. SIGTERM is always among them, since Go does not
// heed its being ignored; Notify would take an empty list for all signals.
func endings() []os.Signal {
	all := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}
	return slices.DeleteFunc(all, signal.Ignored)
}

// clearOnSignals clears the line before a signal ends vaws, unless a question or a
// command that catches signals sees to that, until release is called.
func (s *session) clearOnSignals() (release func()) {
	signals, gone := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, endings()...)
	go func() {
		defer close(gone)
		for sig := range signals {
			if s.prompting.Load() || s.catches {
				continue
			}
			s.hide()
			child.DieOf(sig.(syscall.Signal))
		}
	}()
	return func() {
		signal.Stop(signals)
		close(signals)
		<-gone // what came before is not forgotten: a command might be run next
	}
}
