package cli

import (
	"context"
	"errors"
	"sync"
	"time"

	"vaws/internal/credentials"
	"vaws/internal/hint"
	"vaws/internal/profile"
)

// revokeTime is how long revoking one lease may take.
const revokeTime = 30 * time.Second

// ledger makes credentials for one run alone, and remembers their leases so that
// they can be revoked at its end. It is a source and the store beside it; no
// other process sees what it holds.
type ledger struct {
	source
	s      *session
	target profile.Target
	demand credentials.Demand

	mu     sync.Mutex
	entry  credentials.Entry
	leases []string
	told   bool // that STS credentials cannot be revoked
}

// newLedger fails before anything is minted if the token may not revoke it.
func (s *session) newLedger(ctx context.Context, t profile.Target, f targetFlags, who caller) (*ledger, error) {
	if err := f.checkMinTTL(t); err != nil {
		return nil, err
	}
	config, err := s.vaultConfig(t, f, who)
	if err != nil {
		return nil, err
	}
	l := &ledger{source: s.newSource(config, t, f.settle()), s: s, target: t, demand: who.demands(f)}
	l.demand.Refresh = false // nothing is older than this run
	return l, l.MayRevoke(ctx, t.Request)
}

func (l *ledger) fetcher() *fetcher {
	return &fetcher{target: l.target, demand: l.demand, provider: l.provider}
}

func (l *ledger) provider(context.Context, bool) (*credentials.Provider, error) {
	return &credentials.Provider{Source: l, Store: l, Now: l.s.now, Warn: l.s.warn, Debug: l.s.debug}, nil
}

// Mint implements credentials.Source. A request that has been sent is waited
// for: what Vault made must not be lost.
func (l *ledger) Mint(ctx context.Context, r credentials.Request) (credentials.Credentials, error) {
	if ctx.Err() != nil {
		return credentials.Credentials{}, ctx.Err()
	}
	c, err := l.source.Mint(context.WithoutCancel(ctx), r)
	if err == nil {
		l.note(c)
	}
	return c, err
}

func (l *ledger) note(c credentials.Credentials) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.Kind == credentials.IAMUser {
		l.leases = append(l.leases, c.Lease.ID)
		return
	}
	if !l.told {
		l.s.warn(errors.New("nothing to revoke: AWS keeps these credentials valid until they expire"))
	}
	l.told = true
}

// revoke ends every lease that was minted, and tells of those that live on.
func (l *ledger) revoke() (all bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all = true
	for _, id := range l.leases {
		ctx, cancel := context.WithTimeout(context.Background(), revokeTime)
		if err := l.Revoke(ctx, l.target.Request, id); err != nil {
			all = false
			l.s.report("error", hint.Errorf("run: vault lease revoke "+id, "the IAM user of this run lives on: %w", err))
		}
		cancel()
	}
	return all
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
