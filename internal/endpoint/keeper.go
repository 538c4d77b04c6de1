package endpoint

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"vaws/internal/credentials"
)

const (
	// The clock is looked at this often, at least: timers stand still while a
	// laptop sleeps, and credentials age.
	longestNap  = 15 * time.Second
	shortestNap = time.Second

	// After a refresh that brought nothing fresh, the next one waits this long …
	pauseAfterFailure = 30 * time.Second
	// … or, with less than soon left, this long: for which processes share a
	// failure, so that asking sooner brings the same answer
	// (credentials.Provider).
	pauseWhenUrgent = 5 * time.Second
	soon            = time.Minute

	// botocore waits two seconds for an answer (TIMEOUT_SECONDS of
	// ContainerMetadataFetcher in botocore/utils.py).
	patience = 1500 * time.Millisecond

	// No refresh takes longer, the wait for a new IAM user included, unless Get
	// ignores its context.
	refreshLimit = 2 * time.Minute
)

var errUnusable = errors.New("the refresh brought credentials that do not work")

// Keeper keeps one target's credentials in memory and refreshes them ahead of
// their expiry (credentials.Refreshable), in the background and one refresh at a
// time. It hands out credentials for as long as they work, and never any that
// have expired. All of its fields must be set before Start.
type Keeper struct {
	// Get gets credentials: fresh ones, or ones that have begun to age but still
	// work. It may return credentials together with an error, the reason why
	// they are not new. It is never called twice at once.
	Get func(context.Context) (credentials.Credentials, error)
	// Now tells the wall clock's time.
	Now func() time.Time
	// Warn is told of a failed refresh, once until a refresh succeeds. Like
	// Debug it is called from any goroutine.
	Warn  func(error)
	Debug func(format string, args ...any)

	ctx  context.Context // of Start: a refresh outlives the request that began it
	work sync.WaitGroup

	mu         sync.Mutex // held for moments, never while Get runs
	held       credentials.Credentials
	refreshing chan struct{} // closed when the refresh under way ends; nil if none is
	failed     time.Time     // end of the last refresh if it brought nothing fresh, else zero
	err        error         // of the last refresh
	stopped    bool
}

// Start gets the first credentials, and from then on keeps them fresh until ctx
// ends. A keeper whose Start failed is of no use.
func (k *Keeper) Start(ctx context.Context) error {
	k.ctx = ctx
	c, err := k.ask()
	if c.AccessKeyID == "" {
		return err
	}
	k.settle(c, err)
	k.work.Go(k.watch)
	return nil
}

// Wait returns when the context of Start has ended and no refresh is under way.
func (k *Keeper) Wait() { k.work.Wait() }

// Credentials returns credentials that work at this moment. If there are none
// it waits for the refresh, but answers within two seconds in any case.
func (k *Keeper) Credentials(ctx context.Context) (credentials.Credentials, error) {
	c, refreshing, err := k.look()
	if err == nil || refreshing == nil {
		return c, err
	}
	select {
	case <-refreshing:
	case <-time.After(patience):
	case <-ctx.Done():
	}
	c, _, err = k.look()
	return c, err
}

// look returns what is held, if it works. It begins a refresh that is due, and
// returns a channel that is closed at the end of the one under way, or nil.
func (k *Keeper) look() (credentials.Credentials, <-chan struct{}, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.wall()
	if k.refreshing == nil && !k.stopped && k.due(now) {
		k.refreshing = make(chan struct{})
		k.work.Go(k.refresh)
	}
	if k.held.Valid(now) {
		return k.held, k.refreshing, nil
	}
	return credentials.Credentials{}, k.refreshing, k.excuse()
}

// excuse says why there are no credentials.
func (k *Keeper) excuse() error {
	if k.err != nil {
		return fmt.Errorf("the credentials have expired: %w", k.err)
	}
	return errors.New("the credentials have expired, and new ones have not arrived yet")
}

// due reports whether it is time to refresh.
func (k *Keeper) due(now time.Time) bool {
	if k.held.Lease.Fresh(credentials.Refreshable, now) {
		return false
	}
	pause := pauseAfterFailure
	if k.held.Lease.Remaining(now) < soon {
		pause = pauseWhenUrgent
	}
	since := now.Sub(k.failed)
	return since < 0 || since >= pause // below zero the clock was set back
}

func (k *Keeper) refresh() { k.settle(k.ask()) }

// ask calls Get. What does not work is not returned.
func (k *Keeper) ask() (credentials.Credentials, error) {
	ctx, cancel := context.WithTimeout(k.ctx, refreshLimit)
	defer cancel()
	c, err := k.Get(ctx)
	if c.Valid(k.wall()) {
		return c, err
	}
	return credentials.Credentials{}, cmp.Or(err, errUnusable)
}

// settle ends a refresh that brought c and err.
func (k *Keeper) settle(c credentials.Credentials, err error) {
	left, outage := k.replace(c, err)
	k.Debug("credentials in memory: %s left", left.Round(time.Second))
	if outage && k.ctx.Err() == nil {
		k.Warn(fmt.Errorf("refreshing credentials: %w", err))
	}
}

// replace puts c in the place of what is held if it is better, and lets those
// who wait look. It returns how long what is held now remains, and whether this
// refresh is the first to fail.
func (k *Keeper) replace(c credentials.Credentials, err error) (left time.Duration, outage bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.wall()
	if better(c, k.held, now) {
		k.held = c
	}
	k.failed = time.Time{}
	if !k.held.Lease.Fresh(credentials.Refreshable, now) {
		k.failed = now
	}
	outage = err != nil && k.err == nil
	k.err = err
	if k.refreshing != nil {
		close(k.refreshing)
		k.refreshing = nil
	}
	return k.held.Lease.Remaining(now), outage
}

// watch refreshes the credentials when nobody asks for them.
func (k *Keeper) watch() {
	for {
		select {
		case <-k.ctx.Done():
			k.stop()
			return
		case <-time.After(k.nap()):
			_, _, _ = k.look() // those who ask are told
		}
	}
}

// stop sees to it that no refresh begins any more.
func (k *Keeper) stop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.stopped = true
}

// nap is how long the credentials can be left alone. A quarter of what remains
// is soon enough to notice that half of a short lifetime is over.
func (k *Keeper) nap() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	return min(max(k.held.Lease.Remaining(k.wall())/4, shortestNap), longestNap)
}

// wall is the time without a monotonic reading, which stands still while a
// laptop sleeps.
func (k *Keeper) wall() time.Time { return k.Now().Round(0) }

// better reports whether c should take the place of held. Aged credentials from
// a cache may be older than those in memory.
func better(c, held credentials.Credentials, now time.Time) bool {
	return c.Valid(now) && (!held.Valid(now) ||
		c.Lease.Fresh(credentials.Refreshable, now) || c.Lease.Expiry.After(held.Lease.Expiry))
}
