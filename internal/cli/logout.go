package cli

import (
	"context"
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
	kept := 0
	for _, t := range tokens {
		if err := l.forget(ctx, s, store, t); err != nil {
			kept++
			s.printError(err)
		}
	}
	switch {
	case kept > 0:
		return fmt.Errorf("%d of %d tokens were kept", kept, len(tokens))
	case len(tokens) == 0:
		s.warn(fmt.Errorf("there was no log-in to forget"))
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
	login := t.Request.Login()
	if login.Method == "" {
		login = store.LoadToken(ctx, login).Login
	}
	token := store.LoadToken(ctx, login)
	if token.Value == "" {
		return nil, store, nil
	}
	return []credentials.Token{token}, store, nil
}

// forget removes the token, after it is revoked if it is to be, and what ends with
// it.
func (l logoutCommand) forget(ctx context.Context, s *session, store *cache.Cache, t credentials.Token) error {
	if l.Revoke {
		if err := s.revokeToken(ctx, store, t); err != nil {
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
		if !e.Opened || e.Kind != credentials.IAMUser || e.Credentials.Lease.Token != t.Digest() {
			continue
		}
		if err := store.Forget(ctx, e, func(cache.Kept) error { return nil }); err != nil {
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

// revokeTokenTime is how long Vault may take to revoke a token and its leases.
const revokeTokenTime = 30 * time.Second

func (s *session) revokeToken(ctx context.Context, store *cache.Cache, t credentials.Token) error {
	l := t.Login
	target, err := profile.ForRequest(credentials.Request{
		Address: l.Address, Namespace: l.Namespace,
		AuthMethod: l.Method, AuthMount: l.Mount, AuthRole: l.Role, AuthNamespace: l.Namespace,
	}, s.getenv)
	if err != nil {
		return err
	}
	config, err := s.vaultConfig(target, targetFlags{}, store, false)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, revokeTokenTime)
	defer cancel()
	return vault.New(config).RevokeToken(ctx, t)
}
