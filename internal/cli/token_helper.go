package cli

import (
	"context"

	"vaws/internal/credentials"
	"vaws/internal/profile"
)

// tokenHelper keeps the token of the vault CLI, which calls it by the protocol of
// token helpers (https://developer.hashicorp.com/vault/docs/commands/token-helper).
// It and "vaws login" share their token.
type tokenHelper struct {
	Operation string `arg:"" enum:"get,store,erase" help:"get, store or erase."`
}

// Run answers one call. The vault CLI does not say for which address it asks, so it
// is that of the surroundings.
func (h tokenHelper) Run(s *session) error {
	t, err := s.resolveLogin(loginFlags{}, nil)
	if err != nil {
		return err
	}
	ctx := context.Background()
	store, err := s.placeForTokens(ctx, vaultFlags{})
	if err != nil {
		return err
	}
	login := store.LoadToken(ctx, choiceAt(t)).Login
	if login.Method == "" {
		login = t.Request.Login()
	}
	switch h.Operation {
	case "get":
		token := store.LoadToken(ctx, login)
		if !token.Valid(s.now()) {
			return nil // the vault CLI says what to do without one
		}
		return s.answer([]byte(token.Value))
	case "store":
		value, err := secretFromStdin()
		if err != nil {
			return err
		}
		return keepToken(ctx, store, t, credentials.Token{Login: ofToken(t), Value: value})
	}
	return store.ForgetToken(ctx, login)
}

// ofToken is the log-in of a token that somebody else got.
func ofToken(t profile.Target) credentials.Login {
	return credentials.Login{Address: t.Request.Address, Namespace: t.Request.Namespace, Method: "token", Mount: "token"}
}
