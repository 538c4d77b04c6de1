package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"vaws/internal/credentials"
	"vaws/internal/profile"
	"vaws/internal/vault"
)

const (
	// revokeTime is how long the leases of a run may take to be revoked, all in
	// all: Vault may be on its way back.
	revokeTime  = 20 * time.Second
	revokePause = time.Second
)

// ledger makes credentials for one run alone, and remembers their leases so that
// they can be revoked at its end. It is the store of the run's providers; no other
// process sees what it holds.
type ledger struct {
	s      *session
	target profile.Target
	demand credentials.Demand
	// source is made anew each time, like a fetcher's provider.
	source func(prompts bool) (source, error)

	mu     sync.Mutex
	entry  credentials.Entry
	leases map[string]leased // by their IDs
	told   bool              // that there is nothing to revoke
}

// leased is a lease, and the source whose token made it.
type leased struct {
	lease credentials.Lease
	from  source
}

// newLedger fails before anything is minted if the token may not revoke it.
func (s *session) newLedger(ctx context.Context, t profile.Target, f targetFlags, who caller) (*ledger, error) {
	if err := f.checkMinTTL(t); err != nil {
		return nil, err
	}
	l := &ledger{s: s, target: t, demand: who.demands(f), leases: map[string]leased{}}
	l.demand.Refresh = false // nothing is older than this run
	l.source = func(prompts bool) (source, error) {
		tokens, err := s.store(ctx, f.vaultFlags)
		if err != nil {
			return source{}, err
		}
		config, err := s.vaultConfig(t, f, tokens, prompts)
		from := s.newSource(config, t, f)
		from.quiet = !prompts
		return from, err
	}
	from, err := l.source(false)
	if err == nil {
		err = from.MayRevoke(ctx, t.Request)
	}
	return l, err
}

func (l *ledger) fetcher() *fetcher {
	return &fetcher{target: l.target, demand: l.demand, provider: l.provider}
}

func (l *ledger) provider(_ context.Context, prompts bool) (*credentials.Provider, error) {
	from, err := l.source(prompts)
	return &credentials.Provider{Source: noting{from, l}, Store: l, Now: l.s.now, Warn: l.s.warn, Debug: l.s.debug}, err
}

// noting is a source whose leases the ledger notes.
type noting struct {
	source
	ledger *ledger
}

// Mint implements credentials.Source. A request that has been sent is waited
// for: what Vault made must not be lost.
func (n noting) Mint(ctx context.Context, r credentials.Request) (credentials.Credentials, error) {
	if err := n.Connect(ctx, r); err != nil || ctx.Err() != nil {
		return credentials.Credentials{}, cmp.Or(err, ctx.Err())
	}
	c, err := n.source.Mint(context.WithoutCancel(ctx), r)
	if err == nil {
		n.ledger.note(c, n.source)
	}
	return c, err
}

// Renew implements credentials.Source.
func (n noting) Renew(ctx context.Context, r credentials.Request, c credentials.Credentials) (credentials.Credentials, error) {
	c, err := n.source.Renew(ctx, r, c)
	if err == nil {
		n.ledger.note(c, n.source)
	}
	return c, err
}

func (l *ledger) note(c credentials.Credentials, from source) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.Kind == credentials.IAMUser {
		l.leases[c.Lease.ID] = leased{c.Lease, from}
		return
	}
	until := map[credentials.Kind]string{credentials.STS: "they expire", credentials.Static: "Vault rotates them"}
	if !l.told {
		l.s.warn(fmt.Errorf("nothing to revoke: AWS keeps these credentials valid until %s", until[c.Kind]))
	}
	l.told = true
}

// revoke ends every lease that was minted and has not ended by itself, and tells
// of those that live on.
func (l *ledger) revoke() (all bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), revokeTime)
	defer cancel()
	all = true
	for _, one := range l.leases {
		if one.lease.VaultEnd.Before(l.s.now()) {
			continue
		}
		if err := l.revokeOne(ctx, one); err != nil {
			all = false
			l.s.printError(fmt.Errorf("the IAM user of this run lives on: %w", err))
		}
	}
	return all
}

// revokeOne asks with the token that made the lease, and if that may not, with the
// one of now; while Vault cannot be asked it tries again.
func (l *ledger) revokeOne(ctx context.Context, one leased) error {
	from := one.from
	for fresh := false; ; {
		err := from.Revoke(ctx, l.target.Request, one.lease)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, vault.ErrUnavailable):
			if pause(ctx, revokePause) != nil {
				return err
			}
		case fresh:
			return err
		default:
			fresh = true
			var sourceErr error
			if from, sourceErr = l.source(false); sourceErr != nil {
				return err
			}
		}
	}
}

// Load implements credentials.Store.
func (l *ledger) Load(context.Context, credentials.Request) credentials.Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.entry
}

// Lock implements credentials.Store: nobody else is there.
func (l *ledger) Lock(context.Context, credentials.Request) (func(), error) {
	return func() {}, nil
}

// Save implements credentials.Store.
func (l *ledger) Save(_ context.Context, _ credentials.Request, c credentials.Credentials) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entry = credentials.Entry{Credentials: &c}
	return nil
}

// SaveFailure implements credentials.Store.
func (l *ledger) SaveFailure(_ context.Context, _ credentials.Request, f credentials.Failure) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entry.Failure = &f
	return nil
}
