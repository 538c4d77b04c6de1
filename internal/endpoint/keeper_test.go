package endpoint

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"vaws/internal/credentials"
)

// mint stands in for a Provider. Its clock can be set apart from the timers, as
// it is after a sleep. It is safe for concurrent use, as warn and debug are.
type mint struct {
	mu      sync.Mutex
	ahead   time.Duration // of the clock
	ttl     time.Duration
	takes   time.Duration
	err     error
	aged    *credentials.Credentials // returned in place of new ones
	calls   int
	running int
	twice   bool // two calls ran at once

	messages []string // of debug
	warnings []string
}

func (m *mint) set(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
}

func (m *mint) now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Now().Add(m.ahead)
}

func (m *mint) count() (n int) {
	m.set(func() { n = m.calls })
	return n
}

func (m *mint) issue(key string, now time.Time) credentials.Credentials {
	return credentials.Credentials{
		Kind:        credentials.STS,
		AccessKeyID: key, SecretAccessKey: "the-secret", SessionToken: "the-session",
		ARN:   "arn:aws:sts::123456789012:assumed-role/r/s",
		Lease: credentials.Lease{Issued: now, Expiry: now.Add(m.ttl)},
	}
}

func (m *mint) get(ctx context.Context) (credentials.Credentials, error) {
	var takes time.Duration
	m.set(func() {
		m.calls++
		m.running++
		m.twice = m.twice || m.running > 1
		takes = m.takes
	})
	now := m.now()
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		m.set(func() { m.running-- })
		return credentials.Credentials{}, ctx.Err()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.running--
	switch {
	case m.aged != nil:
		return *m.aged, m.err
	case m.err != nil:
		return credentials.Credentials{}, m.err
	}
	return m.issue(fmt.Sprintf("ASIA%04d", m.calls), now), nil
}

func (m *mint) warn(err error) {
	m.set(func() { m.warnings = append(m.warnings, err.Error()) })
}

func (m *mint) debug(format string, args ...any) {
	m.set(func() { m.messages = append(m.messages, fmt.Sprintf(format, args...)) })
}

func (m *mint) warned() (all []string) {
	m.set(func() { all = slices.Clone(m.warnings) })
	return all
}

func (m *mint) debugged() (all []string) {
	m.set(func() { all = slices.Clone(m.messages) })
	return all
}

func (m *mint) keeper() *Keeper {
	return &Keeper{Get: m.get, Now: m.now, Warn: m.warn, Debug: m.debug}
}

// keep starts a keeper that stops with the test.
func (m *mint) keep(t *testing.T) *Keeper {
	t.Helper()
	k := m.keeper()
	ctx, cancel := context.WithCancel(t.Context())
	if err := k.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		k.Wait()
		if m.twice {
			t.Error("two refreshes ran at once")
		}
	})
	return k
}

// key returns the access key of what the keeper hands out.
func key(t *testing.T, k *Keeper) string {
	t.Helper()
	c, err := k.Credentials(t.Context())
	if err != nil {
		t.Error(err)
	} else if !c.Valid(k.Now()) {
		t.Errorf("%s expired at %s, now it is %s", c.AccessKeyID, c.Lease.Expiry, k.Now())
	}
	return c.AccessKeyID
}

func expect(t *testing.T, what string, got, want any) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestStartReturnsTheError(t *testing.T) {
	cause := errors.New(`role "x" not found`)
	m := &mint{ttl: time.Hour, err: cause}
	if err := m.keeper().Start(t.Context()); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
	m = &mint{}
	if err := m.keeper().Start(t.Context()); !errors.Is(err, errUnusable) {
		t.Errorf("got %v for expired credentials", err)
	}
	expect(t, "warnings", len(m.warned()), 0)
}

func TestRefreshesInTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{ttl: time.Hour}
		k := m.keep(t)
		time.Sleep(43 * time.Minute)
		expect(t, "calls while fresh", m.count(), 1)
		time.Sleep(time.Minute + longestNap + time.Second)
		expect(t, "calls with 16 minutes left", m.count(), 2)
		expect(t, "key", key(t, k), "ASIA0002")
		expect(t, "calls of a fresh one", m.count(), 2)
	})
}

func TestAShortLifetimeIsWatchedClosely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{ttl: 20 * time.Second}
		m.keep(t)
		time.Sleep(12 * time.Second)
		expect(t, "calls", m.count(), 2)
	})
}

func TestARequestRefreshesToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{ttl: time.Hour, takes: time.Second}
		k := m.keep(t)
		m.set(func() { m.ahead = 50 * time.Minute })
		expect(t, "key while it works", key(t, k), "ASIA0001")
		time.Sleep(2 * time.Second)
		expect(t, "key", key(t, k), "ASIA0002")
	})
}

func TestShortLifetimesRotate(t *testing.T) {
	for _, ttl := range []time.Duration{6 * time.Second, 20 * time.Second, 70 * time.Second, 15 * time.Minute, 12 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			m := &mint{ttl: ttl, takes: 300 * time.Millisecond}
			k := m.keep(t)
			for end := time.Now().Add(20 * ttl); time.Now().Before(end); time.Sleep(ttl / 50) {
				key(t, k)
			}
			if calls := m.count(); calls < 20 || calls > 60 {
				t.Errorf("%d calls in 20 lifetimes of %s", calls, ttl)
			}
		})
	}
}

func TestFailureKeepsWhatWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{ttl: time.Hour}
		k := m.keep(t)
		m.set(func() { m.err = errors.New("vault is sealed") })
		time.Sleep(50 * time.Minute)
		expect(t, "key", key(t, k), "ASIA0001")
		if calls := m.count(); calls < 5 || calls > 14 {
			t.Errorf("%d calls, want one in 30 to 45 s", calls)
		}
		for range 100 {
			key(t, k)
		}
		if calls := m.count(); calls > 15 {
			t.Errorf("requests made it %d calls", calls)
		}
		expect(t, "warnings", strings.Join(m.warned(), "; "), "refreshing credentials: vault is sealed")

		m.set(func() { m.err = nil })
		time.Sleep(pauseAfterFailure + longestNap)
		if got := key(t, k); got == "ASIA0001" {
			t.Error("not refreshed after the failure was over")
		}
		m.set(func() { m.err = errors.New("gone again") })
		time.Sleep(time.Hour)
		expect(t, "warnings", len(m.warned()), 2)
	})
}

func TestExpiredIsAnErrorUntilVaultComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{ttl: time.Hour}
		k := m.keep(t)
		m.set(func() { m.err = errors.New("vault is sealed") })
		time.Sleep(59*time.Minute + 59*time.Second)
		expect(t, "key in the last second", key(t, k), "ASIA0001")
		time.Sleep(time.Second)
		before := m.count()
		for range 100 {
			c, err := k.Credentials(t.Context())
			if err == nil || err.Error() != "the credentials have expired: vault is sealed" || c != (credentials.Credentials{}) {
				t.Fatalf("got %v, %v", c, err)
			}
		}
		if calls := m.count(); calls > before+1 {
			t.Errorf("100 requests made %d calls", calls-before)
		}
		m.set(func() { m.err = nil })
		time.Sleep(pauseWhenUrgent)
		key(t, k)
		expect(t, "warnings", len(m.warned()), 1)
	})
}

// The fraction of a second is cut off what clients read as the expiry.
func TestTheLastFractionOfASecondIsExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{ttl: time.Minute + 900*time.Millisecond}
		k := m.keep(t)
		m.set(func() { m.err = errors.New("vault is sealed"); m.ahead = time.Minute - time.Millisecond })
		key(t, k)
		m.set(func() { m.ahead = time.Minute })
		if c, err := k.Credentials(t.Context()); err == nil {
			t.Errorf("got credentials that are said to end at %s, now it is %s", c.Lease.Expiration(), m.now())
		}
	})
}

func TestASleepPastTheExpiryIsNoticedByARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{ttl: time.Hour, takes: time.Second}
		k := m.keep(t)
		m.set(func() { m.ahead = 8 * time.Hour })
		expect(t, "key", key(t, k), "ASIA0002")
	})
}

func TestASleepPastTheExpiryIsNoticedByTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{ttl: time.Hour}
		k := m.keep(t)
		m.set(func() { m.ahead = 8 * time.Hour })
		time.Sleep(longestNap + time.Second)
		expect(t, "calls", m.count(), 2)
		expect(t, "key", key(t, k), "ASIA0002")
	})
}

func TestTimeIsReadFromTheWallClock(t *testing.T) {
	k := &Keeper{Now: time.Now}
	if got := k.wall().String(); strings.Contains(got, "m=") {
		t.Errorf("%s has a monotonic reading", got)
	}
}

func TestAClockSetBackRefreshes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{ttl: time.Hour}
		k := m.keep(t)
		m.set(func() { m.ahead = -3 * time.Hour })
		expect(t, "key", key(t, k), "ASIA0002")
	})
}

func TestAClockSetBackAfterAFailureRefreshes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{ttl: time.Hour}
		k := m.keep(t)
		m.set(func() { m.err, m.ahead = errors.New("vault is sealed"), 50*time.Minute })
		key(t, k)
		synctest.Wait()
		m.set(func() { m.err, m.ahead = nil, -3*time.Hour })
		expect(t, "key", key(t, k), "ASIA0003")
	})
}

// What is held may end later by its own account, but is from the future.
func TestAClockSetBackTakesAgedCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{ttl: time.Hour}
		k := m.keep(t)
		m.set(func() { m.ahead = -3 * time.Hour })
		aged := m.issue("ASIA-AGED", m.now().Add(-50*time.Minute))
		m.set(func() { m.aged = &aged })
		expect(t, "key", key(t, k), "ASIA-AGED")
	})
}

func TestOneRefreshForAHundredRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{ttl: time.Hour, takes: time.Second}
		k := m.keep(t)
		m.set(func() { m.ahead = 2 * time.Hour })
		var wait sync.WaitGroup
		for range 100 {
			wait.Go(func() { expect(t, "key", key(t, k), "ASIA0002") })
		}
		wait.Wait()
		expect(t, "calls", m.count(), 2)
	})
}

func TestARequestWaitsUnderTwoSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{ttl: time.Hour}
		k := m.keep(t)
		m.set(func() { m.ahead, m.takes = 2*time.Hour, 10*time.Second })
		began := time.Now()
		if _, err := k.Credentials(t.Context()); err == nil {
			t.Error("no error while the refresh goes on")
		}
		expect(t, "waited", time.Since(began), patience)
		time.Sleep(10 * time.Second)
		expect(t, "key", key(t, k), "ASIA0002")
	})
}

func TestARefreshThatHangsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{ttl: time.Hour}
		k := m.keep(t)
		m.set(func() { m.ahead, m.takes = 50*time.Minute, 24*time.Hour })
		key(t, k)
		time.Sleep(time.Second)
		m.set(func() { m.takes = 0 })
		time.Sleep(refreshLimit + pauseAfterFailure + longestNap)
		if got := key(t, k); got == "ASIA0001" {
			t.Errorf("got %s", got)
		}
	})
}

func TestAgedCredentialsAreAFailedRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{ttl: time.Hour}
		k := m.keep(t)
		older := m.issue("ASIA-OLDER", time.Now().Add(-time.Minute))
		m.set(func() { m.aged, m.err = &older, errors.New("vault is sealed") })
		time.Sleep(50 * time.Minute)
		expect(t, "key", key(t, k), "ASIA0001")
		if calls := m.count(); calls > 14 {
			t.Errorf("%d calls, want one in 30 to 45 s", calls)
		}
		longer := m.issue("ASIA-LONGER", time.Now().Add(-50*time.Minute))
		longer.Lease.Expiry = time.Now().Add(12 * time.Minute)
		m.set(func() { m.aged = &longer })
		time.Sleep(pauseAfterFailure + longestNap)
		expect(t, "key", key(t, k), "ASIA-LONGER")
		expect(t, "warnings", len(m.warned()), 1)
	})
}

func TestStartTakesAgedCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{ttl: time.Hour, err: errors.New("vault is sealed")}
		aged := m.issue("ASIA-AGED", time.Now().Add(-50*time.Minute))
		m.aged = &aged
		k := m.keep(t)
		expect(t, "key", key(t, k), "ASIA-AGED")
		expect(t, "warnings", len(m.warned()), 1)
		m.set(func() { m.aged, m.err = nil, nil })
		time.Sleep(pauseAfterFailure + longestNap)
		if got := key(t, k); got == "ASIA-AGED" {
			t.Error("not refreshed")
		}
	})
}

func TestRotationUnderConcurrentRequests(t *testing.T) {
	for _, failing := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			const lifetime = 15 * time.Minute
			m := &mint{ttl: lifetime, takes: 900 * time.Millisecond}
			k := m.keep(t)
			end := time.Now().Add(20 * lifetime)
			var wait sync.WaitGroup
			var answers atomic.Int64
			for n := range 20 {
				wait.Go(func() {
					for time.Now().Before(end) {
						key(t, k)
						answers.Add(1)
						time.Sleep(time.Duration(10+n) * 997 * time.Millisecond)
					}
				})
			}
			for time.Now().Before(end) { // Vault is away for five minutes in ten
				m.set(func() {
					if m.err = nil; failing {
						m.err = errors.New("vault is sealed")
					}
				})
				time.Sleep(5 * time.Minute)
				m.set(func() { m.err = nil })
				time.Sleep(5 * time.Minute)
			}
			wait.Wait()
			if calls := m.count(); calls < 20 || !failing && calls > 45 {
				t.Errorf("%d calls in 20 lifetimes", calls)
			}
			if answers.Load() < 10_000 {
				t.Errorf("only %d answers", answers.Load())
			}
		})
	}
}

func TestTheKeeperStopsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{ttl: time.Hour}
		k := m.keeper()
		ctx, cancel := context.WithCancel(t.Context())
		if err := k.Start(ctx); err != nil {
			t.Fatal(err)
		}
		m.set(func() { m.ahead, m.takes = 50*time.Minute, time.Hour })
		key(t, k) // begins a refresh
		cancel()
		k.Wait()
		calls := m.count()
		expect(t, "key after the end", key(t, k), "ASIA0001")
		m.set(func() { m.ahead = 2 * time.Hour })
		if _, err := k.Credentials(t.Context()); err == nil {
			t.Error("no error though the credentials have expired")
		}
		expect(t, "calls after the end", m.count(), calls)
		expect(t, "warnings", len(m.warned()), 0)
	})
}

// secrets are what no message may hold.
func secrets(token string) []string { return []string{"the-secret", "the-session", token} }

func expectNoSecrets(t *testing.T, token string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if slices.ContainsFunc(secrets(token), func(s string) bool { return strings.Contains(text, s) }) {
			t.Errorf("%q holds a secret", text)
		}
	}
}
