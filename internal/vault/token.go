package vault

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/hashicorp/vault/api/cliconfig"
	"github.com/hashicorp/vault/api/tokenhelper"

	"vaws/internal/credentials"
	"vaws/internal/hint"
)

// tokenFor returns the token for the request: that of the log-in where one is
// configured, else the ambient one; empty if there is none.
func (s *Source) tokenFor(ctx context.Context, client *api.Client, r credentials.Request) (string, error) {
	if r.AuthMethod != "" {
		return s.logIn(ctx, client, r)
	}
	return s.ambientToken(ctx)
}

// helperTimeout is what a token helper may take, which may ask a keyring or a
// person.
const helperTimeout = 30 * time.Second

// configuredHelper returns the helper of ~/.vault, with the environment that it is
// to have: while it runs, another goroutine may be making a client.
func configuredHelper() (tokenhelper.TokenHelper, error) {
	variables.Lock()
	defer variables.Unlock()
	helper, err := cliconfig.DefaultTokenHelper()
	if external, ok := helper.(*tokenhelper.ExternalTokenHelper); ok {
		external.Env = os.Environ()
	}
	return helper, err
}

// ambientToken is VAULT_TOKEN, else the token helper's; empty if there is none.
func (s *Source) ambientToken(ctx context.Context) (string, error) {
	if s.ambient != nil || s.helperErr != nil {
		return *cmp.Or(s.ambient, new(string)), s.helperErr
	}
	token := s.config.Token
	if token == "" && s.config.Helper != nil {
		ctx, cancel := context.WithTimeout(ctx, helperTimeout)
		defer cancel()
		var err error
		if token, err = s.config.Helper(ctx); err != nil {
			s.helperErr = err // asking once more would take its time once more
			return "", err
		}
	}
	token = strings.TrimSpace(token)
	s.ambient = &token
	return token, nil
}

// HelperToken asks the token helper that the user has configured for the vault
// CLI, by default ~/.vault-token. Without a home directory there is none.
func HelperToken(ctx context.Context) (string, error) {
	if _, err := os.UserHomeDir(); err != nil {
		return "", nil // the helper would panic
	}
	type answer struct {
		token string
		err   error
	}
	answers := make(chan answer, 1)
	go func() { // a helper takes no context
		var a answer
		a.token, a.err = askHelper()
		answers <- a
	}()
	select {
	case a := <-answers:
		return a.token, a.err
	case <-ctx.Done():
		return "", fmt.Errorf("asking the token helper: %w", ctx.Err())
	}
}

func askHelper() (string, error) {
	helper, err := configuredHelper()
	if err == nil {
		var token string
		if token, err = helper.Get(); err == nil {
			return token, nil
		}
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		err = exit // without the helper's own words, which may be the token
	}
	return "", hint.Errorf("check the token_helper in ~/.vault, or set VAULT_TOKEN", "asking the token helper: %w", err)
}
