//go:build unix && !linux

package child

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// stopSelf stops this process and returns when it has been continued.
func stopSelf(sig syscall.Signal) {
	continued := make(chan os.Signal, 1)
	signal.Notify(continued, syscall.SIGCONT)
	defer signal.Stop(continued)
	_ = syscall.Kill(syscall.Getpid(), sig)
	select { // another thread may be the one to stop them all
	case <-continued:
	case <-time.After(time.Second): // the signal had no effect
	}
}
