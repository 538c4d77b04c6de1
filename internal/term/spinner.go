package term

import (
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

const (
	spinAfter = 300 * time.Millisecond // a shorter wait is none
	spinEvery = 100 * time.Millisecond
)

// Spinner shows on a terminal's stderr that vaws waits, and for what. A nil one does
// nothing.
type Spinner struct {
	tty  *os.File
	text string
	done chan struct{}
	gone chan struct{}
	stop sync.Once

	mu     sync.Mutex
	hidden int // how often Hide was called without its show
	drawn  bool
}

// Spin begins to wait. It returns nil where nothing is shown: stderr is no terminal,
// or one that cannot clear its line.
func Spin(text string) *Spinner {
	if !term.IsTerminal(int(os.Stderr.Fd())) || os.Getenv("TERM") == "dumb" {
		return nil
	}
	s := &Spinner{tty: os.Stderr, text: text, done: make(chan struct{}), gone: make(chan struct{})}
	go s.spin()
	return s
}

// Stop ends it and leaves no trace.
func (s *Spinner) Stop() {
	if s == nil {
		return
	}
	s.stop.Do(func() { close(s.done) })
	<-s.gone
	s.Hide()
}

// Hide clears the line for somebody else to write, until show is called.
func (s *Spinner) Hide() (show func()) {
	if s == nil {
		return func() {}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hidden++
	if s.drawn && inForeground(s.tty) {
		fmt.Fprint(s.tty, "\r\x1b[K")
	}
	s.drawn = false
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.hidden--
	}
}

func (s *Spinner) spin() {
	defer close(s.gone)
	wait := time.NewTimer(spinAfter)
	defer wait.Stop()
	for frame := 0; ; frame++ {
		select {
		case <-s.done:
			return
		case <-wait.C:
			s.draw(frame)
			wait.Reset(spinEvery)
		}
	}
}

func (s *Spinner) draw(frame int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hidden > 0 || !inForeground(s.tty) { // a job in the background leaves the line alone
		return
	}
	text := s.text
	// A line that is full goes on in the next one, which would not be cleared.
	if width, _, err := term.GetSize(int(s.tty.Fd())); err == nil && width > 0 && len(text)+3 > width {
		text = text[:max(0, width-3)]
	}
	fmt.Fprintf(s.tty, "\r%c %s\x1b[K", `|/-\`[frame%4], text)
	s.drawn = true
}
