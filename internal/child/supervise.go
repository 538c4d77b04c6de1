package child

import "syscall"

// Supervise runs command with env as Run does, but as a child of this process,
// and returns when it has ended: Exited with its exit status, Killed with the
// signal that it died of. Any other error is one that Run may return, too, and
// says that the command did not run.
//
// It is for a caller that has to be there while the command runs, or to clean
// up after it. Should the caller be killed all the same, the command goes on.
//
// The child has the standard streams, the process group and the terminal of
// this process, and also the file descriptors above 2 that this process was
// given, as it would have had them from the shell. Files that this process
// opened are not among them.
//
// On Unix, signals reach the child as they would without vaws in between.
// SIGTERM, SIGHUP, SIGUSR1 and SIGUSR2 are passed on. SIGINT, SIGQUIT and
// SIGTSTP come from the terminal, which sends them to the whole process group,
// and so are passed on only if there is none. SIGWINCH is passed on unless the
// terminal has sent it to the child. When the child stops, this process stops
// as well, since it is this one that the user's shell looks at; SIGCONT
// continues both. signals holds what arrives, from Catch on; if SIGHUP, SIGINT,
// SIGQUIT or SIGTERM came before the child has started, it is not started, and
// Supervise returns Killed. With signals nil, they are caught for the time of
// the call.
//
// The exceptions that Run names are true here.
func Supervise(command, env []string, signals *Signals) error {
	path, err := find(command, env)
	if err != nil {
		return err
	}
	if signals == nil {
		signals = Catch(nil)
		defer signals.Release()
	}
	early := signals.soFar()
	for _, sig := range early {
		if number, ok := sig.(syscall.Signal); ok && isEnd(sig) {
			return Killed{number}
		}
	}
	return supervise(path, command, env, signals, early)
}
