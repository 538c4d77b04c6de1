package credentials

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"vaws/internal/hint"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// world is a store, a source and a clock in one.
type world struct {
	now     time.Time
	entry   Entry
	lockErr error
	mintErr error
	saveErr error
	caller  string
	kind    Kind
	ttl     time.Duration

	renewErr, settleErr error
	roleReadable        bool
	renewTTL, maxTTL    time.Duration
	tokenLeft           time.Duration // zero: more than any lease
	mintTTLs            []time.Duration

	mints, saves, locks, unlocks, renewals, settles int
	warnings                                        []string
	hurried                                         bool // the last Mint had a deadline
	whileLocking                                    func()
}

func (w *world) Load(context.Context, Request) Entry    { return w.entry }
func (w *world) Caller(context.Context, Request) string { return w.caller }
func (w *world) clock() time.Time                       { return w.now }
func (w *world) warn(err error)                         { w.warnings = append(w.warnings, err.Error()) }
func (w *world) advance(d time.Duration)                { w.now = w.now.Add(d) }
func (w *world) issue(issued time.Time) *Credentials {
	return &Credentials{Kind: w.kind, AccessKeyID: "ASIA" + issued.Format("150405"), SecretAccessKey: "s",
		Lease: Lease{Issued: issued, Expiry: issued.Add(w.ttl), VaultEnd: issued.Add(w.ttl)}}
}

func (w *world) Renew(_ context.Context, _ Request, c Credentials) (Credentials, error) {
	w.renewals++
	end := w.now.Add(w.renewTTL)
	c.Lease.Issued, c.Lease.Expiry, c.Lease.VaultEnd = w.now, end, end
	if w.tokenLeft > 0 {
		c.Lease.Expiry = w.now.Add(w.tokenLeft)
	}
	return c, w.renewErr
}

func (w *world) MakesUser(context.Context, Request) bool { return w.roleReadable && w.kind == IAMUser }

func (w *world) Settle(context.Context, Credentials) error {
	w.settles++
	return w.settleErr
}

func (w *world) Lock(context.Context, Request) (func(), error) {
	if w.lockErr != nil {
		return nil, w.lockErr
	}
	w.locks++
	if w.whileLocking != nil {
		w.whileLocking()
	}
	return func() { w.unlocks++ }, nil
}

func (w *world) Save(_ context.Context, _ Request, c Credentials) error {
	w.saves++
	if w.saveErr == nil {
		w.entry = Entry{Credentials: &c}
	}
	return w.saveErr
}

func (w *world) SaveFailure(_ context.Context, _ Request, f Failure) error {
	w.entry.Failure = &f
	return nil
}

func (w *world) Mint(ctx context.Context, r Request) (Credentials, error) {
	w.mints++
	_, w.hurried = ctx.Deadline()
	w.mintTTLs = append(w.mintTTLs, r.TTL)
	if w.mintErr != nil {
		return Credentials{}, w.mintErr
	}
	c := *w.issue(w.now)
	c.Unsettled = w.kind == IAMUser
	if r.TTL > 0 {
		c.Lease.Expiry = w.now.Add(min(r.TTL, w.maxTTL))
	}
	return c, nil
}

func newWorld() *world {
	return &world{now: start, ttl: time.Hour, renewTTL: time.Hour, maxTTL: 12 * time.Hour, kind: STS, caller: "token-1"}
}

func (w *world) get(t *testing.T, d Demand) (Credentials, error) {
	t.Helper()
	p := Provider{Source: w, Store: w, Now: w.clock, Warn: w.warn, Debug: t.Logf}
	c, err := p.Get(t.Context(), Request{Role: "r"}, d)
	if w.locks != w.unlocks {
		t.Errorf("%d locks, %d unlocks", w.locks, w.unlocks)
	}
	if err == nil && !c.Valid(w.now) {
		t.Errorf("handed out expired credentials: %v at %v", c.Lease, w.now)
	}
	return c, err
}

func TestHitTakesNoLock(t *testing.T) {
	w := newWorld()
	w.entry.Credentials = w.issue(start)
	w.advance(time.Minute)
	if _, err := w.get(t, Demand{}); err != nil || w.locks+w.mints+w.saves > 0 {
		t.Errorf("err %v, %+v", err, w)
	}
}

func TestMissMintsOnceAndSaves(t *testing.T) {
	w := newWorld()
	for range 3 {
		if _, err := w.get(t, Demand{}); err != nil {
			t.Fatal(err)
		}
	}
	if w.mints != 1 || w.saves != 1 || w.locks != 1 {
		t.Errorf("%d mints, %d saves, %d locks", w.mints, w.saves, w.locks)
	}
}

func TestWhoWaitedLooksAgain(t *testing.T) {
	w := newWorld()
	w.whileLocking = func() { w.entry.Credentials = w.issue(w.now) }
	if _, err := w.get(t, Demand{}); err != nil || w.mints != 0 {
		t.Errorf("err %v, %d mints", err, w.mints)
	}
}

func TestRefreshTakesWhatWasMintedMeanwhile(t *testing.T) {
	w := newWorld()
	w.entry.Credentials = w.issue(start.Add(-time.Minute))
	w.whileLocking = func() { w.entry.Credentials = w.issue(w.now) }
	if _, err := w.get(t, Demand{Refresh: true}); err != nil || w.mints != 0 {
		t.Errorf("err %v, %d mints", err, w.mints)
	}
	w.whileLocking = nil
	w.advance(time.Second)
	if c, err := w.get(t, Demand{Refresh: true}); err != nil || w.mints != 1 || !c.Lease.Issued.Equal(w.now) {
		t.Errorf("err %v, %d mints, issued %v", err, w.mints, c.Lease.Issued)
	}
}

func TestRefreshThatFailsHandsOutNothingOld(t *testing.T) {
	w := newWorld()
	w.entry.Credentials = w.issue(start)
	w.advance(time.Second)
	w.mintErr = errors.New("sealed")
	if _, err := w.get(t, Demand{Refresh: true}); err == nil {
		t.Error("old credentials were handed out")
	}
	w.lockErr = ErrLockTimeout
	if _, err := w.get(t, Demand{Refresh: true}); err == nil {
		t.Error("old credentials were handed out without the lock")
	}
}

func TestStaleButValidOnFailureThenAPause(t *testing.T) {
	w := newWorld()
	w.entry.Credentials = w.issue(start)
	w.advance(50 * time.Minute)
	w.mintErr = errors.New("sealed")
	for range 3 {
		if _, err := w.get(t, Demand{}); err != nil {
			t.Fatal(err)
		}
		w.advance(9 * time.Second)
	}
	if w.mints != 1 || len(w.warnings) != 3 || !strings.Contains(w.warnings[2], "sealed") {
		t.Errorf("%d mints, warnings %q", w.mints, w.warnings)
	}
	w.advance(4 * time.Second)
	if _, err := w.get(t, Demand{}); err != nil || w.mints != 2 {
		t.Errorf("after the pause: err %v, %d mints", err, w.mints)
	}
}

// Who holds what still works is not kept waiting by a Vault that hangs.
func TestWhoHasCredentialsHurries(t *testing.T) {
	for name, c := range map[string]struct {
		kind Kind
		age  time.Duration
		d    Demand
		want bool
	}{
		"still usable":               {STS, 50 * time.Minute, Demand{}, true},
		"no longer":                  {STS, 59*time.Minute + time.Second, Demand{}, false},
		"wants others":               {STS, 50 * time.Minute, Demand{Refresh: true}, false},
		"a person may be asked":      {STS, 50 * time.Minute, Demand{Retry: true}, false},
		"users that would be wasted": {IAMUser, 50 * time.Minute, Demand{}, false},
	} {
		w := newWorld()
		w.kind, w.renewErr = c.kind, errors.New("denied")
		w.entry.Credentials = w.issue(start)
		w.advance(c.age)
		if _, err := w.get(t, c.d); err != nil || w.mints != 1 || w.hurried != c.want {
			t.Errorf("%s: err %v, %d mints, hurried %t", name, err, w.mints, w.hurried)
		}
	}
}

func TestLessThanAMinuteLeftIsNotHandedOutOnFailure(t *testing.T) {
	w := newWorld()
	w.entry.Credentials = w.issue(start)
	w.advance(59*time.Minute + time.Second)
	w.mintErr = errors.New("sealed")
	if _, err := w.get(t, Demand{}); !errors.Is(err, w.mintErr) {
		t.Errorf("err %v", err)
	}
}

func TestFailuresAreShared(t *testing.T) {
	w := newWorld()
	w.mintErr = hint.Errorf("do this", "denied")
	for i := range 4 {
		_, err := w.get(t, Demand{})
		if err == nil || err.Error() != "denied" || len(hint.Of(err)) != 1+min(i, 1) {
			t.Errorf("err %v, hints %q", err, hint.Of(err))
		}
		w.advance(time.Second)
	}
	if w.mints != 1 {
		t.Errorf("%d mints", w.mints)
	}
	w.caller = "token-2"
	w.mintErr = nil
	if _, err := w.get(t, Demand{}); err != nil {
		t.Errorf("with another token: %v", err)
	}
}

func TestWhoRetriesSharesOnlyWhatWasFailingMeanwhile(t *testing.T) {
	w := newWorld()
	w.mintErr = errors.New("sealed")
	for range 2 {
		_, _ = w.get(t, Demand{Retry: true})
		w.advance(time.Second)
	}
	if w.mints != 2 {
		t.Errorf("%d mints", w.mints)
	}
	w.whileLocking = func() {
		w.entry.Failure = &Failure{Time: w.now, Caller: w.caller, Message: "sealed"}
	}
	if _, err := w.get(t, Demand{Retry: true}); err == nil || w.mints != 2 || len(hint.Of(err)) != 0 {
		t.Errorf("err %v, %d mints", err, w.mints)
	}
}

func TestUntriedIsNotShared(t *testing.T) {
	w := newWorld()
	w.mintErr = Untried{errors.New("nobody answered")}
	for range 2 {
		if _, err := w.get(t, Demand{}); err == nil || err.Error() != "nobody answered" {
			t.Errorf("err %v", err)
		}
	}
	if w.mints != 2 {
		t.Errorf("%d mints", w.mints)
	}
}

// The command under exec --server may end while its credentials are being refreshed.
func TestWhatWasBrokenOffIsNotShared(t *testing.T) {
	w := newWorld()
	ctx, cancel := context.WithCancel(t.Context())
	w.whileLocking, w.mintErr = cancel, context.Canceled
	p := Provider{Source: w, Store: w, Now: w.clock, Warn: w.warn, Debug: t.Logf}
	if _, err := p.Get(ctx, Request{Role: "r"}, Demand{}); !errors.Is(err, context.Canceled) {
		t.Errorf("err %v", err)
	}
	w.whileLocking, w.mintErr = nil, nil
	if _, err := w.get(t, Demand{}); err != nil {
		t.Errorf("for others: %v", err)
	}
}

func TestWhoBreaksOffIsHandedNothingOld(t *testing.T) {
	w := newWorld()
	w.entry.Credentials = w.issue(start.Add(-50 * time.Minute))
	w.mintErr = Untried{fmt.Errorf("asking for the MFA code: %w", context.Canceled)}
	if _, err := w.get(t, Demand{Retry: true}); !errors.Is(err, context.Canceled) {
		t.Errorf("err %v", err)
	}
	w.mintErr = Untried{errors.New("nobody answered")}
	if _, err := w.get(t, Demand{Retry: true}); err != nil {
		t.Errorf("err %v", err)
	}
}

func TestFailuresAreForgottenAfterFiveSeconds(t *testing.T) {
	w := newWorld()
	w.mintErr = errors.New("denied")
	_, _ = w.get(t, Demand{})
	w.advance(5 * time.Second)
	w.mintErr = nil
	if _, err := w.get(t, Demand{}); err != nil {
		t.Error(err)
	}
}

func TestLockTimeout(t *testing.T) {
	w := newWorld()
	w.lockErr = ErrLockTimeout
	if _, err := w.get(t, Demand{}); err != nil || w.mints != 1 || w.saves != 0 {
		t.Errorf("STS: err %v, %d mints, %d saves", err, w.mints, w.saves)
	}
	w.kind = IAMUser
	w.entry.Credentials = w.issue(start.Add(-2 * time.Hour))
	if _, err := w.get(t, Demand{}); !errors.Is(err, ErrLockTimeout) || w.mints != 1 {
		t.Errorf("IAM user: err %v, %d mints", err, w.mints)
	}
	w.entry.Credentials = w.issue(start.Add(-50 * time.Minute))
	if _, err := w.get(t, Demand{}); err != nil || w.mints != 1 {
		t.Errorf("stale but valid: err %v, %d mints", err, w.mints)
	}
	w.entry.Credentials, w.roleReadable = nil, true
	if _, err := w.get(t, Demand{}); !errors.Is(err, ErrLockTimeout) || w.mints != 1 {
		t.Errorf("IAM user, cold: err %v, %d mints", err, w.mints)
	}
}

func TestCacheThatCannotBeWritten(t *testing.T) {
	w := newWorld()
	w.saveErr = errors.New("read-only file system")
	if _, err := w.get(t, Demand{}); err != nil || len(w.warnings) != 1 {
		t.Errorf("err %v, warnings %q", err, w.warnings)
	}
	w.lockErr = errors.New("permission denied")
	if _, err := w.get(t, Demand{}); err != nil || len(w.warnings) != 2 {
		t.Errorf("err %v, warnings %q", err, w.warnings)
	}
}

func TestClockSetBackIsAMiss(t *testing.T) {
	w := newWorld()
	w.entry.Credentials = w.issue(start)
	w.advance(-24 * time.Hour)
	if _, err := w.get(t, Demand{}); err != nil || w.mints != 1 {
		t.Errorf("err %v, %d mints", err, w.mints)
	}
}

func TestNoStore(t *testing.T) {
	w := newWorld()
	p := Provider{Source: w, Now: w.clock, Warn: w.warn, Debug: t.Logf}
	if _, err := p.Get(t.Context(), Request{}, Demand{}); err != nil || w.mints != 1 {
		t.Errorf("err %v, %d mints", err, w.mints)
	}
}

func TestIAMUserIsSettledOnceByWhoMinted(t *testing.T) {
	w := newWorld()
	w.kind = IAMUser
	for range 2 {
		c, err := w.get(t, Demand{})
		if err != nil || c.Unsettled {
			t.Errorf("err %v, %+v", err, c)
		}
	}
	if w.mints != 1 || w.settles != 1 || w.saves != 2 || w.entry.Credentials.Unsettled {
		t.Errorf("%d mints, %d settles, %d saves", w.mints, w.settles, w.saves)
	}
}

func TestUnsettledUserIsWaitedForNotReplaced(t *testing.T) {
	w := newWorld()
	w.kind = IAMUser
	w.settleErr = errors.New("not usable yet")
	if _, err := w.get(t, Demand{}); !errors.Is(err, w.settleErr) {
		t.Errorf("err %v", err)
	}
	w.advance(6 * time.Second)
	w.settleErr = nil
	if _, err := w.get(t, Demand{}); err != nil || w.mints != 1 || w.renewals != 0 || w.settles != 2 {
		t.Errorf("err %v, %d mints, %d renewals, %d settles", err, w.mints, w.renewals, w.settles)
	}
}

func TestLeaseIsRenewedBeforeAnotherUserIsMade(t *testing.T) {
	w := newWorld()
	w.kind = IAMUser
	w.entry.Credentials = w.issue(start)
	w.advance(50 * time.Minute)
	if _, err := w.get(t, Demand{}); err != nil || w.renewals != 1 || w.mints+w.settles != 0 || w.saves != 1 {
		t.Errorf("err %v, %d renewals, %d mints, %d settles, %d saves", err, w.renewals, w.mints, w.settles, w.saves)
	}
	w.advance(50 * time.Minute)
	w.renewTTL = 12 * time.Minute // the lease's maximum is near
	if _, err := w.get(t, Demand{MinTTL: 30 * time.Minute}); err != nil || w.mints != 1 || w.settles != 1 {
		t.Errorf("near the maximum: err %v, %d mints, %d settles", err, w.mints, w.settles)
	}
	w.advance(50 * time.Minute)
	w.renewErr = errors.New("denied")
	if _, err := w.get(t, Demand{}); err != nil || w.mints != 2 {
		t.Errorf("when renewal is denied: err %v, %d mints", err, w.mints)
	}
}

func TestRenewalsThatBringLessAndLess(t *testing.T) {
	w := newWorld()
	w.kind = IAMUser
	w.entry.Credentials = w.issue(start)
	w.advance(50 * time.Minute)
	w.renewTTL = 20 * time.Minute
	if c, err := w.get(t, Demand{Rule: HandOut}); err != nil || w.mints != 1 || c.Lease.Remaining(w.now) < 50*time.Minute {
		t.Errorf("err %v, %d mints, %v left", err, w.mints, c.Lease.Remaining(w.now))
	}
}

func TestTheTokenBoundsAnotherUserAsWell(t *testing.T) {
	w := newWorld()
	w.kind = IAMUser
	w.entry.Credentials = w.issue(start)
	w.advance(55 * time.Minute)
	w.renewTTL, w.tokenLeft = time.Hour, 5*time.Minute
	for range 3 {
		if _, err := w.get(t, Demand{Rule: HandOut}); err != nil || w.mints != 0 {
			t.Errorf("err %v, %d mints", err, w.mints)
		}
		w.advance(time.Minute)
		w.tokenLeft -= time.Minute
	}
}

func TestNoUserIsMadeThatWouldLiveTooShortWithoutRenewal(t *testing.T) {
	w := newWorld()
	w.kind = IAMUser
	w.renewErr = errors.New("made with another token")
	for range 4 {
		if _, err := w.get(t, Demand{MinTTL: 2 * time.Hour}); !errors.Is(err, ErrTooShort) {
			t.Errorf("err %v", err)
		}
	}
	if w.mints != 1 {
		t.Errorf("%d mints", w.mints)
	}
}

func TestNoUserIsMadeThatWouldLiveTooShort(t *testing.T) {
	w := newWorld()
	w.kind = IAMUser
	for range 4 {
		if _, err := w.get(t, Demand{MinTTL: 2 * time.Hour}); !errors.Is(err, ErrTooShort) {
			t.Errorf("err %v", err)
		}
	}
	if w.mints != 1 {
		t.Errorf("%d mints", w.mints)
	}
}

func TestLeaseThatIsOverIsNotRenewed(t *testing.T) {
	w := newWorld()
	w.kind = IAMUser
	w.entry.Credentials = w.issue(start)
	w.advance(2 * time.Hour)
	if _, err := w.get(t, Demand{}); err != nil || w.renewals != 0 || w.mints != 1 {
		t.Errorf("err %v, %d renewals, %d mints", err, w.renewals, w.mints)
	}
}

func TestMinTTL(t *testing.T) {
	w := newWorld()
	w.entry.Credentials = w.issue(start)
	w.advance(10 * time.Minute)
	if _, err := w.get(t, Demand{MinTTL: 50 * time.Minute}); err != nil || w.mints != 0 {
		t.Errorf("just enough: err %v, %d mints", err, w.mints)
	}
	if _, err := w.get(t, Demand{MinTTL: 55 * time.Minute}); err != nil || len(w.mintTTLs) != 1 || w.mintTTLs[0] != 0 {
		t.Errorf("the role's own lifetime will do: err %v, asked for %v", err, w.mintTTLs)
	}
	if _, err := w.get(t, Demand{MinTTL: 2 * time.Hour}); err != nil || len(w.mintTTLs) != 3 || w.mintTTLs[2] != 2*time.Hour {
		t.Errorf("more than the role's own: err %v, asked for %v", err, w.mintTTLs)
	}
	w.maxTTL = 90 * time.Minute
	if _, err := w.get(t, Demand{MinTTL: 3 * time.Hour}); !errors.Is(err, ErrTooShort) || !strings.Contains(err.Error(), "1h30m0s") {
		t.Errorf("more than the role's maximum: err %v", err)
	}
}

func TestMinTTLIsNotMetByWhatIsLeft(t *testing.T) {
	w := newWorld()
	w.entry.Credentials = w.issue(start)
	w.advance(50 * time.Minute)
	w.mintErr = errors.New("sealed")
	if _, err := w.get(t, Demand{MinTTL: 20 * time.Minute}); !errors.Is(err, w.mintErr) {
		t.Errorf("err %v", err)
	}
}
