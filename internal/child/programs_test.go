//go:build unix

package child

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func init() {
	programs["supervise"] = beSupervise
	programs["listen"] = beListen
	programs["die"] = beDie
	prepare = hearIgnored
}

// hearIgnored gives the tests' children the usual signals where this binary was
// started with some of them ignored, as by nohup: a caught signal has its default
// effect in a new program, an ignored one stays ignored.
func hearIgnored() {
	for _, sig := range startedIgnored {
		ignored[sig] = false
		signal.Notify(make(chan os.Signal, 1), sig)
	}
}

var startedIgnored = slices.DeleteFunc(slices.Clone(ends), func(sig os.Signal) bool { return !ignored[sig] })

// beSupervise runs its arguments as vaws exec --server does, and says what it
// heard.
func beSupervise(arguments []string) (status int) {
	beBusy()
	signals := Catch(func(sig os.Signal) {
		if os.Getenv("CHILD_TEST_HEARD") != "" {
			fmt.Println("vaws heard", sig)
		}
	})
	defer signals.Release()
	err := Supervise(arguments, testEnviron(), signals)
	if exited := Exited(0); errors.As(err, &exited) {
		return int(exited)
	}
	if killed := (Killed{}); errors.As(err, &killed) {
		DieOf(killed.Signal)
	}
	return report(err)
}

// beListen says which signals it gets, and does what it reads: "stop" itself or
// "quit". With an argument it goes on when there is nothing more to read, but
// not for ever.
func beListen(arguments []string) (status int) {
	time.AfterFunc(5*patience, func() { os.Exit(9) })
	got := make(chan os.Signal, unread)
	signal.Notify(got, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM,
		syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH, syscall.SIGCONT)
	go func() {
		for sig := range got {
			fmt.Printf("got %v.\n", sig)
		}
	}()
	fmt.Printf("ready %d %d.\n", os.Getpid(), os.Getppid())
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		switch words := strings.Fields(lines.Text()); {
		case len(words) == 0:
		case words[0] == "stop":
			_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		case words[0] == "quit":
			fmt.Println("bye.")
			return 3
		}
	}
	if len(arguments) > 0 {
		select {} // until killed
	}
	return 0
}

// beDie dies of the signal whose number it is given.
func beDie(arguments []string) (status int) {
	var number int
	if _, err := fmt.Sscan(arguments[0], &number); err != nil {
		panic(err)
	}
	DieOf(syscall.Signal(number))
	return 0
}
