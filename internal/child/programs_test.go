//go:build unix

package child

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func init() {
	programs["supervise"] = beSupervise
	programs["listen"] = beListen
	programs["die"] = beDie
}

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

// beListen says which signals it gets, and does what it reads: "stop" itself,
// "quit", or hold its "size" against the terminal's.
func beListen([]string) (status int) {
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
	select {} // until killed
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
