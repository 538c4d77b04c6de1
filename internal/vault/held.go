package vault

import (
	"context"
	"errors"
	"strings"
	"time"

	"vaws/internal/credentials"
	"vaws/internal/hint"
)

// Held is the token that a request would be sent with, as far as it takes neither a
// log-in nor a renewal, and what Vault says of it. It does not hold the token.
type Held struct {
	From     string    // in words: "VAULT_TOKEN"; empty: there is no token
	Expiry   time.Time // zero: never, or not known
	Policies []string  // nil: the token may not ask
}

// LookUp finds the token for the request, and asks Vault about it. An error is that of
// a token that is needed and is not there, or that Vault does not accept.
func (s *Source) LookUp(ctx context.Context, r credentials.Request) (Held, error) {
	client, err := newClient(s.config, r.Namespace)
	if err != nil {
		return Held{}, err
	}
	token, from, err := s.atHand(ctx, r)
	if err != nil {
		return Held{}, err
	}
	s.client = client
	if s.use(token); token.Value == "" {
		return Held{}, s.lapsed
	}
	held := Held{From: from, Expiry: token.Expiry}
	asked := s.config.Now()
	self, err := client.Auth().Token().LookupSelfWithContext(ctx)
	var denied *deniedError
	switch {
	case errors.As(asDenied(err), &denied) && denied.token:
		return held, s.explainToken(denied)
	case denied != nil:
		return held, nil
	case err == nil && self == nil:
		err = errNothingThere
		fallthrough
	case err != nil:
		return held, s.cleaned(s.explainAny(err))
	}
	held.Policies, _ = self.TokenPolicies()
	if life, err := self.TokenTTL(); err == nil && life > 0 {
		held.Expiry = asked.Add(life)
	}
	return held, nil
}

// atHand is tokenFor without its effects. The words say where the token comes from.
func (s *Source) atHand(ctx context.Context, r credentials.Request) (t credentials.Token, from string, err error) {
	place := ""
	t, from, err = s.findToken(ctx, r, func(l credentials.Login, alone bool) (t credentials.Token, err error) {
		if isFromPlace(l, alone) {
			t, place, err = s.tokenFromPlace(ctx, l)
			return t, err
		}
		return s.keptOf(ctx, l, alone)
	})
	if place != "" {
		from = place + " (vaws_auth)"
	}
	return t, from, err
}

// keptOf is the token that is kept of a log-in. None is an error where a person has to
// log in.
func (s *Source) keptOf(ctx context.Context, l credentials.Login, alone bool) (credentials.Token, error) {
	t := s.load(ctx, l)
	switch {
	case s.works(t):
		return t, nil
	case alone:
		return credentials.Token{}, nil
	}
	return credentials.Token{}, s.needsPerson(l, t)
}

// ExamineToken finds out which token the request would be sent with, and whether it
// works. A configured log-in that has no token yet is tried. usable says that Vault
// took the token.
func (s *Source) ExamineToken(ctx context.Context, r credentials.Request) (f hint.Finding, usable bool) {
	defer func() { s.cleanFinding(&f) }()
	about := "token for " + s.config.Address
	if r.AuthMethod != "" {
		about += " (" + r.Login().String() + ")"
	}
	held, err := s.lookUpSoon(ctx, r)
	if err == nil && held.From == "" && r.AuthMethod != "" {
		s.client = nil
		if err = s.Connect(ctx, r); err == nil {
			held, err = s.lookUpSoon(ctx, r)
			held.From = "the log-in by " + r.Login().String() + ", just now"
		}
	}
	switch {
	case err != nil:
		return hint.IsWrong(about, err), false
	case held.From == "" && s.config.Via != "":
		return hint.IsFine(about, "none, so that the Agent at %s adds one", s.config.Via), true
	case held.From == "":
		return hint.IsWrong(about, s.noToken()), false
	}
	return s.tokenFinding(about, held), true
}

// lookUpSoon is LookUp for a token helper that may never answer.
func (s *Source) lookUpSoon(ctx context.Context, r credentials.Request) (Held, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	return s.LookUp(ctx, r)
}

// soon is when the end of a token is worth a word.
const soon = 5 * time.Minute

func (s *Source) tokenFinding(about string, held Held) hint.Finding {
	text := "from " + held.From
	if held.Policies == nil {
		return hint.IsFine(about, "%s; it may not look itself up", text)
	}
	text += ", policies " + strings.Join(held.Policies, " ")
	if held.Expiry.IsZero() {
		return hint.IsFine(about, "%s, without an end", text)
	}
	left := held.Expiry.Sub(s.config.Now())
	text += ", " + credentials.Roughly(left) + " left"
	if left < soon && s.login.Method == "" {
		return hint.IsDoubtful(about, s.withHowTo(s.login, errors.New(text)))
	}
	return hint.IsFine(about, "%s", text)
}
