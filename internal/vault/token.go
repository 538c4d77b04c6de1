package vault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/hashicorp/vault/api/cliconfig"
	"github.com/hashicorp/vault/api/tokenhelper"

	"vaws/internal/credentials"
	"vaws/internal/hint"
)

// tokenFor returns the token for the request, logged in for, renewed or replaced if need
// be; empty if there is none.
func (s *Source) tokenFor(ctx context.Context, client *api.Client, r credentials.Request) (credentials.Token, error) {
	t, _, err := s.findToken(ctx, r, func(l credentials.Login, alone bool) (credentials.Token, error) {
		return s.tokenOfLogin(ctx, client, l, alone, "")
	})
	return t, err
}

// findToken looks for the token in the places that may have it: the request's own log-in,
// and no other place where there is one; VAULT_TOKEN; "vaws login"; the token helper. from
// is the place in words. ofLogin gets a log-in's token; alone says that it may be got
// without a person.
func (s *Source) findToken(ctx context.Context, r credentials.Request, ofLogin func(l credentials.Login, alone bool) (credentials.Token, error)) (t credentials.Token, from string, err error) {
	if s.login = r.Login(); r.AuthMethod != "" {
		t, err := ofLogin(s.login, s.logsInAlone(s.login))
		return t, "the log-in by " + s.login.String() + " (vaws_auth)", err
	}
	if s.config.Token != "" {
		return credentials.Token{Value: s.config.Token}, "VAULT_TOKEN", nil
	}
	for _, l := range s.choices(ctx, r.Address, r.Namespace) {
		t, err := ofLogin(l, false)
		if err == nil {
			s.login = l
			return t, "vaws login (" + l.String() + ")", nil
		}
		if s.lapsed == nil {
			s.login, s.lapsed = l, err
		}
	}
	value, err := s.helperToken(ctx)
	return credentials.Token{Value: value}, "the token helper", err
}

// helperTimeout is what a token helper may take, which may ask a keyring or a
// person.
const helperTimeout = 30 * time.Second

// helperToken asks the token helper, once: asking one that has failed again would
// take its time once more.
func (s *Source) helperToken(ctx context.Context) (string, error) {
	if s.config.Helper == nil || s.helped {
		return s.helper, s.helperErr
	}
	ctx, cancel := context.WithTimeout(ctx, helperTimeout)
	defer cancel()
	token, err := s.config.Helper(ctx)
	s.helper, s.helperErr, s.helped = strings.TrimSpace(token), err, true
	return s.helper, err
}

// HelperToken asks the token helper that the user has configured for the vault or
// bao CLI, by default ~/.vault-token. Without a home directory there is none. self
// is the path of this program: a helper that is vaws knows only the token of "vaws
// login", which has been looked for.
func HelperToken(ctx context.Context, self string) (string, error) {
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
		a.token, a.err = askHelper(self)
		answers <- a
	}()
	select {
	case a := <-answers:
		return a.token, a.err
	case <-ctx.Done():
		return "", fmt.Errorf("asking the token helper: %w", ctx.Err())
	}
}

func askHelper(self string) (string, error) {
	helper, err := configuredHelper()
	if err == nil && isSame(helper.Path(), self) {
		return "", nil
	}
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

func isSame(path, other string) bool {
	a, err := os.Stat(path)
	if err != nil {
		return false
	}
	b, err := os.Stat(other)
	return err == nil && os.SameFile(a, b)
}

// configuredHelper returns the helper of ~/.vault, else of ~/.bao, with the
// environment that it is to have: while it runs, another goroutine may be making a
// client.
func configuredHelper() (tokenhelper.TokenHelper, error) {
	variables.Lock()
	defer variables.Unlock()
	environ := os.Environ()
	if bao := baoConfig(); bao != "" {
		defer os.Unsetenv(envConfigPath)
		os.Setenv(envConfigPath, bao)
	}
	helper, err := cliconfig.DefaultTokenHelper()
	if external, ok := helper.(*tokenhelper.ExternalTokenHelper); ok {
		external.Env = environ
	}
	return helper, err
}

// envConfigPath names another file than ~/.vault (cliconfig's ConfigPathEnv).
const envConfigPath = "VAULT_CONFIG_PATH"

// baoConfig is the configuration file of the bao CLI where the vault CLI has none
// (https://openbao.org/docs/commands/token-helper); empty: there is none.
func baoConfig() string {
	home, err := os.UserHomeDir()
	if err != nil || os.Getenv(envConfigPath) != "" {
		return ""
	}
	if _, err := os.Stat(filepath.Join(home, ".vault")); err == nil {
		return ""
	}
	bao := os.Getenv("BAO_CONFIG_PATH")
	if bao == "" {
		bao = filepath.Join(home, ".bao")
	}
	if _, err := os.Stat(bao); err != nil {
		return ""
	}
	return bao
}
