package aws

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"vaws/internal/credentials"
	"vaws/internal/hint"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

var keys = credentials.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/secret"}

const denied = `<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>The security token
 included in the request is invalid.</Message></Error></ErrorResponse>`

// settle runs a Settler against a server that answers its calls, counted from
// one, and whose pauses take no time; it has as many pauses as given.
func settle(t *testing.T, pauses int, answer func(call int, w http.ResponseWriter)) (calls int32, err error) {
	t.Helper()
	var count atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		auth := r.Header.Get("Authorization")
		if string(body) != identityCall || !strings.Contains(auth, "Credential=AKIAIOSFODNN7EXAMPLE/20260102/eu-west-1/sts/aws4_request") {
			t.Errorf("request %q, authorization %q", body, auth)
		}
		answer(int(count.Add(1)), w)
	}))
	defer server.Close()
	s := Settler{
		Endpoint: Endpoint{URL: server.URL, Region: "eu-west-1"},
		Now:      func() time.Time { return start },
		Debug:    t.Logf,
		Pause: func(context.Context, time.Duration) error {
			if pauses--; pauses < 0 {
				return context.DeadlineExceeded
			}
			return nil
		},
	}
	err = s.Settle(t.Context(), keys)
	return count.Load(), err
}

func refuse(w http.ResponseWriter) {
	w.WriteHeader(403)
	io.WriteString(w, denied)
}

func TestSettleWantsFiveInARow(t *testing.T) {
	total, err := settle(t, 100, func(call int, w http.ResponseWriter) {
		if call <= 3 || call == 6 {
			refuse(w)
		}
	})
	if err != nil || total != 11 {
		t.Errorf("%d calls, err %v", total, err)
	}
}

func TestSettleSaysWhatAWSAnsweredLast(t *testing.T) {
	_, err := settle(t, 7, func(_ int, w http.ResponseWriter) { refuse(w) })
	var refusal *Refusal
	if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &refusal) || refusal.Code != "InvalidClientTokenId" {
		t.Errorf("err %v", err)
	}
	if text := err.Error(); strings.Contains(text, "\n") || strings.Contains(text, "secret") {
		t.Errorf("error %q", text)
	}
}

func TestWrongClockIsNotWaitedFor(t *testing.T) {
	for _, message := range []string{
		"Signature expired: 20260102T030405Z is now earlier than 20260102T035905Z (20260102T040405Z - 5 min.)",
		"Signature not yet current: 20260102T030405Z is still later than 20260102T020905Z (20260102T020405Z + 5 min.)",
	} {
		total, err := settle(t, 100, func(call int, w http.ResponseWriter) {
			if call == 1 { // not known everywhere yet
				refuse(w)
				return
			}
			w.WriteHeader(403)
			io.WriteString(w, "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>"+message+"</Message></Error></ErrorResponse>")
		})
		if total != 2 || err == nil || !strings.Contains(err.Error(), message) || !strings.Contains(strings.Join(hint.Of(err), ""), "clock") {
			t.Errorf("%d calls, err %v, hints %q", total, err, hint.Of(err))
		}
	}
}

func TestAWSOutOfReach(t *testing.T) {
	total, err := settle(t, 100, func(_ int, w http.ResponseWriter) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			conn.Close()
		}
	})
	if !errors.Is(err, ErrUnreachable) || total != patience {
		t.Errorf("%d calls, err %v", total, err)
	}
}

func TestStrangeAnswers(t *testing.T) {
	_, err := settle(t, 3, func(_ int, w http.ResponseWriter) {
		w.Header().Set("Location", "http://127.0.0.1:1/")
		w.WriteHeader(307)
		io.WriteString(w, "<html>")
	})
	var refusal *Refusal
	if !errors.As(err, &refusal) || refusal.Status != 307 {
		t.Errorf("err %v", err)
	}
}

func TestEndpoint(t *testing.T) {
	for _, c := range []struct {
		region, profile string
		env             map[string]string
		want            Endpoint
	}{
		{"", "", nil, Endpoint{URL: "https://sts.us-east-1.amazonaws.com", Region: "us-east-1"}},
		{"eu-west-1", "", nil, Endpoint{URL: "https://sts.eu-west-1.amazonaws.com", Region: "eu-west-1"}},
		{"cn-north-1", "", nil, Endpoint{URL: "https://sts.cn-north-1.amazonaws.com.cn", Region: "cn-north-1"}},
		{"us-gov-west-1", "", nil, Endpoint{URL: "https://sts.us-gov-west-1.amazonaws.com", Region: "us-gov-west-1"}},
		{"us-isob-east-1", "", nil, Endpoint{URL: "https://sts.us-isob-east-1.sc2s.sgov.gov", Region: "us-isob-east-1"}},
		{"eu-west-1", "http://p/", nil, Endpoint{URL: "http://p", Region: "eu-west-1"}},
		{"eu-west-1", "http://p", map[string]string{"AWS_ENDPOINT_URL": "http://all"}, Endpoint{URL: "http://all", Region: "eu-west-1"}},
		{"", "", map[string]string{"AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_STS": "http://sts"}, Endpoint{URL: "http://sts", Region: "us-east-1"}},
		{"", "http://p", map[string]string{"AWS_ENDPOINT_URL": "http://all", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, Endpoint{URL: "https://sts.us-east-1.amazonaws.com", Region: "us-east-1"}},
	} {
		if got := STS(c.region, c.profile, func(name string) string { return c.env[name] }); got != c.want {
			t.Errorf("%q %q %v: %v, want %v", c.region, c.profile, c.env, got, c.want)
		}
	}
}

func TestSilenceUntilTheDeadlineIsOutOfReach(t *testing.T) {
	_, err := settle(t, 1, func(_ int, w http.ResponseWriter) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			conn.Close()
		}
	})
	if !errors.Is(err, ErrUnreachable) {
		t.Errorf("err %v", err)
	}
}
