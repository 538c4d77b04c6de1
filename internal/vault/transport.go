package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// An answer with credentials takes a few kilobytes.
const maxAnswer = 1 << 20

// guard stands between the API client and the network. It follows no redirect,
// which would carry the token to another host, reads no more than maxAnswer, and
// tells the debug log what was asked, without headers and bodies.
type guard struct {
	next  *http.Transport
	now   func() time.Time
	debug func(format string, args ...any)
}

// RoundTrip implements http.RoundTripper.
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	began := g.now()
	if req.Method == http.MethodGet {
		// On a connection that has been used before, net/http sends a GET again
		// if the server hangs up; and Vault makes IAM users for GETs too.
		g.next.CloseIdleConnections()
	}
	resp, err := g.next.RoundTrip(req)
	took := g.now().Sub(began).Round(time.Millisecond)
	asked := *req.URL
	asked.RawQuery = "" // which a sign-in's code is part of
	if err != nil {
		g.debug("%s %s: %v, %s", req.Method, &asked, err, took)
		return nil, err
	}
	g.debug("%s %s: %s, %s", req.Method, &asked, resp.Status, took)
	defer resp.Body.Close()
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		return nil, &redirectError{to: origin(resp)}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, &brokenError{err}
	}
	if len(body) > maxAnswer {
		return nil, &brokenError{fmt.Errorf("the answer is longer than %d bytes", maxAnswer)}
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// origin is the scheme and host that a redirect points to; empty if they hold
// more than may be shown in a command to paste, such as "$(…)".
func origin(resp *http.Response) string {
	location, err := resp.Location()
	if err != nil || strings.Trim(location.Host, hostCharacters) != "" {
		return ""
	}
	return (&url.URL{Scheme: location.Scheme, Host: location.Host}).String()
}

const hostCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]"

// redirectError says that Vault sent the client elsewhere.
type redirectError struct{ to string }

func (e *redirectError) Error() string { return fmt.Sprintf("redirected to %q", e.to) }

// brokenError says that an answer began and did not end well. What was asked for
// may have been done.
type brokenError struct{ err error }

func (e *brokenError) Error() string { return e.err.Error() }
func (e *brokenError) Unwrap() error { return e.err }

const (
	maxTries  = 20
	retryFor  = 3 * time.Second
	longPause = 2 * time.Second // a longer Retry-After is for the user to wait out
)

// retries repeats only what surely did not reach an active Vault: repeating a
// request that did could mint a second IAM user.
type retries struct {
	now   func() time.Time
	mu    sync.Mutex // a client may be asked by several goroutines at once
	until time.Time
}

// check implements retryablehttp.CheckRetry.
func (r *retries) check(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	harmless := refused(err) || err == nil && (isStandby(resp) || shortPause(resp) > 0)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.until.IsZero() {
		r.until = r.now().Add(retryFor)
	}
	if harmless && r.now().Before(r.until) {
		return true, nil
	}
	r.until = time.Time{}
	return false, nil
}

// pause implements retryablehttp.Backoff.
func (r *retries) pause(_, _ time.Duration, attempt int, resp *http.Response) time.Duration {
	if d := shortPause(resp); d > 0 {
		return d
	}
	return min(50*time.Millisecond<<min(attempt, 4), 500*time.Millisecond)
}

// refused reports whether nobody listened at the address. Windows has a number
// of its own for it, WSAECONNREFUSED.
func refused(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.Errno(10061))
}

// isStandby recognises a standby node that has no active one to forward to
// (consts.ErrStandby and "local node not active" in Vault's http/handler.go).
func isStandby(resp *http.Response) bool {
	if resp == nil || resp.StatusCode < 500 {
		return false
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return err == nil && (bytes.Contains(body, []byte("local node not active")) || bytes.Contains(body, []byte("Vault is in standby mode")))
}

// shortPause is the Retry-After of a 429, if it is worth waiting for.
func shortPause(resp *http.Response) time.Duration {
	if resp == nil || resp.StatusCode != http.StatusTooManyRequests {
		return 0
	}
	seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if d := time.Duration(seconds) * time.Second; err == nil && d > 0 && d <= longPause {
		return d
	}
	return 0
}
