package aws

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"vaws/internal/credentials"
	"vaws/internal/hint"
)

const (
	// IAM is eventually consistent: one server of AWS may know a new key while
	// another does not, so one success says little
	// (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency).
	successesInARow = 5
	settlePause     = 500 * time.Millisecond
	// After this many calls without any answer, AWS counts as out of reach.
	patience = 3
)

// Settler waits for new keys to become usable.
type Settler struct {
	Endpoint Endpoint
	Now      func() time.Time
	Pause    func(context.Context, time.Duration) error // waits, or returns the context's error
	Debug    func(format string, args ...any)
}

// Settle returns nil once AWS has accepted the credentials several times in a
// row. Otherwise the error wraps ErrUnreachable if AWS never answered, or the
// context's error together with what AWS answered last. A clock that AWS refuses ends
// the wait at once.
func (s Settler) Settle(ctx context.Context, c credentials.Credentials) error {
	client, err := newClient(s.Endpoint.CABundle)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	defer client.CloseIdleConnections()
	var last error
	answered := false
	for calls, successes := 1, 0; ; calls++ {
		_, err := callerIdentity(ctx, client, s.Endpoint, c, s.Now())
		s.Debug("%s knows the new key: %v", s.Endpoint.URL, err == nil)
		switch {
		case err == nil:
			answered = true
			if successes++; successes == successesInARow {
				return nil
			}
		case isSkew(err):
			return hint.Errorf("set the clock of this machine", "AWS does not take what is signed by this clock: %w", err)
		case errors.As(err, new(*Refusal)):
			answered, successes, last = true, 0, err
		case !answered && (calls >= patience || ctx.Err() != nil):
			return fmt.Errorf("%w: %w", ErrUnreachable, err)
		default: // out of reach for this moment only
			successes = 0
		}
		if err := s.Pause(ctx, settlePause); err != nil && !answered {
			return fmt.Errorf("%w: %w", ErrUnreachable, err)
		} else if err != nil {
			return late(err, last)
		}
	}
}

// isSkew recognises AWS's answer to a signature that is dated more than five minutes
// before or after its own time
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html).
func isSkew(err error) bool {
	var r *Refusal
	return errors.As(err, &r) &&
		(strings.HasPrefix(r.Message, "Signature expired") || strings.HasPrefix(r.Message, "Signature not yet current"))
}

func late(err, last error) error {
	if last == nil {
		return fmt.Errorf("the new keys are not usable yet: %w", err)
	}
	return fmt.Errorf("the new keys are not usable yet; %w (%w)", last, err)
}
