package child

import (
	"os"
	"syscall"
)

// ends are Ctrl-C and, as SIGTERM, the closing of the console, logging off and
// shutting down.
var ends = []os.Signal{os.Interrupt, syscall.SIGTERM}

func catchable() []os.Signal { return ends }

// supervise is what run does on Windows. Every process of the console has its
// own Ctrl-C.
func supervise(path string, command, env []string, _ *Signals, _ []os.Signal) error {
	return run(path, command, env)
}
