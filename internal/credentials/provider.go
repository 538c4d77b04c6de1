package credentials

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vaws/internal/faultpoint"
	"vaws/internal/hint"
)

// Source makes fresh credentials.
type Source interface {
	// Mint asks for new credentials. Those of a new IAM user are Unsettled.
	Mint(context.Context, Request) (Credentials, error)
	// Renew extends the lease of an IAM user as far as Vault allows.
	Renew(context.Context, Request, Credentials) (Credentials, error)
	// Settle waits until AWS accepts unsettled credentials.
	Settle(context.Context, Credentials) error
	// MakesUser reports whether Mint is known to make an IAM user.
	MakesUser(context.Context, Request) bool
	// Caller is a digest of the secrets that Mint would use (token, MFA code):
	// an attempt with other secrets may succeed where this one failed.
	Caller(context.Context, Request) string
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

// Demand is what a caller expects of the credentials.
type Demand struct {
	Rule    Rule
	Refresh bool          // nothing that was minted before this call will do
	Retry   bool          // an attempt that failed before this call does not count
	MinTTL  time.Duration // that must be left; zero: no matter
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

// ErrTooShort says that credentials have less left than was demanded.
var ErrTooShort = errors.New("the credentials live too short")

// Vault counts whole seconds from when AWS answered, vaws from when it asked: so
// much of a lifetime may be lost on the way.
const lostOnTheWay = 10 * time.Second

// Get returns credentials for the request. It never returns expired ones, nor
// any with less left than was demanded.
func (p *Provider) Get(ctx context.Context, r Request, d Demand) (Credentials, error) {
	c, err := p.get(ctx, r, d)
	switch {
	case err != nil:
		return Credentials{}, err
	case !c.Valid(p.Now()):
		return Credentials{}, hint.Errorf("see what takes so long: run it again with --debug", "the credentials expired while they were fetched")
	case !p.longEnough(c, d):
		left := c.Lease.Remaining(p.Now()).Round(time.Second)
		return Credentials{}, fmt.Errorf("%w: Vault gives them %s, and %s are wanted", ErrTooShort, left, d.MinTTL)
	}
	return c, nil
}

func (p *Provider) get(ctx context.Context, r Request, d Demand) (Credentials, error) {
	if p.Store == nil {
		p.Debug("no cache: asking Vault")
		return p.mintUnkept(ctx, r, d)
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
	faultpoint.Reach("before-locking")
	unlock, err := p.Store.Lock(ctx, r)
	if err != nil {
		return p.mintUnlocked(ctx, r, d, err)
	}
	defer unlock()
	faultpoint.Reach("locked")
	return p.mintLocked(ctx, r, d, began)
}

// serves reports whether the entry meets the demand of a call that began at
// began.
func (p *Provider) serves(e Entry, d Demand, began time.Time) bool {
	if e.Credentials == nil || e.Credentials.Unsettled || d.Refresh && e.Credentials.Lease.Issued.Before(began) {
		return false
	}
	return p.suffices(*e.Credentials, d)
}

func (p *Provider) suffices(c Credentials, d Demand) bool {
	return c.Lease.Fresh(d.Rule, p.Now()) && p.longEnough(c, d)
}

func (p *Provider) longEnough(c Credentials, d Demand) bool {
	return c.Lease.Remaining(p.Now()) >= d.MinTTL-lostOnTheWay
}
