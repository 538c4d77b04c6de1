package cli

import (
	"cmp"
	"context"
	"errors"
	"os"
	"syscall"

	"vaws/internal/child"
	"vaws/internal/profile"
)

// hold runs the command as a child, because vaws has something to do while it
// runs (--server) or when it has ended (--revoke).
func (e execCommand) hold(s *session, command []string) error {
	if err := child.Find(command, s.environ); err != nil {
		return err
	}
	target, err := s.resolve(e.Name, e.targetFlags)
	if err != nil {
		return err
	}
	s.warnIfPlain(target)
	if e.Revoke {
		err = e.revoking(s, target, command)
	} else {
		err = e.supervise(context.Background(), s, s.newFetcher(target, e.targetFlags, e.caller()), command, nil)
	}
	return s.suggest(target, err)
}

// revoking runs the command with credentials of this run's own and revokes them,
// whatever ends it: from before they are minted, no signal ends vaws.
func (e execCommand) revoking(s *session, target profile.Target, command []string) (err error) {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	signals := child.Catch(func(sig os.Signal) {
		if number, ok := sig.(syscall.Signal); ok {
			cancel(child.Killed{Signal: number})
		}
	})
	defer signals.Release()
	s.catches = true
	defer func() {
		if errors.Is(err, context.Canceled) {
			err = cmp.Or(context.Cause(ctx), err) // a question may hear of Ctrl-C before
		}
	}()
	done := s.wait(forVault)
	own, err := s.newLedger(ctx, target, e.targetFlags, e.caller())
	done()
	if err != nil {
		return err
	}
	defer func() {
		if !own.revoke() && errors.Is(err, child.Exited(0)) {
			err = child.Exited(statusExecFailure)
		}
	}()
	return e.supervise(ctx, s, own.fetcher(), command, signals)
}

// supervise gives the command its credentials, as an endpoint or once.
func (e execCommand) supervise(ctx context.Context, s *session, f *fetcher, command []string, signals *child.Signals) error {
	if signals == nil {
		defer s.quitQuietly()()
	}
	done := s.wait(forVault)
	creds, err := f.first(ctx)
	done()
	s.calm() // from here on Ctrl-\ is the command's business
	if err != nil {
		return err
	}
	if e.Server {
		return s.superviseServed(ctx, f, creds, command, signals)
	}
	set, unset := s.environment(f.target, creds.Environ())
	return child.Supervise(command, s.childEnvironment(set, unset), signals)
}
