package credentials

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vaws/internal/faultpoint"
)

// mintLocked fetches credentials while every other process waits.
func (p *Provider) mintLocked(ctx context.Context, r Request, d Demand, began time.Time) (Credentials, error) {
	entry := p.Store.Load(ctx, r)
	if p.serves(entry, d, began) {
		p.Debug("another process fetched them meanwhile")
		return *entry.Credentials, nil
	}
	if f := entry.Failure; f != nil && p.shares(ctx, r, *f, d, began) {
		p.Debug("another process failed %s ago", p.Now().Sub(f.Time).Round(time.Millisecond))
		return p.fallBack(entry, d, f.asError(began))
	}
	faultpoint.Reach("looked-again")
	c, err := p.replace(ctx, r, d, entry)
	if err == nil {
		faultpoint.Reach("minted")
		c, err = p.keep(ctx, r, c)
	}
	if err != nil {
		p.keepFailure(ctx, r, err)
		return p.fallBack(entry, d, err)
	}
	return c, nil
}

// hurry is how long a Vault that hangs may keep whoever holds credentials that still
// work. Where AWS throttles, Vault answers after 5 s.
const hurry = 10 * time.Second

// replace fetches what is to take the entry's place. It hurries if that still works; not
// where a person may be asked for something, nor with IAM users, of which one more would
// be made each time that a slow Vault is given up.
func (p *Provider) replace(ctx context.Context, r Request, d Demand, e Entry) (Credentials, error) {
	if p.usable(e, d) && e.Credentials.Kind == STS && !d.Retry {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, hurry)
		defer cancel()
	}
	return p.renewOrMint(ctx, r, d, e.Credentials)
}

// mintUnlocked is for a lock that could not be had. Without it nothing is
// stored, so that a slower holder does not find its work replaced; an IAM user
// that nothing remembers is not made at all.
func (p *Provider) mintUnlocked(ctx context.Context, r Request, d Demand, lockErr error) (Credentials, error) {
	e := p.Store.Load(ctx, r) // the holder may have saved an IAM user by now
	if p.usable(e, d) {
		p.warnStale(*e.Credentials, lockErr)
		return *e.Credentials, nil
	}
	if errors.Is(lockErr, ErrLockTimeout) && (e.isUser() || p.Source.MakesUser(ctx, r)) {
		return Credentials{}, lockErr
	}
	p.Warn(fmt.Errorf("asking Vault without the cache: %w", lockErr))
	return p.mintUnkept(ctx, r, d)
}

func (e Entry) isUser() bool { return e.Credentials != nil && e.Credentials.Kind == IAMUser }

// mintUnkept mints credentials that no store keeps.
func (p *Provider) mintUnkept(ctx context.Context, r Request, d Demand) (Credentials, error) {
	c, err := p.mint(ctx, r, d)
	if err == nil && c.Unsettled {
		err = p.Source.Settle(ctx, c)
	}
	return c, err
}

// mint asks for credentials as the request has them, and where the role's own
// lifetime is less than was demanded, for as much as that.
func (p *Provider) mint(ctx context.Context, r Request, d Demand) (Credentials, error) {
	c, err := p.Source.Mint(ctx, r)
	if err != nil || c.Kind != STS || p.longEnough(c, d) {
		return c, err
	}
	r.TTL = d.MinTTL
	return p.Source.Mint(ctx, r)
}

// renewOrMint looks after the IAM user that there is before it has another one
// made.
func (p *Provider) renewOrMint(ctx context.Context, r Request, d Demand, old *Credentials) (Credentials, error) {
	if old == nil || old.Kind != IAMUser || d.Refresh || !old.Lease.VaultEnd.After(p.Now()) {
		return p.mint(ctx, r, d)
	}
	if old.Unsettled && p.suffices(*old, d) {
		p.Debug("waiting for the IAM user of an earlier call")
		return *old, nil
	}
	c, err := p.Source.Renew(ctx, r, *old)
	if err != nil {
		p.Debug("the lease is not renewed: %v", err)
		c = *old
	} else if c.Lease.Granted == 0 {
		c.Lease.Granted = old.Lease.VaultEnd.Sub(old.Lease.Issued)
	}
	if p.anotherIsBetter(c, d, err == nil) {
		p.Debug("the lease ends too soon, even if renewed")
		return p.mint(ctx, r, d)
	}
	return c, nil
}

// anotherIsBetter reports whether a new IAM user would live longer than this one,
// or long enough where this one does not.
func (p *Provider) anotherIsBetter(c Credentials, d Demand, renewed bool) bool {
	if renewed && c.Lease.Expiry.Before(c.Lease.VaultEnd) {
		return false // the token is the bound, and would be that of another user as well
	}
	life := max(c.Lease.Granted, c.Lease.VaultEnd.Sub(c.Lease.Issued))
	return !c.Lease.Fresh(d.Rule, p.Now()) || !p.longEnough(c, d) && life >= d.MinTTL-lostOnTheWay
}

// keep saves credentials; those of a new IAM user before the wait for AWS, too.
// If that is cut short, the next call goes on waiting and makes no other user.
func (p *Provider) keep(ctx context.Context, r Request, c Credentials) (Credentials, error) {
	saved := p.save(ctx, r, c)
	if c.Unsettled {
		faultpoint.Reach("before-settling")
		if err := p.Source.Settle(ctx, c); err != nil {
			return Credentials{}, err
		}
		faultpoint.Reach("settled")
		if c.Unsettled = false; saved == nil {
			saved = p.save(ctx, r, c)
		}
	}
	if saved != nil {
		p.Warn(fmt.Errorf("credentials are not cached: %w", saved))
	}
	return c, nil
}

func (p *Provider) save(ctx context.Context, r Request, c Credentials) error {
	ctx, cancel := timeToSave(ctx)
	defer cancel()
	return p.Store.Save(ctx, r, c)
}

// timeToSave is a context in which what was fetched, or why not, can still be
// saved when the time for fetching it is over.
func timeToSave(ctx context.Context) (context.Context, context.CancelFunc) {
	const enough = 3 * time.Second
	deadline, bounded := ctx.Deadline()
	if ctx.Err() == nil && (!bounded || time.Until(deadline) > enough) {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(context.WithoutCancel(ctx), enough)
}
