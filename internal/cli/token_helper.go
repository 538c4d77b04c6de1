package cli

import (
	"cmp"
	"context"
	"errors"

	"vaws/internal/credentials"
	"vaws/internal/hint"
	"vaws/internal/profile"
	"vaws/internal/vault"
)

// tokenHelper keeps the token of the vault CLI, which calls it by the protocol of
// token helpers (https://developer.hashicorp.com/vault/docs/commands/token-helper).
// It and "vaws login" share their token.
type tokenHelper struct {
	Operation string `arg:"" enum:"get,store,erase" help:"get, store or erase."`
}

// Run answers one call. The vault CLI does not say for which address it asks: it is
// the one that the CLI takes from its environment, whatever vaws itself would take.
func (h tokenHelper) Run(s *session) error {
	if namesTwoVaults(s.getenv) {
		return hint.Errorf("unset one of them", "VAULT_ADDR and BAO_ADDR name two Vaults, and which one the token is for is not said")
	}
	address := cmp.Or(s.getenv("VAULT_ADDR"), s.getenv("VAULT_AGENT_ADDR"), "https://127.0.0.1:8200")
	flags := loginFlags{vaultFlags: vaultFlags{Address: &address}}
	if namespace := s.getenv("VAULT_NAMESPACE"); namespace != "" {
		flags.Namespace = &namespace
	}
	t, err := s.resolveLogin(flags, nil)
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
		if !vault.IsToken(value) {
			return errors.New("that is no token")
		}
		return keepToken(ctx, store, t, credentials.Token{Login: ofToken(t), Value: value})
	}
	if unlock, err := store.LockToken(ctx, login); err == nil { // as logout does
		defer unlock()
	}
	return store.ForgetToken(ctx, login)
}

// ofToken is the log-in of a token that somebody else got.
func ofToken(t profile.Target) credentials.Login {
	return credentials.Login{Address: t.Request.Address, Namespace: t.Request.Namespace, Method: "token", Mount: "token"}
}
