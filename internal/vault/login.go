package vault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"

	"vaws/internal/credentials"
	"vaws/internal/hint"
)

// Secret is what a log-in proves itself with.
type Secret struct {
	Value string
	From  string // where it was read, for errors: "VAR", "/path"
}

// logIn gets a token by the request's own method. What needs a person is not
// done here.
func (s *Source) logIn(ctx context.Context, client *api.Client, r credentials.Request) (string, error) {
	if r.AuthMethod != "approle" {
		return "", hint.Errorf("set vaws_auth = approle, or remove it to use VAULT_TOKEN and the token helper",
			"log-in by %q is not something vaws can do", r.AuthMethod)
	}
	if r.AuthRole == "" {
		return "", hint.Errorf("set vaws_auth_role to the AppRole's role ID", "no role ID to log in with")
	}
	secret, err := s.config.Login()
	if err != nil {
		return "", err
	}
	began := s.config.Now()
	answer, err := client.Logical().WriteWithContext(ctx, "auth/"+r.AuthMount+"/login",
		map[string]any{"role_id": r.AuthRole, "secret_id": secret.Value})
	if err == nil && (answer == nil || answer.Auth == nil || answer.Auth.ClientToken == "") {
		err = errNothingThere
	}
	if err != nil {
		return "", s.explainLogin(r, secret, err)
	}
	if life := time.Duration(answer.Auth.LeaseDuration) * time.Second; life > 0 {
		s.tokenEnd = began.Add(life)
	}
	return answer.Auth.ClientToken, nil
}

func (s *Source) explainLogin(r credentials.Request, secret Secret, err error) error {
	var answer *api.ResponseError
	refused := errors.As(err, &answer) && !isAway(err)
	err = s.cleaned(s.explainAny(err), secret.Value)
	err = fmt.Errorf("logging in to Vault by AppRole %q on mount %q with the secret ID of %s: %w",
		r.AuthRole, r.AuthMount, secret.From, err)
	if !refused {
		return err
	}
	return hint.Wrap(err, fmt.Sprintf("a secret ID can expire or be used up; get a new one: vault write -f auth/%s/role/NAME/secret-id", r.AuthMount))
}

// ReadSecret takes the secret of a log-in from a file, without the space around
// it, or from a variable. Its errors do not hold it.
func ReadSecret(file, variable string, getenv func(string) string) (Secret, error) {
	const advice = "set vaws_auth_secret_file to a file, or vaws_auth_secret_env to the name of a variable that holds it"
	switch {
	case file != "":
		data, err := readFile(file)
		if err != nil {
			return Secret{}, hint.Errorf(advice, "reading the log-in's secret: %w", err)
		}
		return checkSecret(Secret{strings.TrimSpace(string(data)), file}, advice)
	case variable != "":
		return checkSecret(Secret{strings.TrimSpace(getenv(variable)), variable}, advice)
	}
	return Secret{}, hint.Errorf(advice, "no secret to log in with")
}

// readFile reads a regular file: a pipe might never end.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Size() > maxAnswer:
		return nil, fmt.Errorf("%s is not a small regular file", path)
	}
	return os.ReadFile(path)
}

func checkSecret(s Secret, advice string) (Secret, error) {
	if s.Value == "" {
		return Secret{}, hint.Errorf(advice, "the log-in's secret in %s is empty", s.From)
	}
	return s, nil
}
