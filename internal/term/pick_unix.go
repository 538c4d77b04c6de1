//go:build unix

package term

import (
	"os"
	"os/signal"
	"syscall"
)

// isDumb reports whether a terminal of this type can only print lines.
func isDumb(kind string) bool { return kind == "" || kind == "dumb" }

// resized tells when the terminal has another size, until stop is called.
func resized() (resizes <-chan os.Signal, stop func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGWINCH)
	return c, func() { signal.Stop(c) }
}

// understand has nothing to do: terminals know escape sequences.
func understand(*os.File) (stop func()) { return func() {} }
