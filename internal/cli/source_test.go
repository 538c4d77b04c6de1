package cli

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"vaws/internal/aws"
	"vaws/internal/credentials"
	"vaws/internal/hint"
)

func TestSettleAdvisesMoreTimeOnlyIfThatWouldHelp(t *testing.T) {
	sts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "<Code>InvalidClientTokenId</Code><Message>m</Message>", http.StatusForbidden)
	}))
	defer sts.Close()
	for name, test := range map[string]struct {
		whole, within time.Duration
		want          string
	}{
		"--settle is over":     {time.Minute, 1500 * time.Millisecond, "for more time: --settle 2m"},
		"all the time is over": {1500 * time.Millisecond, time.Minute, "run it again"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), test.whole)
		defer cancel()
		s := source{
			settler: aws.Settler{Endpoint: aws.Endpoint{URL: sts.URL, Region: "us-east-1"}, Now: time.Now, Pause: pause, Debug: t.Logf},
			within:  test.within, quiet: true, warn: func(err error) { t.Log(err) },
		}
		err := s.Settle(ctx, credentials.Credentials{AccessKeyID: "AKIA", SecretAccessKey: "s"})
		if got := strings.Join(hint.Of(err), "; "); err == nil || !strings.HasPrefix(got, test.want) {
			t.Errorf("%s: %v, hints %q", name, err, got)
		}
	}
}
