package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vaws/internal/cache"
	"vaws/internal/credentials"
	"vaws/internal/hint"
	"vaws/internal/profile"
	"vaws/internal/vault"
)

// logoutCommand forgets tokens.
type logoutCommand struct {
	loginFlags `embed:""`
	All        bool `help:"Forget every token."`
	Revoke     bool `help:"Revoke the token as well, which deletes the IAM users that were made with it."`
}

// Help is shown below the summary.
func (logoutCommand) Help() string {
	return `Without METHOD it is the log-in that is configured, else the last one at this Vault. Cached STS credentials stay: AWS keeps them valid until they expire, and "vaws clear" forgets them.

    vaws logout
    vaws logout --all --revoke`
}

// Run forgets tokens one by one. One that should be revoked and cannot be is kept.
func (l logoutCommand) Run(s *session) error {
	defer s.quitQuietly()()
	ctx := context.Background()
	tokens, store, err := l.tokens(ctx, s)
	if err != nil {
		return err
	}
	switch {
	case len(tokens) == 0 && l.All:
		s.warn(errors.New("there was no log-in to forget"))
	case len(tokens) == 0:
		s.warn(hint.Wrap(errors.New("there was no such log-in to forget"), "to forget every one: vaws logout --all"))
	}
	return l.forgetAll(ctx, s, store, tokens)
}

// forgetAll tells of each token that it has to keep.
func (l logoutCommand) forgetAll(ctx context.Context, s *session, store *cache.Cache, tokens []credentials.Token) error {
	defer s.wait(forVault)()
	kept := 0
	for _, t := range tokens {
		if err := l.forget(ctx, s, store, t); err != nil {
			kept++
			s.printError(err)
		}
	}
	if kept > 0 {
		return fmt.Errorf("%d of %d tokens were kept", kept, len(tokens))
	}
	return nil
}

// tokens are those that are meant.
func (l logoutCommand) tokens(ctx context.Context, s *session) ([]credentials.Token, *cache.Cache, error) {
	if l.All && (l.Method != nil || l.Profile != "") {
		return nil, nil, usageError{hint.Errorf("run: vaws logout, or: vaws logout --all", "--all and a log-in are two different things to forget")}
	}
	if l.All {
		s.heedDebug(l.vaultFlags)
		store, err := s.placeForTokens(ctx, l.vaultFlags)
		if err != nil {
			return nil, nil, err
		}
		all, err := store.Tokens(ctx)
		return all, store, err
	}
	t, err := s.resolveLogin(l.loginFlags, nil)
	if err != nil {
		return nil, nil, err
	}
	s.warnIfPlain(t)
	store, err := s.placeForTokens(ctx, l.vaultFlags)
	if err != nil {
		return nil, nil, err
	}
	for _, login := range []credentials.Login{t.Request.Login(), store.LoadToken(ctx, choiceAt(t)).Login} {
		token := store.LoadToken(ctx, login)
		if token.Value != "" && (l.Method == nil || *l.Method == login.Method) {
			return []credentials.Token{token}, store, nil
		}
	}
	return nil, store, nil
}

// forget removes the token, after it is revoked if it is to be, and what ends with
// it.
func (l logoutCommand) forget(ctx context.Context, s *session, store *cache.Cache, t credentials.Token) error {
	// Otherwise a renewal that is on its way would bring the token back.
	if unlock, err := store.LockToken(ctx, t.Login); err == nil {
		defer unlock()
	}
	if now := store.LoadToken(ctx, t.Login); now.Value != "" {
		t = now // one that came while others had the lock
	}
	if l.Revoke {
		err := s.revokeToken(ctx, t)
		if errors.Is(err, vault.ErrIrrevocable) {
			s.warn(fmt.Errorf("the token of %s at %s is forgotten, not revoked: %w", t.Login, t.Login.Address, err))
		} else if err != nil {
			return fmt.Errorf("the token of %s at %s is kept: %w", t.Login, t.Login.Address, err)
		}
	}
	users, err := l.forgetUsers(ctx, s, store, t)
	if err != nil {
		return err
	}
	if err := store.ForgetToken(ctx, t.Login); err != nil {
		return err
	}
	s.say(fmt.Sprintf("logged out of %s (%s)%s", t.Login.Address, t.Login, users))
	return nil
}

// forgetUsers removes the IAM users whose leases end with the token, and says how
// many there were.
func (l logoutCommand) forgetUsers(ctx context.Context, s *session, store *cache.Cache, t credentials.Token) (string, error) {
	entries, err := store.List(ctx)
	if err != nil {
		return "", err
	}
	users := 0
	for _, e := range entries {
		if !endsWith(e, t) {
			continue
		}
		err := store.Forget(ctx, e, func(now cache.Kept) error {
			if !endsWith(now, t) {
				return errReplaced
			}
			return nil
		})
		if errors.Is(err, errReplaced) {
			continue
		}
		if err != nil {
			return "", err
		}
		users++
	}
	switch {
	case users == 0:
		return "", nil
	case l.Revoke:
		return fmt.Sprintf("; Vault deletes the IAM users that were made with it (%d)", users), nil
	}
	return fmt.Sprintf("; the IAM users that were made with it (%d) live until the token or their leases end", users), nil
}

// errReplaced says that an entry has become another user's while it was waited for.
var errReplaced = errors.New("another one has come in its place")

// endsWith reports whether an entry is an IAM user whose lease ends with the token.
func endsWith(e cache.Kept, t credentials.Token) bool {
	return e.Sealed == nil && e.Kind == credentials.IAMUser && e.Credentials.Lease.Token == t.Digest()
}

// revokeTokenTime is how long Vault may take to revoke a token and its leases.
const revokeTokenTime = 30 * time.Second

func (s *session) revokeToken(ctx context.Context, t credentials.Token) error {
	target, err := s.targetOf(t.Login)
	if err != nil {
		return err
	}
	config, err := s.vaultConfig(target, targetFlags{}, nil, false)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, revokeTokenTime)
	defer cancel()
	return vault.New(config).RevokeToken(ctx, t)
}

// targetOf finds how to get to the log-in's Vault: as a profile says that uses the
// log-in, or at least that Vault; else by the surroundings.
func (s *session) targetOf(l credentials.Login) (profile.Target, error) {
	var near *profile.Target
	for _, name := range profile.Names(profile.ConfigPath(s.getenv)) {
		t, err := profile.ResolveLogin(profile.Query{Name: name, Getenv: s.getenv})
		switch {
		case err != nil || t.Request.Address != l.Address:
		case t.Request.Login() == l:
			return t, nil
		case near == nil || near.TLS == (profile.TLS{}):
			near = &t
		}
	}
	if near != nil {
		return *near, nil
	}
	return profile.ForRequest(credentials.Request{
		Address: l.Address, Namespace: l.Namespace,
		AuthMethod: l.Method, AuthMount: l.Mount, AuthRole: l.Role, AuthNamespace: l.Namespace,
	}, s.getenv)
}
