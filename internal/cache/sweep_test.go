package cache

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"vaws/internal/credentials"
)

const day = 24 * time.Hour

// age sets a file's time to that of the clock, as if it had been written then.
func age(t *testing.T, path string, at time.Time) {
	t.Helper()
	must(t, os.Chtimes(path, at, at))
}

func TestSweepRules(t *testing.T) {
	now := start.Add(100 * day)
	lease := func(expiry, end time.Time) credentials.Lease {
		return credentials.Lease{Issued: expiry.Add(-time.Hour), Expiry: expiry, VaultEnd: end}
	}
	sts := func(expiry time.Time) credentials.Credentials {
		c := minted
		c.Lease = lease(expiry, expiry)
		return c
	}
	user := func(expiry, end time.Time) credentials.Credentials {
		c := minted
		c.Kind, c.Lease = credentials.IAMUser, lease(expiry, end)
		return c
	}
	tests := map[string]struct {
		creds credentials.Credentials
		stays bool
	}{
		"alive":                  {sts(now.Add(time.Hour)), true},
		"expired today":          {sts(now.Add(-day + time.Minute)), true},
		"expired yesterday":      {sts(now.Add(-day - time.Minute)), false},
		"live IAM lease":         {user(now.Add(-10*day), now.Add(time.Hour)), true},
		"dead IAM lease":         {user(now.Add(-10*day), now.Add(-9*day)), false},
		"IAM lease dead lately":  {user(now.Add(-time.Hour), now.Add(-time.Hour)), true},
		"STS with a Vault lease": {func() credentials.Credentials { c := sts(now.Add(-2 * day)); c.Lease.VaultEnd = now.Add(day); return c }(), false},
	}
	for _, othersKey := range []bool{false, true} {
		for name, test := range tests {
			t.Run(fmt.Sprintf("%s, other key %v", name, othersKey), func(t *testing.T) {
				clock := &clock{start}
				o := options(t)
				o.Now = clock.Now
				c := open(t, o)
				save(t, c, request, test.creds)
				path := entryFile(t, c, credentialsEntry)
				age(t, path, test.creds.Lease.Issued)

				if othersKey {
					o.KeyFile += "2"
					c = open(t, o)
				}
				clock.now = now
				save(t, c, another, sts(now.Add(time.Hour)))
				if _, err := os.Stat(path); (err == nil) != test.stays {
					t.Errorf("after the sweep: %v", err)
				}
			})
		}
	}
}

func TestSweepOfEverythingElse(t *testing.T) {
	now := start.Add(100 * day)
	clock := &clock{start}
	o := options(t)
	o.Now = clock.Now
	c := open(t, o)
	save(t, c, request, minted)
	must(t, c.SaveFailure(t.Context(), another, failed))
	unlock, err := c.Lock(t.Context(), request)
	must(t, err)
	defer unlock()
	free, err := c.Lock(t.Context(), another)
	must(t, err)
	free()

	entries, locks := c.entriesDir(), c.locksDir()
	files := []struct {
		path  string
		made  time.Time
		stays bool
	}{
		{entryFile(t, c, failureEntry), start, false},
		{filepath.Join(entries, tempPrefix+"1"), now.Add(-2 * time.Hour), false},
		{filepath.Join(entries, tempPrefix+"2"), now.Add(-time.Minute), true},
		{filepath.Join(entries, "unreadable.vaws"), now.Add(-30 * day), true},
		{filepath.Join(entries, "unreadable-for-ages.vaws"), now.Add(-91 * day), false},
		{filepath.Join(locks, another.Key()+lockSuffix), now.Add(-2 * day), false},
		{filepath.Join(locks, request.Key()+lockSuffix), now.Add(-2 * day), true}, // held
		{filepath.Join(locks, "young"+lockSuffix), now.Add(-time.Hour), true},
		{filepath.Join(locks, tempPrefix+"1"), now.Add(-2 * time.Hour), false},
	}
	for _, f := range files {
		if _, err := os.Stat(f.path); err != nil {
			writeFile(t, f.path, []byte("{\"vaws\":2}\n"), 0o600)
		}
		age(t, f.path, f.made)
	}
	must(t, os.Mkdir(filepath.Join(entries, "directory"), 0o700))
	clock.now = now
	save(t, c, request, minted)
	for _, f := range files {
		if _, err := os.Stat(f.path); (err == nil) != f.stays {
			t.Errorf("after the sweep: %s: %v", filepath.Base(f.path), err)
		}
	}
}

// Where many processes begin after a weekend, each replaces its entry while another one
// sweeps.
func TestSweepKeepsWhatIsReplacedMeanwhile(t *testing.T) {
	now := start.Add(3 * day)
	clock := &clock{start}
	o := options(t)
	o.Now = clock.Now
	c := open(t, o)
	save(t, c, request, minted)
	age(t, entryFile(t, c, credentialsEntry), start)
	clock.now = now
	fresh := minted
	fresh.Lease.Issued, fresh.Lease.Expiry = now, now.Add(time.Hour)
	must(t, c.makeLocksDir())
	looked := func(path string, age time.Duration, now time.Time) bool {
		over := entryIsOver(path, age, now)
		save(t, c, request, fresh)
		return over
	}
	c.sweep(c.entriesDir(), now, looked, c.removeOver)
	if got := c.Load(t.Context(), request).Credentials; got == nil || !got.Lease.Expiry.Equal(fresh.Lease.Expiry) {
		t.Errorf("after the sweep: %+v", got)
	}
}

func TestSweepLeavesAnEntryToWhoFetchesIt(t *testing.T) {
	now := start.Add(3 * day)
	clock := &clock{start}
	o := options(t)
	o.Now = clock.Now
	c := open(t, o)
	save(t, c, request, minted)
	path := entryFile(t, c, credentialsEntry)
	age(t, path, start)
	clock.now = now
	unlock, err := c.Lock(t.Context(), request)
	must(t, err)
	c.sweep(c.entriesDir(), now, entryIsOver, c.removeOver)
	if _, err := os.Stat(path); err != nil {
		t.Errorf("while somebody fetches it: %v", err)
	}
	unlock()
	c.sweep(c.entriesDir(), now, entryIsOver, c.removeOver)
	if _, err := os.Stat(path); err == nil {
		t.Error("it is never swept")
	}
}

func TestSweepAtMostOnceAnHour(t *testing.T) {
	clock := &clock{start}
	o := options(t)
	o.Now = clock.Now
	c := open(t, o)
	save(t, c, request, minted)
	dead := filepath.Join(c.entriesDir(), tempPrefix+"dead")
	for _, step := range []struct {
		after time.Duration
		stays bool
	}{{59 * time.Minute, true}, {61 * time.Minute, false}, {90 * time.Minute, true}, {-2 * time.Hour, false}} {
		clock.now = start.Add(step.after)
		writeFile(t, dead, nil, 0o600)
		age(t, dead, clock.now.Add(-2*time.Hour))
		save(t, c, request, minted)
		if _, err := os.Stat(dead); (err == nil) != step.stays {
			t.Errorf("after %s: %v", step.after, err)
		}
	}
}

func TestManyEntriesAreSweptAndDoNotMatterToAHit(t *testing.T) {
	clock := &clock{start}
	o := options(t)
	o.Now = clock.Now
	c := open(t, o)
	save(t, c, request, minted)
	// Copies under other names: the sweep looks at headers only.
	file := readFile(t, entryFile(t, c, credentialsEntry))
	for i := range 10_000 {
		path := filepath.Join(c.entriesDir(), fmt.Sprintf("%s-%064d%s", c.key.id, i, credentialsEntry))
		must(t, os.WriteFile(path, file, 0o600))
		age(t, path, start)
	}
	if testing.AllocsPerRun(20, func() { c.Load(t.Context(), request) }) > 300 {
		t.Error("a hit among 10,000 entries does more than look at its own")
	}
	clock.now = start.Add(3 * day)
	fresh := minted
	fresh.Lease.Expiry = clock.now.Add(time.Hour)
	save(t, c, request, fresh)
	left, err := os.ReadDir(c.entriesDir())
	if err != nil || len(left) != 1 {
		t.Errorf("%d files left, %v", len(left), err)
	}
}
