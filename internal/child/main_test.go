package child

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"vaws/internal/hint"
)

// TestMain makes this binary stand in for vaws: after "run" it runs its other
// arguments as vaws exec does, in the PATH that CHILD_TEST_PATH gives, and
// prints the error and its hints.
func TestMain(m *testing.M) {
	if len(os.Args) < 2 || os.Args[1] != "run" {
		os.Exit(m.Run())
	}
	beBusy()
	var set []variable
	if path, ok := os.LookupEnv("CHILD_TEST_PATH"); ok {
		set = []variable{{"PATH", path}}
	}
	status := 125
	err := Run(os.Args[2:], Environ(os.Environ(), set, []string{"CHILD_TEST_PATH"}, nil))
	if failed := (*Error)(nil); errors.As(err, &failed) {
		status = failed.Status
	}
	fmt.Fprintln(os.Stderr, strings.Join(append([]string{err.Error()}, hint.Of(err)...), "\n"))
	os.Exit(status)
}

// beBusy does what vaws may have done by the time that it runs a command:
// listened for signals, opened files and connections, started goroutines.
func beBusy() {
	signal.Notify(make(chan os.Signal, 1), os.Interrupt, syscall.SIGHUP, syscall.SIGTERM)
	if _, err := os.Open(os.DevNull); err != nil {
		panic(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	for range 8 {
		go listener.Accept()
	}
	if _, err := net.Dial("tcp", listener.Addr().String()); err != nil {
		panic(err)
	}
}
