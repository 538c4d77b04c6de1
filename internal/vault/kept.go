package vault

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"

	"vaws/internal/credentials"
	"vaws/internal/faultpoint"
	"vaws/internal/hint"
)

// TokenStore keeps tokens for other processes.
type TokenStore interface {
	// LoadToken returns what is kept for the log-in, which may have ended; an empty
	// token if that is nothing.
	LoadToken(context.Context, credentials.Login) credentials.Token
	// LockToken makes this process the only one to log in so, until unlock is
	// called. It waits while another process is.
	LockToken(context.Context, credentials.Login) (unlock func(), err error)
	// SaveToken replaces what is kept for the log-in.
	SaveToken(context.Context, credentials.Login, credentials.Token) error
}

func (s *Source) load(ctx context.Context, l credentials.Login) credentials.Token {
	if s.config.Tokens == nil {
		return credentials.Token{}
	}
	return s.config.Tokens.LoadToken(ctx, l)
}

func (s *Source) keep(ctx context.Context, t credentials.Token) {
	if s.config.Tokens == nil {
		return
	}
	if err := s.config.Tokens.SaveToken(ctx, t.Login, t); err != nil {
		s.config.Debug("the token is not kept: %v", err)
	}
}

// tokenOfLogin returns the token of a log-in: the one that is kept while it is
// young, else a renewed one, or a new one if that needs nobody (alone). rejected is a
// token that Vault no longer accepts, if there is one.
func (s *Source) tokenOfLogin(ctx context.Context, client *api.Client, l credentials.Login, alone bool, rejected string) (credentials.Token, error) {
	if isFromPlace(l, alone) {
		t, _, err := s.tokenFromPlace(ctx, l)
		return t, err
	}
	if t := s.load(ctx, l); s.isYoung(t, rejected) {
		return t, nil
	}
	unlock, locked := s.lockToken(ctx, l)
	defer unlock()
	t := s.load(ctx, l)
	switch {
	case s.isYoung(t, rejected):
		s.config.Debug("another process has logged in or renewed the token meanwhile")
		return t, nil
	case rejected != "" && t.Value == rejected:
		t = credentials.Token{Login: l, Refused: t.Refused}
	case s.works(t) && t.Renewable && locked:
		if t = s.renewToken(ctx, client, t); !t.Ageing(s.config.Now()) {
			return t, nil
		}
	}
	if !alone {
		return t, s.needsPerson(l, t)
	}
	return s.logInAgain(ctx, client, l, t, locked)
}

const (
	// A log-in that Vault has refused is not tried again with the same secret for this
	// long: after five refusals in a quarter of an hour Vault locks the user or the
	// role out (https://developer.hashicorp.com/vault/docs/concepts/user-lockout).
	refusalHolds = 4 * time.Minute
	// hurriedLogIn is what a log-in may take while there is a token that still works.
	hurriedLogIn = 10 * time.Second
)

// logInAgain gets a new token in the place of t, which may still work.
func (s *Source) logInAgain(ctx context.Context, client *api.Client, l credentials.Login, t credentials.Token, locked bool) (credentials.Token, error) {
	proof := credentials.TokenDigest(s.config.Proof.traces(l.Method))
	if f := t.Refused; f != nil && f.Caller == proof && f.IsWithin(refusalHolds, s.config.Now()) {
		return s.orOld(t, s.sayRefused(l, *f))
	}
	if s.works(t) {
		limited, cancel := context.WithTimeout(ctx, hurriedLogIn)
		defer cancel()
		ctx = limited
	}
	fresh, err := s.logIn(ctx, client, l)
	if err != nil {
		if locked && errors.As(err, new(refusedError)) {
			t.Login = l
			t.Refused = &credentials.Failure{Time: s.config.Now(), Caller: proof, Message: err.Error(), Hints: hint.Of(err)}
			s.keep(context.WithoutCancel(ctx), t)
		}
		return s.orOld(t, err)
	}
	s.fresh = true
	s.config.Debug("logged in by %s", l.Method)
	faultpoint.Reach("logged-in")
	if locked {
		s.keep(ctx, fresh)
	}
	faultpoint.Reach("token-kept")
	return fresh, nil
}

// orOld returns the old token if it works, else the error.
func (s *Source) orOld(t credentials.Token, err error) (credentials.Token, error) {
	if !s.works(t) {
		return credentials.Token{}, err
	}
	s.config.Debug("using the old token: %v", err)
	return t, nil
}

func (s *Source) sayRefused(l credentials.Login, f credentials.Failure) error {
	again := f.Time.Add(refusalHolds).Sub(s.config.Now()).Round(time.Second)
	err := s.withHowTo(l, hint.Wrap(errors.New(f.Message), f.Hints...))
	return hint.Wrap(err, fmt.Sprintf("this is the answer to an earlier log-in; with the same secret the next one is in %s", again))
}

// isFromPlace reports whether a log-in is a token in a file or a variable. Whoever writes
// it there looks after it.
func isFromPlace(l credentials.Login, alone bool) bool { return l.Method == "token" && alone }

func (s *Source) tokenFromPlace(ctx context.Context, l credentials.Login) (t credentials.Token, place string, err error) {
	secret, err := s.config.Proof.secret(ctx, l.Method, "token")
	return credentials.Token{Login: l, Value: secret.Value}, secret.From, err
}

func (s *Source) works(t credentials.Token) bool { return t.Valid(s.config.Now()) }

func (s *Source) isYoung(t credentials.Token, rejected string) bool {
	return s.works(t) && !t.Ageing(s.config.Now()) && t.Value != rejected
}

// logsInAlone reports whether the log-in is configured and needs nobody.
func (s *Source) logsInAlone(l credentials.Login) bool {
	how, known := methods[l.Method]
	return l.Method != "" && (!known || how.alone(s.config.Proof))
}

// lockToken goes on without the lock if it cannot be had: logging in twice does no
// harm, but what is not locked is not kept.
func (s *Source) lockToken(ctx context.Context, l credentials.Login) (unlock func(), locked bool) {
	if s.config.Tokens == nil {
		return func() {}, false
	}
	unlock, err := s.config.Tokens.LockToken(ctx, l)
	if err != nil {
		s.config.Debug("going on without the lock of the log-in: %v", err)
		return func() {}, false
	}
	return unlock, true
}

// renewToken extends the token's life as far as Vault allows, and returns it as it
// is if that is not at all.
func (s *Source) renewToken(ctx context.Context, client *api.Client, t credentials.Token) credentials.Token {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	client = client.WithNamespace(t.Login.Namespace)
	client.SetToken(t.Value)
	s.sent = append(s.sent, t.Value)
	began := s.config.Now()
	answer, err := client.Auth().Token().RenewSelfWithContext(ctx, 0)
	if err == nil && (answer == nil || answer.Auth == nil || answer.Auth.LeaseDuration <= 0) {
		err = errNothingThere
	}
	if err != nil {
		s.config.Debug("the token is not renewed: %v", s.cleaned(s.explainAny(err)))
		return t
	}
	t.Expiry = began.Add(time.Duration(answer.Auth.LeaseDuration) * time.Second)
	t.Renewable = answer.Auth.Renewable && !t.Ageing(began)
	s.config.Debug("renewed the token")
	s.keep(ctx, t)
	return t
}

// needsPerson is nil for a token that still works.
func (s *Source) needsPerson(l credentials.Login, t credentials.Token) error {
	if s.works(t) {
		return nil
	}
	err := fmt.Errorf("nobody is logged in to Vault at %s by %s", s.config.Address, l)
	if t.Value != "" {
		err = fmt.Errorf("the log-in to Vault at %s by %s has expired", s.config.Address, l)
	}
	return s.withHowTo(l, err)
}

// choices are the log-ins that a person last chose at the address, that of the
// namespace first, then of those above it: Vault lets a token reach down.
func (s *Source) choices(ctx context.Context, address, namespace string) []credentials.Login {
	var all []credentials.Login
	for {
		choice := s.load(ctx, credentials.Login{Address: address, Namespace: namespace})
		if choice.Login.Method != "" {
			all = append(all, choice.Login)
		}
		if namespace == "" {
			return all
		}
		namespace, _ = path.Split(namespace)
		namespace = strings.TrimSuffix(namespace, "/")
	}
}

// tokenAtHand is what tells one caller's tokens and secrets from another's, as far
// as it takes neither a log-in nor a renewal.
func (s *Source) tokenAtHand(ctx context.Context, r credentials.Request) string {
	if r.AuthMethod != "" {
		return s.config.Proof.traces(r.AuthMethod) + s.load(ctx, r.Login()).Value
	}
	if s.config.Token != "" {
		return s.config.Token
	}
	kept := ""
	for _, l := range s.choices(ctx, r.Address, r.Namespace) {
		kept += s.load(ctx, l).Value
	}
	if kept != "" {
		return kept
	}
	helper, _ := s.helperToken(ctx)
	return helper
}

// replaceToken gets another token after Vault has denied a request, if it was the
// token's fault and a log-in needs nobody. It does so once. An error is the log-in's.
func (s *Source) replaceToken(ctx context.Context, r credentials.Request, denial error) (replaced bool, err error) {
	var denied *deniedError
	l := r.Login()
	if !errors.As(denial, &denied) || s.fresh || !s.logsInAlone(l) || !s.isToBlame(ctx, denied) {
		return false, nil
	}
	s.config.Debug("Vault no longer accepts the token")
	t, err := s.tokenOfLogin(ctx, s.client, l, true, s.token.Value)
	if err != nil || t.Value == s.token.Value {
		return false, err
	}
	s.use(t)
	return true, nil
}

// ErrIrrevocable says that Vault cannot revoke a token of this kind.
var ErrIrrevocable = errors.New("batch tokens live until they end")

// RevokeToken ends a token, and with it every lease that was made with it. One that
// has ended already is no error. An error wraps ErrUnavailable if Vault could not be
// asked, and ErrIrrevocable for a batch token.
func (s *Source) RevokeToken(ctx context.Context, t credentials.Token) error {
	if !s.works(t) {
		return nil
	}
	client, err := newClient(s.config, t.Login.Namespace)
	if err != nil {
		return err
	}
	client.SetToken(t.Value)
	s.sent = append(s.sent, t.Value)
	err = asDenied(client.Auth().Token().RevokeSelfWithContext(ctx, ""))
	var denied *deniedError
	switch {
	case err == nil || errors.As(err, &denied) && denied.token:
		return nil
	case strings.Contains(err.Error(), "batch tokens cannot be revoked"):
		return ErrIrrevocable
	case denied != nil:
		err = fmt.Errorf("the token may not revoke itself, or has ended: %w", denied)
	case isAway(err):
		err = unavailable{s.explainAny(err)}
	default:
		err = s.explainAny(err)
	}
	return fmt.Errorf("revoking the token at %s: %w", s.config.Address, s.cleaned(err))
}
