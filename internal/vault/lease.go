package vault

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"

	"vaws/internal/credentials"
	"vaws/internal/hint"
)

const (
	// lookupTimeout keeps a question beside the point from taking the time of
	// those that matter.
	lookupTimeout = 5 * time.Second
	// cautiousLife is for a token whose life could not be learnt.
	cautiousLife = 15 * time.Minute
)

// boundByToken shortens the life of an IAM user to that of the token that made
// it, with which Vault deletes it.
func (s *Source) boundByToken(ctx context.Context, l *credentials.Lease) {
	l.Token = s.token.Digest()
	if end := s.endOfToken(ctx); !end.IsZero() && end.Before(l.Expiry) {
		l.Expiry = end
	}
}

// endOfToken is when the token ends; zero if that is not bounded. What the log-in
// said is an upper bound for a token that may not look itself up; of another such
// token nothing is known, and the lease alone counts.
func (s *Source) endOfToken(ctx context.Context) time.Time {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	asked := s.config.Now()
	self, err := s.client.Auth().Token().LookupSelfWithContext(ctx)
	if denied := (*deniedError)(nil); errors.As(asDenied(err), &denied) {
		s.config.Debug("the token may not look itself up")
		return s.token.Expiry
	}
	if err != nil || self == nil {
		s.config.Debug("the token's own lifetime is not known: %v", err)
		return asked.Add(cautiousLife)
	}
	life, err := self.TokenTTL()
	switch {
	case err != nil || life < 0:
		return asked.Add(cautiousLife)
	case life == 0 && self.Data["expire_time"] == nil:
		return time.Time{}
	}
	return asked.Add(life)
}

// Renew extends the lease of an IAM user as far as the role and its token allow.
// It fails for a lease that hangs on another token than this source's: how long
// that one lives is not known.
func (s *Source) Renew(ctx context.Context, r credentials.Request, c credentials.Credentials) (credentials.Credentials, error) {
	if err := s.Connect(ctx, r); err != nil {
		return c, err
	}
	if c.Lease.ID == "" || c.Lease.Token != s.token.Digest() {
		return c, errors.New("the lease was made with another token")
	}
	began := s.config.Now()
	answer, err := s.client.Sys().RenewWithContext(ctx, c.Lease.ID, 0)
	if err == nil && (answer == nil || answer.LeaseDuration <= 0) {
		err = errNothingThere
	}
	if err != nil {
		return c, fmt.Errorf("renewing the lease %s: %w", c.Lease.ID, s.cleaned(s.explainAny(err)))
	}
	end := began.Add(time.Duration(answer.LeaseDuration) * time.Second)
	c.Lease.Issued, c.Lease.VaultEnd, c.Lease.Expiry = began, end, end
	s.boundByToken(ctx, &c.Lease)
	return c, nil
}

// MayRevoke fails if the token may not revoke leases. Its hint is the policy
// that would do.
func (s *Source) MayRevoke(ctx context.Context, r credentials.Request) error {
	var answer []string
	err := s.asking(ctx, r, func() (err error) {
		answer, err = s.client.Sys().CapabilitiesSelfWithContext(ctx, revokePath)
		return err
	})
	var said connectError
	var denied *deniedError
	switch {
	case err == nil:
	case errors.As(err, &said):
		return said.error
	case errors.As(err, &denied) && s.explainToken(denied) != nil:
		return s.explainToken(denied)
	default:
		return fmt.Errorf("asking whether the token may revoke leases: %w", s.cleaned(s.explainAny(err)))
	}
	if slices.Contains(answer, "update") || slices.Contains(answer, "root") {
		return nil
	}
	return errMayNotRevoke
}

const revokePath = "sys/leases/revoke"

var errMayNotRevoke = hint.Errorf(fmt.Sprintf("a policy that would do: path %q { capabilities = [\"update\"] }", revokePath),
	"the token may not revoke leases")

// Revoke ends the lease of an IAM user, and with it the user. A lease that has
// ended, by itself or with the token that it hangs on, is no error. An error wraps
// ErrUnavailable if Vault could not be asked.
func (s *Source) Revoke(ctx context.Context, r credentials.Request, l credentials.Lease) error {
	err := s.Connect(ctx, r)
	if err == nil {
		// sync: the answer comes when AWS has deleted the user, or has not.
		err = asDenied(s.revoke(ctx, l.ID, true))
	}
	advice := "run: vault lease revoke " + hint.Quote(l.ID)
	denied := (*deniedError)(nil)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &denied) && denied.token && l.Token == s.token.Digest():
		return nil
	case denied != nil:
		err = cmp.Or(s.explainToken(denied), errMayNotRevoke)
	case isAway(err):
		err = unavailable{s.explainAny(err)}
	case s.client != nil && s.revoke(ctx, l.ID, false) == nil:
		advice = "Vault goes on trying; see whether it succeeds: vault lease lookup " + hint.Quote(l.ID)
		err = s.explainAny(err)
	default:
		err = s.explainAny(err)
	}
	return hint.Errorf(advice, "revoking the lease %s: %w", l.ID, s.cleaned(err))
}

// isAway reports whether an error is no answer of an open Vault.
func isAway(err error) bool {
	answer := (*api.ResponseError)(nil)
	if errors.As(err, &answer) {
		return answer.StatusCode == http.StatusServiceUnavailable || answer.RawError && answer.StatusCode >= 500
	}
	return true
}

func (s *Source) revoke(ctx context.Context, leaseID string, sync bool) error {
	_, err := s.client.Logical().WriteWithContext(ctx, revokePath, map[string]any{"lease_id": leaseID, "sync": sync})
	if answer := (*api.ResponseError)(nil); errors.As(err, &answer) && strings.Contains(strings.Join(answer.Errors, ""), "lease not found") {
		return nil
	}
	return err
}
