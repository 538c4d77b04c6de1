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

// Spin shows on a terminal's stderr that vaws waits, and for what, until stop is
// called; elsewhere it shows nothing.
func Spin(text string) (stop func()) {
	if !term.IsTerminal(int(os.Stderr.Fd())) || os.Getenv("TERM") == "dumb" {
		return func() {}
	}
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		spin(os.Stderr, text, done)
	}()
	return sync.OnceFunc(func() {
		close(done)
		<-gone
	})
}

func spin(tty *os.File, text string, done <-chan struct{}) {
	wait := time.NewTimer(spinAfter)
	defer wait.Stop()
	for frame := 0; ; frame++ {
		select {
		case <-done:
			if frame > 0 {
				fmt.Fprint(tty, "\r\x1b[K")
			}
			return
		case <-wait.C:
			fmt.Fprintf(tty, "\r%c %s\x1b[K", `|/-\`[frame%4], text)
			wait.Reset(spinEvery)
		}
	}
}
