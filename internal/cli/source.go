package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vaws/internal/aws"
	"vaws/internal/credentials"
	"vaws/internal/hint"
	"vaws/internal/profile"
	"vaws/internal/vault"
)

// source is Vault, and AWS where the keys of a new IAM user have to be waited
// for.
type source struct {
	*vault.Source
	settler aws.Settler
	within  time.Duration // zero: not waited for; negative: of no use
	name    string        // of the target
	quiet   bool          // the terminal is somebody else's
	wait    func(what string) (done func())
	warn    func(error)
}

// Settle implements credentials.Source. If AWS cannot be reached there is nothing
// to wait for, and nothing that the keys could be used for either.
func (s source) Settle(ctx context.Context, c credentials.Credentials) error {
	switch {
	case s.within == 0:
		return nil
	case s.within < 0:
		return credentials.Untried{Err: errUser(s.name)}
	}
	whole := ctx
	ctx, cancel := context.WithTimeout(ctx, s.within)
	defer cancel()
	if !s.quiet {
		defer s.wait(forAWS + " to know the new keys")()
	}
	err := s.settler.Settle(ctx, c)
	switch {
	case errors.Is(err, aws.ErrUnreachable):
		s.warn(fmt.Errorf("whether the new keys are usable yet is not known: %w", err))
		return nil
	case errors.Is(err, context.DeadlineExceeded) && whole.Err() != nil:
		return hint.Wrap(err, "run it again: it goes on waiting for the same keys")
	case errors.Is(err, context.DeadlineExceeded):
		return hint.Wrap(err, "for more time: --settle 2m, for none: --settle 0")
	}
	return err
}

// newSource puts together what makes credentials for the target.
func (s *session) newSource(c vault.Config, t profile.Target, f targetFlags) source {
	return source{
		Source: vault.New(c),
		settler: aws.Settler{
			Endpoint: aws.STS(s.regionOf(t), t.EndpointURL, s.getenv),
			Now:      s.now,
			Pause:    pause,
			Debug:    s.debug,
		},
		within: time.Duration(f.Settle),
		name:   t.Name,
		warn:   s.warn,
		wait:   s.wait,
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
