package credentials

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vaws/internal/hint"
)

// Failure is an attempt to mint that failed.
type Failure struct {
	Time    time.Time
	Caller  string // Source.Caller of the attempt
	Message string
	Hints   []string
}

// asError is the failure for a call that began at began and did not try for
// itself.
func (f Failure) asError(began time.Time) error {
	hints := f.Hints
	if f.Time.Before(began) {
		hints = append(hints, fmt.Sprintf("this is the answer to an earlier call; Vault is asked again %s after it, or with --refresh", shareFailure))
	}
	return hint.Wrap(errors.New(f.Message), hints...)
}

// Untried is an error of Mint that says nothing about the next attempt, such as
// a question that nobody answered. It is not kept for others.
type Untried struct{ Err error }

// Error is the error's own text.
func (u Untried) Error() string { return u.Err.Error() }

// Unwrap returns the error.
func (u Untried) Unwrap() error { return u.Err }

const (
	// Processes that queue behind a failed attempt share its failure, so that
	// two hundred of them do not ask two hundred times.
	shareFailure = 5 * time.Second
	// After a failure, credentials that still work are handed out this long
	// before Vault is asked again …
	pauseAfterFailure = 30 * time.Second
	// … unless they have less than this left, which may not be enough to use
	// them.
	usableFor = time.Minute
)

// paused returns credentials that have begun to age but still work, while a
// failed attempt to replace them is too recent to repeat.
func (p *Provider) paused(e Entry, d Demand) (Credentials, bool) {
	if !p.usable(e, d) || e.Failure == nil || !e.Failure.IsWithin(pauseAfterFailure, p.Now()) {
		return Credentials{}, false
	}
	p.warnStale(*e.Credentials, errors.New(e.Failure.Message))
	return *e.Credentials, true
}

// usable reports whether the entry's credentials may be handed out although they
// are no longer fresh. Who demanded new ones is not served old ones.
func (p *Provider) usable(e Entry, d Demand) bool {
	return e.Credentials != nil && !e.Credentials.Unsettled && !d.Refresh &&
		e.Credentials.Lease.Remaining(p.Now()) >= max(usableFor, d.MinTTL)
}

// IsWithin reports whether the failure lies less than d before now, and not after it.
func (f Failure) IsWithin(d time.Duration, now time.Time) bool {
	age := now.Sub(f.Time)
	return age >= 0 && age < d
}

func (p *Provider) warnStale(c Credentials, cause error) {
	left := c.Lease.Remaining(p.Now()).Round(time.Second)
	p.Warn(fmt.Errorf("handing out cached credentials, %s before they expire: %w", left, cause))
}

// shares reports whether this call would only repeat the failed attempt.
func (p *Provider) shares(ctx context.Context, r Request, f Failure, d Demand, began time.Time) bool {
	if (d.Refresh || d.Retry) && f.Time.Before(began) {
		return false
	}
	return f.IsWithin(shareFailure, p.Now()) && f.Caller == p.Source.Caller(ctx, r)
}

func (p *Provider) keepFailure(ctx context.Context, r Request, err error) {
	if untried := (Untried{}); errors.As(err, &untried) || errors.Is(ctx.Err(), context.Canceled) {
		return // a caller that has broken off says nothing of Vault
	}
	f := Failure{Time: p.Now(), Caller: p.Source.Caller(ctx, r), Message: err.Error(), Hints: hint.Of(err)}
	ctx, cancel := timeToSave(ctx)
	defer cancel()
	if err := p.Store.SaveFailure(ctx, r, f); err != nil {
		p.Debug("the failure is not shared: %v", err)
	}
}

// fallBack returns the credentials of an entry that still work, else err. Who has broken
// off wants none.
func (p *Provider) fallBack(e Entry, d Demand, err error) (Credentials, error) {
	if errors.Is(err, context.Canceled) || !p.usable(e, d) {
		return Credentials{}, err
	}
	p.warnStale(*e.Credentials, err)
	return *e.Credentials, nil
}
