package cli

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// waitsVariable makes a test a process that is sent a signal in the moment in which it
// has waited for Vault.
const waitsVariable = "VAWS_CLI_TEST_WAITS"

// Otherwise exec would run its command after Ctrl-C.
func TestASignalAtTheEndOfTheWaitEndsVaws(t *testing.T) {
	s := &session{calm: func() {}}
	tests := map[string]struct {
		sig  syscall.Signal
		wait func() (done func())
	}{
		"SIGINT":  {syscall.SIGINT, s.clearOnSignals},
		"SIGQUIT": {syscall.SIGQUIT, s.quitQuietly},
	}
	if name := os.Getenv(waitsVariable); name != "" {
		done := tests[name].wait()
		runtime.LockOSThread() // the thread that gets it has it when the call returns
		_ = unix.Tgkill(os.Getpid(), unix.Gettid(), tests[name].sig)
		done()
		os.Exit(0)
	}
	for name, test := range tests {
		for range 20 {
			cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
			cmd.Env = append(os.Environ(), waitsVariable+"="+name)
			err := cmd.Run()
			var ended *exec.ExitError
			if !errors.As(err, &ended) || ended.Sys().(syscall.WaitStatus).Signal() != test.sig {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
