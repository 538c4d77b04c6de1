package vault

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"vaws/internal/hint"
)

func TestAhead(t *testing.T) {
	noon := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct{ began, ended, want time.Duration }{
		{0, 0, 0},
		{999 * time.Millisecond, time.Second, 0}, // a Date has whole seconds
		{-10 * time.Second, 10 * time.Second, 0}, // a slow answer tells nothing
		{time.Minute, time.Minute + time.Second, time.Minute},
		{-time.Hour, -time.Hour + time.Second, -time.Hour + time.Second},
	} {
		if got := ahead(noon.Format(http.TimeFormat), noon.Add(c.began), noon.Add(c.ended)); got != c.want {
			t.Errorf("%s to %s: %s, want %s", c.began, c.ended, got, c.want)
		}
	}
	if got := ahead("nonsense", noon, noon); got != 0 {
		t.Errorf("without a date: %s", got)
	}
}

func TestExamine(t *testing.T) {
	for _, c := range []struct {
		body   string
		status int
		skew   time.Duration
		usable bool
		want   string
	}{
		{`{"initialized":true,"sealed":false,"version":"1.21.1"}`, 200, 0, true, "ok vault ADDR: Vault 1.21.1, unsealed; ok clock: agrees with Vault's; warn namespace team: this edition of Vault has no namespaces, and ignores it"},
		{`{"initialized":true,"sealed":false,"standby":true,"enterprise":true,"version":"1.21.1+ent"}`, 299, 0, true, "ok vault ADDR: a standby of Vault 1.21.1+ent, unsealed; ok clock: agrees with Vault's"},
		{`{"initialized":true,"sealed":true}`, 299, 0, false, "wrong vault ADDR: it is sealed"},
		{`{"initialized":false,"sealed":true}`, 299, 0, false, "wrong vault ADDR: it is not initialized"},
		{`{"initialized":true,"enterprise":true,"version":"x"}`, 200, -40 * time.Second, true, "ok vault ADDR: Vault x, unsealed; warn clock: this machine's clock is 40s ahead of Vault's"},
		{`{"initialized":true,"enterprise":true,"version":"x"}`, 200, 6 * time.Minute, true, "ok vault ADDR: Vault x, unsealed; wrong clock: this machine's clock is 6m behind Vault's; AWS refuses signatures of a wrong time"},
		{`<html>sign in</html>`, 200, 0, false, "wrong vault ADDR: ADDR answered, but not as Vault does"},
		{`<html>sign in</html>`, 502, 0, false, "wrong vault ADDR: ADDR answered 502, but not as Vault does"},
	} {
		now := time.Now().Truncate(time.Second)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", now.Add(c.skew).UTC().Format(http.TimeFormat))
			w.WriteHeader(c.status)
			fmt.Fprint(w, c.body)
		}))
		s := New(Config{Address: server.URL, Once: true, Now: func() time.Time { return now }, Debug: func(string, ...any) {}})
		findings, usable := s.Examine(t.Context(), "team")
		server.Close()
		var texts []string
		for _, f := range findings {
			texts = append(texts, fmt.Sprintf("%s %s: %s", f.Status, f.About, f.Text))
			if f.Status != hint.Fine && len(f.Hints) == 0 {
				t.Errorf("no hint: %s", f.Text)
			}
		}
		if got := strings.ReplaceAll(strings.Join(texts, "; "), server.URL, "ADDR"); got != c.want || usable != c.usable {
			t.Errorf("%s: %t %s", c.body, usable, got)
		}
	}
}

// One that is away is told of at once, not after retries.
func TestOnce(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	asked := 0
	debug := func(string, ...any) { asked++ }
	_, err := New(Config{Address: server.URL, Once: true, Now: time.Now, Debug: debug}).Health(t.Context())
	if err == nil || !strings.Contains(err.Error(), "connection refused") || asked != 1 {
		t.Errorf("%v after %d requests", err, asked)
	}
}
