package cli

import (
	"os"
	"os/signal"
	"sync"
	"syscall"

	"vaws/internal/child"
)

// quitQuietly lets Ctrl-\ end vaws as it ends other programs, until stop is
// called: by itself Go prints the stacks of all goroutines.
func (s *session) quitQuietly() (stop func()) {
	quits, gone := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(quits, syscall.SIGQUIT)
	go func() {
		defer close(gone)
		for range quits {
			s.hide()
			child.DieOf(syscall.SIGQUIT)
		}
	}()
	s.calm = sync.OnceFunc(func() {
		signal.Stop(quits)
		close(quits)
		<-gone
	})
	return s.calm
}
