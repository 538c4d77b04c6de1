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

// TestMain makes this binary other programs by its first argument, which no
// test runner gives. None of them runs this binary unless told so by the rest
// of its arguments.
func TestMain(m *testing.M) {
	if len(os.Args) >= 2 {
		if program, ok := programs[os.Args[1]]; ok {
			os.Exit(program(os.Args[2:]))
		}
	}
	prepare()
	os.Exit(m.Run())
}

// prepare is what the tests of an operating system need first.
var prepare = func() {}

// programs are "run", which stands in for vaws exec, and what else the tests of
// an operating system need.
var programs = map[string]func(arguments []string) (status int){"run": beRun, LenderWord: beLender}

func beLender([]string) (status int) {
	BeLender()
	return 0
}

// beRun runs its arguments as vaws exec does, in the PATH that CHILD_TEST_PATH
// gives, and prints the error and its hints.
func beRun(arguments []string) (status int) {
	beBusy()
	return report(Run(arguments, testEnviron()))
}

func testEnviron() []string {
	var set []variable
	if path, ok := os.LookupEnv("CHILD_TEST_PATH"); ok {
		set = []variable{{"PATH", path}}
	}
	return Environ(os.Environ(), set, []string{"CHILD_TEST_PATH"}, nil)
}

func report(err error) (status int) {
	status = 125
	if failed := (*Error)(nil); errors.As(err, &failed) {
		status = failed.Status
	}
	fmt.Fprintln(os.Stderr, strings.Join(append([]string{err.Error()}, hint.Of(err)...), "\n"))
	return status
}

// beBusy does what vaws may have done by the time that it runs a command:
// concealed itself, listened for signals, opened files and connections, started goroutines.
func beBusy() {
	Conceal()
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
