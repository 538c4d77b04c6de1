package credentials

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

const (
	machines = 400
	// The outage begins when the fleet has been running long enough to have
	// forgotten how it began.
	calm      = 3 * time.Hour
	outage    = 30 * time.Minute
	aftermath = 3 * time.Hour
	// Somebody on each machine asks for credentials this often, on average.
	poll = time.Second
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// machine is one cache with a clock and a Vault of its own. It is the source and the
// store of its provider.
type machine struct {
	scenario
	random *rand.Rand
	now    time.Time
	entry  Entry
	asked  []time.Duration // when Vault was asked, since epoch
}

// scenario is what happens to the fleet.
type scenario struct {
	life time.Duration // of the credentials
	even bool          // every lease begins with a whole second, so that none is spread
}

func (m *machine) away() bool {
	since := m.now.Sub(epoch)
	return since >= calm && since < calm+outage
}

func (m *machine) Mint(context.Context, Request) (Credentials, error) {
	if m.away() {
		return Credentials{}, errors.New("connection refused")
	}
	m.asked = append(m.asked, m.now.Sub(epoch))
	issued := m.now.Add(time.Duration(m.random.Int64N(int64(time.Second))))
	if m.even {
		issued = m.now.Truncate(time.Second)
	}
	lease := Lease{Issued: issued, Expiry: issued.Add(m.life)}
	return Credentials{Kind: STS, AccessKeyID: "key", SecretAccessKey: "secret", Lease: lease}, nil
}

func (m *machine) Renew(_ context.Context, _ Request, c Credentials) (Credentials, error) {
	return c, errors.New("not renewable")
}

func (m *machine) Settle(context.Context, Credentials) error { return nil }

func (m *machine) MakesUser(context.Context, Request) bool { return false }

func (m *machine) Caller(context.Context, Request) string { return "token" }

func (m *machine) Load(context.Context, Request) Entry { return m.entry }

func (m *machine) Lock(context.Context, Request) (func(), error) {
	return func() {}, nil
}

func (m *machine) Save(_ context.Context, _ Request, c Credentials) error {
	m.entry = Entry{Credentials: &c}
	return nil
}

func (m *machine) SaveFailure(_ context.Context, _ Request, f Failure) error {
	m.entry.Failure = &f
	return nil
}

// live lets the machine ask, at moments of its own, until the end. While credentials
// are fresh, asking does nothing, and is left out.
func (m *machine) live() {
	p := Provider{Source: m, Store: m, Now: func() time.Time { return m.now }, Warn: func(error) {}, Debug: func(string, ...any) {}}
	end := epoch.Add(calm + outage + aftermath)
	for m.now = epoch.Add(m.within(m.life)); m.now.Before(end); m.now = m.now.Add(m.within(2 * poll)) {
		_, _ = p.Get(context.Background(), Request{Role: "role"}, Demand{Rule: Refreshable})
		if c := m.entry.Credentials; c != nil && m.entry.Failure == nil {
			m.now = c.Lease.StaleAt(Refreshable)
		}
	}
}

func (m *machine) within(d time.Duration) time.Duration {
	return time.Duration(m.random.Int64N(int64(d)))
}

// result is what Vault sees of the fleet, in requests that reach it.
type result struct {
	perHour float64 // of one machine, while all is well
	after   int     // in the busiest second of the minute after the outage
	later   int     // in the busiest second from then on
}

func (s scenario) play() result {
	perSecond := map[int]int{}
	steady := 0
	for i := range machines {
		m := &machine{scenario: s, random: rand.New(rand.NewPCG(1, uint64(i)))}
		m.live()
		for _, at := range m.asked {
			perSecond[int(at/time.Second)]++
			if at >= s.life && at < calm {
				steady++
			}
		}
	}
	end := int((calm + outage) / time.Second)
	r := result{perHour: float64(steady) / machines / (calm - s.life).Hours()}
	for second, n := range perSecond {
		switch {
		case second >= end && second < end+60:
			r.after = max(r.after, n)
		case second >= end+60:
			r.later = max(r.later, n)
		}
	}
	return r
}

// fleetTable compares what vaws does with what it would do without the spread.
func fleetTable() string {
	var out strings.Builder
	out.WriteString("| credentials live | requests of a machine an hour | after an outage, busiest second | in the three hours from then on | the same, if nothing were spread |\n| --- | --- | --- | --- | --- |\n")
	for _, life := range []time.Duration{15 * time.Minute, time.Hour} {
		r, even := scenario{life, false}.play(), scenario{life, true}.play()
		fmt.Fprintf(&out, "| %.0f minutes | %.1f | %s | %s | %s |\n", life.Minutes(), r.perHour, share(r.after), share(r.later), share(even.later))
	}
	return out.String()
}

func share(n int) string { return fmt.Sprintf("%.1f %% of the machines", 100*float64(n)/machines) }

// The page says what a fleet asks of Vault. Play it again when a rule changes: the
// table that is printed then goes into the page.
func TestFleetOnThePage(t *testing.T) {
	page, err := os.ReadFile("../../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	if table := fleetTable(); !strings.Contains(string(page), table) {
		t.Errorf("docs/performance.md does not have\n%s", table)
	}
}
