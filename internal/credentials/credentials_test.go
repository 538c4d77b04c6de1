package credentials

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

func TestFresh(t *testing.T) {
	for _, c := range []struct {
		life, age            time.Duration
		refreshable, handOut bool
	}{
		{time.Hour, 0, true, true},
		{time.Hour, 29 * time.Minute, true, true},
		{time.Hour, 31 * time.Minute, true, false},
		{time.Hour, 43 * time.Minute, true, false},
		{time.Hour, 44 * time.Minute, false, false},
		{15 * time.Minute, 7 * time.Minute, true, true},
		{15 * time.Minute, 8 * time.Minute, false, false},
		{36 * time.Hour, 23 * time.Hour, true, true},
		{36 * time.Hour, 24 * time.Hour, true, false},
		{time.Hour, time.Hour, false, false},
		{time.Hour, -30 * time.Second, true, true},
		{time.Hour, -2 * time.Minute, false, false},
		{0, 0, false, false},
		{-time.Hour, 0, false, false},
	} {
		l := Lease{Issued: start, Expiry: start.Add(c.life)}
		now := start.Add(c.age)
		if got := l.Fresh(Refreshable, now); got != c.refreshable {
			t.Errorf("life %v age %v: refreshable %v", c.life, c.age, got)
		}
		if got := l.Fresh(HandOut, now); got != c.handOut {
			t.Errorf("life %v age %v: hand out %v", c.life, c.age, got)
		}
	}
}

func TestProcessJSON(t *testing.T) {
	c := Credentials{AccessKeyID: "AKIA", SecretAccessKey: "s<>&", Lease: Lease{
		Expiry: time.Date(2026, 7, 1, 12, 0, 0, 999_999_999, time.FixedZone("", 2*3600))}}
	want := `{"Version":1,"AccessKeyId":"AKIA","SecretAccessKey":"s\u003c\u003e\u0026","Expiration":"2026-07-01T10:00:00Z"}` + "\n"
	if got := string(c.ProcessJSON()); got != want {
		t.Errorf("got  %swant %s", got, want)
	}
	c.SessionToken, c.ARN = "t", "arn:aws:sts::123456789012:assumed-role/r/s"
	var got map[string]any
	if err := json.Unmarshal(c.ProcessJSON(), &got); err != nil || got["SessionToken"] != "t" || got["AccountId"] != "123456789012" || got["Version"] != 1.0 {
		t.Errorf("%v %v", got, err)
	}
}

func TestAccountID(t *testing.T) {
	for arn, want := range map[string]string{
		"arn:aws:sts::123456789012:assumed-role/r/s:t":  "123456789012",
		"arn:aws-cn:sts::123456789012:assumed-role/r/s": "123456789012",
		"": "", "arn:aws:sts::12345:x": "", "arn:aws:sts::12345678901x:x": "", "x:aws:sts::123456789012:x": "",
	} {
		if got := (Credentials{ARN: arn}).AccountID(); got != want {
			t.Errorf("%q: %q", arn, got)
		}
	}
}

func TestPrincipal(t *testing.T) {
	for arn, want := range map[string]string{
		"arn:aws:sts::123456789012:assumed-role/admin/vault-1": "admin",
		"arn:aws:sts::123456789012:federated-user/build":       "federated-user/build",
		"arn:aws:iam::123456789012:user/a":                     "user/a",
		"":                                                     "", "nonsense": "",
	} {
		if got := (Credentials{ARN: arn}).Principal(); got != want {
			t.Errorf("%q: %q", arn, got)
		}
	}
}

func TestRoughly(t *testing.T) {
	for text, want := range map[string]string{
		"0s": "0s", "45.9s": "45s", "1m": "1m", "1m30s": "1m30s", "52m59s": "52m", "1h": "1h", "1h0m59s": "1h",
		"3h12m": "3h12m", "3h2m": "3h02m", "24h": "1d0h", "772h": "32d4h",
	} {
		d, err := time.ParseDuration(text)
		if got := Roughly(d); err != nil || got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// What is stale is no longer fresh, and a moment before it was.
func TestStaleAt(t *testing.T) {
	issued := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	for _, l := range []Lease{
		{Issued: issued, Expiry: issued.Add(time.Hour)},
		{Issued: issued, Expiry: issued.Add(15 * time.Minute)},
		{Issued: issued, Expiry: issued.Add(36 * time.Hour)},
		{Issued: issued, Expiry: issued.Add(time.Minute), Granted: time.Hour},
	} {
		for _, rule := range []Rule{Refreshable, HandOut} {
			at := l.StaleAt(rule)
			if l.Fresh(rule, at) || at.After(issued) && !l.Fresh(rule, at.Add(-time.Second)) {
				t.Errorf("%v, rule %d: stale at %s", l, rule, at)
			}
		}
	}
}

// Every field must be in the key, or two targets share credentials.
// A thousand machines that an outage has brought together ask at different times the
// next time, none of them later than the rule has it, and none much earlier.
func TestFleetComesApart(t *testing.T) {
	outage := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for life, window := range map[time.Duration]struct{ first, last time.Duration }{
		15 * time.Minute: {6*time.Minute + 33*time.Second, 7*time.Minute + 31*time.Second},
		time.Hour:        {38*time.Minute + 30*time.Second, 44*time.Minute + time.Second},
		12 * time.Hour:   {11*time.Hour + 28*time.Minute, 11*time.Hour + 44*time.Minute + time.Second},
	} {
		perMinute := map[time.Duration]int{}
		for i := range 1000 {
			issued := outage.Add(time.Duration(i) * time.Millisecond)
			after := Lease{Issued: issued, Expiry: issued.Add(life)}.StaleAt(Refreshable).Sub(outage)
			if after < window.first || after > window.last {
				t.Fatalf("%v: stale after %v", life, after)
			}
			perMinute[after.Truncate(time.Minute)]++
		}
		// All of them at once, divided by the minutes that they are spread over.
		minutes := int((window.last - window.first) / time.Minute)
		for minute, n := range perMinute {
			if minutes > 0 && n > 1100/minutes {
				t.Errorf("%v: %d in minute %v", life, n, minute)
			}
		}
	}
}

func TestKeyCoversEveryField(t *testing.T) {
	base := Request{}
	seen := map[string]string{base.Key(): "zero"}
	fields := reflect.TypeFor[Request]()
	for i := range fields.NumField() {
		r := reflect.New(fields).Elem()
		switch r.Field(i).Kind() {
		case reflect.String:
			r.Field(i).SetString("x")
		case reflect.Int64:
			r.Field(i).SetInt(1)
		default:
			t.Fatalf("field %s has a kind this test does not know", fields.Field(i).Name)
		}
		key := r.Interface().(Request).Key()
		if other, dup := seen[key]; dup {
			t.Errorf("field %s does not change the key (%s)", fields.Field(i).Name, other)
		}
		seen[key] = fields.Field(i).Name
	}
}

func TestKeyKeepsFieldsApart(t *testing.T) {
	if (Request{Mount: "ab", Endpoint: "c"}).Key() == (Request{Mount: "a", Endpoint: "bc"}).Key() {
		t.Error("two requests run together")
	}
}

func TestEnviron(t *testing.T) {
	known := map[string]bool{}
	for _, name := range Own() {
		known[name] = true
	}
	c := Credentials{AccessKeyID: "a", SecretAccessKey: "b", SessionToken: "c", ARN: "arn:aws:sts::123456789012:x/y"}
	if got := c.Environ(); len(got) != len(known) {
		t.Errorf("%d variables, Own names %d", len(got), len(known))
	}
	for _, v := range c.Environ() {
		if !known[v.Name] {
			t.Errorf("%s is not in Own", v.Name)
		}
	}
	if got := (Credentials{}).Environ(); len(got) != 3 {
		t.Errorf("without token and account: %v", got)
	}
}

// Clients are told an expiry cut to the second: what ends within this one has ended.
func TestValidAsClientsAreTold(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 600, time.UTC)
	for expiry, want := range map[time.Time]bool{
		now:                            false,
		now.Add(time.Second - 601):     false,
		now.Add(time.Second - 600):     true,
		now.Add(time.Second):           true,
		now.Truncate(time.Second):      false,
		now.Add(-time.Hour):            false,
		now.Add(time.Hour).Add(-600):   true,
		now.Add(time.Hour).Add(123456): true,
	} {
		c := Credentials{AccessKeyID: "AKIA1", SecretAccessKey: "s", Lease: Lease{Issued: now, Expiry: expiry}}
		if got := c.Valid(now); got != want {
			t.Errorf("until %s, printed %s: %v", expiry, c.Lease.Expiration(), got)
		}
	}
}
