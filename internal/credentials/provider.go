package credentials

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vaws/internal/hint"
)

// Source makes fresh credentials.
type Source interface {
	// Mint asks for new credentials.
	Mint(context.Context, Request) (Credentials, error)
	// Caller is a digest of the secrets that Mint would use (token, MFA code):
	// an attempt with other secrets may succeed where this one failed.
	Caller(context.Context) string
}

// Store keeps credentials, and failures to get them, for other processes.
type Store interface {
	// Load returns what is kept for the request. What is not there, cannot be
	// read or does not fit is not an error but absent.
	Load(context.Context, Request) Entry
	// Lock makes this process the only one to mint for the request, until
	// unlock is called. It waits while another process is; ErrLockTimeout says
	// that it has waited long enough.
	Lock(context.Context, Request) (unlock func(), err error)
	// Save replaces what is kept for the request and forgets its failure.
	Save(context.Context, Request, Credentials) error
	// SaveFailure keeps a failure beside the credentials of the request.
	SaveFailure(context.Context, Request, Failure) error
}

// ErrLockTimeout is returned by Store.Lock when another process holds the lock
// for longer than anyone should.
var ErrLockTimeout = errors.New("another vaws process has been fetching these credentials for too long")

// Entry is what a Store keeps for one request. Both fields may be absent.
type Entry struct {
	Credentials *Credentials
	Failure     *Failure
}

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
		hints = append(hints, "this is the answer to another call, seconds ago; to ask anew: --refresh")
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

// Demand is what a caller expects of the credentials.
type Demand struct {
	Rule    Rule
	Refresh bool // nothing that was minted before this call will do
}

// Provider answers requests: from its store when that holds fresh credentials,
// from its source otherwise.
type Provider struct {
	Source Source
	Store  Store // nil: nothing is kept
	Now    func() time.Time
	Warn   func(error)                      // what went wrong without harm to the answer
	Debug  func(format string, args ...any) // what was decided
}

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

// Get returns credentials for the request. It never returns expired ones.
func (p *Provider) Get(ctx context.Context, r Request, d Demand) (Credentials, error) {
	if p.Store == nil {
		p.Debug("no cache: asking Vault")
		return p.Source.Mint(ctx, r)
	}
	began := p.Now()
	entry := p.Store.Load(ctx, r)
	if p.serves(entry, d, began) {
		p.Debug("cache hit, %s left", entry.Credentials.Lease.Remaining(began).Round(time.Second))
		return *entry.Credentials, nil
	}
	if c, ok := p.paused(entry, d); ok {
		return c, nil
	}
	p.Debug("cache miss")
	unlock, err := p.Store.Lock(ctx, r)
	if err != nil {
		return p.mintUnlocked(ctx, r, entry, d, err)
	}
	defer unlock()
	return p.mintLocked(ctx, r, d, began)
}

// serves reports whether the entry meets the demand of a call that began at
// began.
func (p *Provider) serves(e Entry, d Demand, began time.Time) bool {
	if e.Credentials == nil || d.Refresh && e.Credentials.Lease.Issued.Before(began) {
		return false
	}
	return e.Credentials.Lease.Fresh(d.Rule, p.Now())
}

// paused returns credentials that have begun to age but still work, while a
// failed attempt to replace them is too recent to repeat.
func (p *Provider) paused(e Entry, d Demand) (Credentials, bool) {
	if d.Refresh || !p.usable(e) || e.Failure == nil || !p.within(e.Failure.Time, pauseAfterFailure) {
		return Credentials{}, false
	}
	p.warnStale(*e.Credentials, errors.New(e.Failure.Message))
	return *e.Credentials, true
}

func (p *Provider) usable(e Entry) bool {
	return e.Credentials != nil && e.Credentials.Lease.Remaining(p.Now()) >= usableFor
}

// within reports whether t lies less than d before now, and not after it.
func (p *Provider) within(t time.Time, d time.Duration) bool {
	age := p.Now().Sub(t)
	return age >= 0 && age < d
}

func (p *Provider) warnStale(c Credentials, cause error) {
	left := c.Lease.Remaining(p.Now()).Round(time.Second)
	p.Warn(fmt.Errorf("handing out cached credentials, %s before they expire: %w", left, cause))
}

// mintUnlocked is for a lock that could not be had. Without it nothing is
// stored, so that a slower holder does not find its work replaced; an IAM user
// that nothing remembers is not made at all.
func (p *Provider) mintUnlocked(ctx context.Context, r Request, e Entry, d Demand, lockErr error) (Credentials, error) {
	if p.usable(e) && !d.Refresh {
		p.warnStale(*e.Credentials, lockErr)
		return *e.Credentials, nil
	}
	if e.Credentials != nil && e.Credentials.Kind == IAMUser && errors.Is(lockErr, ErrLockTimeout) {
		return Credentials{}, lockErr
	}
	p.Warn(fmt.Errorf("asking Vault without the cache: %w", lockErr))
	return p.Source.Mint(ctx, r)
}

func (p *Provider) mintLocked(ctx context.Context, r Request, d Demand, began time.Time) (Credentials, error) {
	entry := p.Store.Load(ctx, r)
	if p.serves(entry, d, began) {
		p.Debug("another process fetched them meanwhile")
		return *entry.Credentials, nil
	}
	if f := entry.Failure; f != nil && p.shares(ctx, *f, d, began) {
		p.Debug("another process failed %s ago", p.Now().Sub(f.Time).Round(time.Millisecond))
		return p.fallBack(entry, d, f.asError(began))
	}
	minted, err := p.Source.Mint(ctx, r)
	if err != nil {
		p.keepFailure(ctx, r, err)
		return p.fallBack(entry, d, err)
	}
	if err := p.Store.Save(ctx, r, minted); err != nil {
		p.Warn(fmt.Errorf("credentials are not cached: %w", err))
	}
	return minted, nil
}

// shares reports whether this call would only repeat the failed attempt.
func (p *Provider) shares(ctx context.Context, f Failure, d Demand, began time.Time) bool {
	if d.Refresh && f.Time.Before(began) {
		return false
	}
	return p.within(f.Time, shareFailure) && f.Caller == p.Source.Caller(ctx)
}

func (p *Provider) keepFailure(ctx context.Context, r Request, err error) {
	if untried := (Untried{}); errors.As(err, &untried) {
		return
	}
	f := Failure{Time: p.Now(), Caller: p.Source.Caller(ctx), Message: err.Error(), Hints: hint.Of(err)}
	if err := p.Store.SaveFailure(context.WithoutCancel(ctx), r, f); err != nil {
		p.Debug("the failure is not shared: %v", err)
	}
}

// fallBack returns the credentials of an entry that still work, else err. Who
// demanded new ones is not served old ones.
func (p *Provider) fallBack(e Entry, d Demand, err error) (Credentials, error) {
	if d.Refresh || !p.usable(e) {
		return Credentials{}, err
	}
	p.warnStale(*e.Credentials, err)
	return *e.Credentials, nil
}
