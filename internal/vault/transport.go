package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"vaws/internal/faultpoint"
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
	faultpoint.Reach("before-request")
	resp, err := g.next.RoundTrip(faultpoint.WhenSent(req, "request-sent"))
	took := g.now().Sub(began).Round(time.Millisecond)
	asked := *req.URL
	asked.RawQuery = "" // which a sign-in's code is part of
	if err != nil {
		g.debug("%s %s: %v, %s", req.Method, &asked, err, took)
		return nil, asCut(err)
	}
	g.debug("%s %s: %s, %s", req.Method, &asked, resp.Status, took)
	defer resp.Body.Close()
	faultpoint.Reach("answer-begun")
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		return nil, &redirectError{to: origin(resp), standby: isStandbys(resp)}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, &brokenError{err}
	}
	if len(body) > maxAnswer {
		return nil, &strangeError{fmt.Sprintf("it is longer than %d bytes", maxAnswer)}
	}
	if resp.StatusCode == http.StatusOK && len(body) == 0 { // Vault's would be a 204
		return nil, &strangeError{"there is nothing in it"}
	}
	faultpoint.Reach("answered")
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

// isStandbys reports whether a redirect is a standby's: 307 to the same path at the leader,
// or at the leader that it still believes in when that is gone (respondStandby in Vault's
// http/handler.go). A proxy that sends http on to https names the host that was asked.
func isStandbys(resp *http.Response) bool {
	location, err := resp.Location()
	if err != nil || resp.StatusCode != http.StatusTemporaryRedirect {
		return false
	}
	asked := resp.Request.URL
	isToTLS := location.Hostname() == asked.Hostname() && location.Scheme != asked.Scheme
	return location.Path == asked.Path && !isToTLS
}

// redirectError says that Vault sent the client elsewhere.
type redirectError struct {
	to      string // scheme and host; empty: not to be shown
	standby bool
}

func (e *redirectError) Error() string { return fmt.Sprintf("redirected to %q", e.to) }

// brokenError says that an answer began and did not end well. What was asked for
// may have been done.
type brokenError struct{ err error }

func (e *brokenError) Error() string { return e.err.Error() }
func (e *brokenError) Unwrap() error { return e.err }

// strangeError says that an answer is none of Vault's.
type strangeError struct{ why string }

func (e *strangeError) Error() string { return "the answer is not Vault's: " + e.why }

// cutError says that a connection ended before there was an answer. What was asked for
// may have been done.
type cutError struct {
	why string
	err error
}

func (e *cutError) Error() string { return e.err.Error() }
func (e *cutError) Unwrap() error { return e.err }

// asCut recognises a connection that the other side ended. The reason comes without
// addresses and ports.
func asCut(err error) error {
	for _, cut := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, cut) {
			return &cutError{cut.Error(), err}
		}
	}
	return err
}

const (
	maxTries  = 80
	retryFor  = 3 * time.Second
	longPause = 2 * time.Second // a longer Retry-After is for the user to wait out
	// A cluster that lost its leader misses it after 5 to 10 seconds, and needs as many
	// again for an election that has no winner (performance_multiplier in
	// https://developer.hashicorp.com/vault/docs/configuration/storage/raft).
	electFor     = 30 * time.Second
	longestPause = time.Second
)

// retries repeats only what surely did not reach an active Vault: repeating a
// request that did could mint a second IAM user. (A standby that was forwarding one to the
// leader when that died redirects as well, so there it may be one user too many.)
type retries struct {
	now      func() time.Time
	mu       sync.Mutex // a client may be asked by several goroutines at once
	began    time.Time  // of the first failure; zero: none yet
	patience time.Duration
}

// check implements retryablehttp.CheckRetry.
func (r *retries) check(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	patience := worthRepeating(resp, err)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.began.IsZero() {
		r.began, r.patience = r.now(), 0
	}
	// A cluster whose one node refuses may still be electing.
	r.patience = max(r.patience, patience)
	if patience > 0 && r.now().Before(r.began.Add(r.patience)) && hasTime(ctx, resp) {
		return true, nil
	}
	r.began = time.Time{}
	return false, nil
}

// worthRepeating is how long to go on after what surely did not reach an active Vault;
// zero for everything else.
func worthRepeating(resp *http.Response, err error) time.Duration {
	redirect := (*redirectError)(nil)
	switch {
	case errors.As(err, &redirect) && redirect.standby, err == nil && isStandby(resp):
		return electFor
	case refused(err), err == nil && (shortPause(resp) > 0 || isRefusedBehind(resp)):
		return retryFor
	}
	return 0
}

// hasTime reports whether the pause before the next attempt ends in time. If it does not,
// what went wrong tells more than that the time is over.
func hasTime(ctx context.Context, resp *http.Response) bool {
	end, bounded := ctx.Deadline()
	return !bounded || time.Until(end) > max(longestPause, shortPause(resp))
}

// pause implements retryablehttp.Backoff. Of many processes each takes another one.
func (r *retries) pause(_, _ time.Duration, attempt int, resp *http.Response) time.Duration {
	if d := shortPause(resp); d > 0 {
		return d
	}
	longest := min(50*time.Millisecond<<min(attempt, 5), longestPause)
	return longest/2 + rand.N(longest/2)
}

// refused reports whether nobody listened at the address. Windows has a number
// of its own for it, WSAECONNREFUSED.
func refused(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.Errno(10061))
}

// isStandby recognises a standby node that has no active one to forward to: Vault's
// http/handler.go, and ErrStandby of its sdk/helper/consts.
func isStandby(resp *http.Response) bool {
	text := failure(resp)
	return strings.Contains(text, "local node not active") || strings.Contains(text, "no active Vault instance found") ||
		strings.Contains(text, "Vault is in standby mode")
}

// isRefusedBehind recognises a Vault Agent or Proxy behind which nobody listens: Vault's
// command/agentproxyshared/cache/handler.go.
func isRefusedBehind(resp *http.Response) bool {
	text := failure(resp)
	return strings.Contains(text, "failed to get the response") && strings.Contains(text, "connection refused")
}

// failure is the text of an answer that tells of a failure of Vault; empty for others.
func failure(resp *http.Response) string {
	if resp == nil || resp.StatusCode < 500 {
		return ""
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil {
		return ""
	}
	return string(body)
}

// shortPause is the Retry-After of a 429, if it is worth waiting for. Vault tells of none
// unless its quotas are configured to (enable_rate_limit_response_headers in
// https://developer.hashicorp.com/vault/api-docs/system/quotas-config); they count by the
// second then, if nothing else is said.
func shortPause(resp *http.Response) time.Duration {
	if resp == nil || resp.StatusCode != http.StatusTooManyRequests {
		return 0
	}
	after := resp.Header.Get("Retry-After")
	if after == "" {
		return time.Second
	}
	seconds, err := strconv.Atoi(after)
	if d := time.Duration(seconds) * time.Second; err == nil && d > 0 && d <= longPause {
		return d
	}
	return 0
}
