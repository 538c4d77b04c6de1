package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"

	"vaws/internal/credentials"
	"vaws/internal/hint"
)

// method is a way to log in.
type method struct {
	// ask sends the log-in.
	ask func(context.Context, attemptToLogIn) (*api.Secret, error)
	// alone reports whether it needs nobody to answer questions.
	alone func(Proof) bool
}

// attemptToLogIn is one attempt. Its client has no token.
type attemptToLogIn struct {
	credentials.Login
	Proof
	client *api.Client
	sent   *[]string // Source.sent
}

var methods = map[string]method{
	"approle":    {byAppRole, needsNobody},
	"cert":       {byCertificate, needsNobody},
	"jwt":        {byJWT, needsNobody},
	"kubernetes": {byJWT, needsNobody},
	"ldap":       {byPassword, Proof.configured},
	"oidc":       {byBrowser, needsSomebody},
	"okta":       {byPassword, needsSomebody}, // which may ask for a tap on a phone
	"radius":     {byPassword, Proof.configured},
	"token":      {byToken, Proof.configured},
	"userpass":   {byPassword, Proof.configured},
}

func needsNobody(Proof) bool   { return true }
func needsSomebody(Proof) bool { return false }

// Methods are the names of the methods that vaws can log in by, in order.
func Methods() []string {
	var names []string
	for name := range methods {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// LogIn gets a new token, and asks a person for what it takes. It neither looks
// for a token that is kept nor keeps the new one.
func (s *Source) LogIn(ctx context.Context, l credentials.Login) (credentials.Token, error) {
	client, err := newClient(s.config, l.Namespace)
	if err != nil {
		return credentials.Token{}, err
	}
	return s.logIn(ctx, client, l)
}

func (s *Source) logIn(ctx context.Context, client *api.Client, l credentials.Login) (credentials.Token, error) {
	how, known := methods[l.Method]
	if !known {
		return credentials.Token{}, unknownMethod(l.Method)
	}
	client = client.WithNamespace(l.Namespace)
	client.ClearToken()
	began := s.config.Now()
	answer, err := how.ask(ctx, attemptToLogIn{l, s.config.Proof, client, &s.sent})
	if err == nil && answer != nil && answer.Auth != nil && answer.Auth.MFARequirement != nil {
		began = s.config.Now()
		answer, err = s.secondFactor(ctx, client, l, answer.Auth.MFARequirement)
	}
	if err == nil && (answer == nil || answer.Auth == nil || answer.Auth.ClientToken == "") {
		err = errNothingThere
	}
	if err == nil && !IsToken(answer.Auth.ClientToken) {
		err = errors.New("the answer of Vault has no token that Vault could have made")
	}
	if err != nil {
		return credentials.Token{}, s.explainLogIn(l, err)
	}
	return tokenOf(l, answer.Auth, began), nil
}

func unknownMethod(name string) error {
	err := fmt.Errorf("vaws cannot log in by %q", name)
	if near := hint.DidYouMean(name, Methods()); near != "" {
		return hint.Wrap(err, near)
	}
	return hint.Wrap(err, "the methods are "+strings.Join(Methods(), ", "),
		`for any other: vault login -method=… -token-only | vaws login token --secret-file -`)
}

// tokenOf is the token of an answer to a log-in that was sent at began.
func tokenOf(l credentials.Login, auth *api.SecretAuth, began time.Time) credentials.Token {
	t := credentials.Token{Login: l, Value: auth.ClientToken, Renewable: auth.Renewable}
	if life := time.Duration(auth.LeaseDuration) * time.Second; life > 0 {
		t.Life, t.Expiry = life, began.Add(life)
	}
	return t
}

func (a attemptToLogIn) write(ctx context.Context, path string, data map[string]any) (*api.Secret, error) {
	return a.client.Logical().WriteWithContext(ctx, "auth/"+a.Mount+"/"+path, data)
}

// proof gets the secret, and notes it.
func (a attemptToLogIn) proof(ctx context.Context, what string) (string, error) {
	secret, err := a.secret(ctx, a.Method, what)
	*a.sent = append(*a.sent, secret.Value)
	return secret.Value, err
}

// byAppRole sends no secret ID where none is configured: a role may want none
// (bind_secret_id).
func byAppRole(ctx context.Context, a attemptToLogIn) (*api.Secret, error) {
	if a.Role == "" {
		return nil, hint.Errorf("give it as --auth-role or vaws_auth_role; run: vault read auth/"+a.Mount+"/role/NAME/role-id", "no role ID to log in with")
	}
	data := map[string]any{"role_id": a.Role}
	if a.configured() || a.AskSecret != nil {
		secret, err := a.proof(ctx, "secret ID")
		if err != nil {
			return nil, err
		}
		data["secret_id"] = secret
	}
	return a.write(ctx, "login", data)
}

func byJWT(ctx context.Context, a attemptToLogIn) (*api.Secret, error) {
	jwt, err := a.proof(ctx, "JWT")
	if err != nil {
		return nil, err
	}
	data := map[string]any{"jwt": jwt}
	if a.Role != "" {
		data["role"] = a.Role
	}
	return a.write(ctx, "login", data)
}

// byCertificate is by the client certificate of the connection.
func byCertificate(ctx context.Context, a attemptToLogIn) (*api.Secret, error) {
	data := map[string]any{}
	if a.Role != "" {
		data["name"] = a.Role
	}
	return a.write(ctx, "login", data)
}

func byPassword(ctx context.Context, a attemptToLogIn) (*api.Secret, error) {
	name := a.Username
	if name == "" {
		name = a.Role
	}
	if name == "" && a.Ask != nil {
		var err error
		if name, err = a.Ask(ctx, "user name: "); err != nil {
			return nil, err
		}
	}
	switch {
	case name == "":
		return nil, hint.Errorf("give it: --username NAME", "no user name to log in with")
	case strings.Contains(name, "/") || strings.Trim(name, ".") == "" || strings.ContainsFunc(name, func(r rune) bool { return r < 0x20 || r == 0x7f }):
		return nil, errors.New("that is no user name") // it becomes part of a path
	}
	password, err := a.proof(ctx, "password")
	if err != nil {
		return nil, err
	}
	return a.write(ctx, "login/"+name, map[string]any{"password": password})
}

// byToken takes a token that there is already, and asks Vault what is known of it.
// One that may not look itself up is taken as it is.
func byToken(ctx context.Context, a attemptToLogIn) (*api.Secret, error) {
	token, err := a.proof(ctx, "token")
	if err != nil {
		return nil, err
	}
	if !IsToken(token) {
		return nil, errors.New("that is no token")
	}
	a.client.SetToken(token)
	self, err := a.client.Auth().Token().LookupSelfWithContext(ctx)
	if denied := (*deniedError)(nil); errors.As(asDenied(err), &denied) && denied.policy {
		return &api.Secret{Auth: &api.SecretAuth{ClientToken: token}}, nil
	}
	if err != nil || self == nil {
		return nil, err
	}
	life, err := self.TokenTTL()
	if err != nil {
		return nil, err
	}
	renewable, _ := self.TokenIsRenewable()
	return &api.Secret{Auth: &api.SecretAuth{ClientToken: token, LeaseDuration: int(life.Seconds()), Renewable: renewable}}, nil
}

// IsToken reports whether a text could be a token of Vault.
func IsToken(text string) bool { return isPrintable(text, 8<<10) }

// explainLogIn puts what went wrong into words.
func (s *Source) explainLogIn(l credentials.Login, err error) error {
	var answer *api.ResponseError
	if errors.As(err, &answer) || isOfTheWire(err) {
		err = s.explainAny(err)
	}
	err = hint.Wrap(s.cleaned(err), adviceFor(l, answer)...)
	err = fmt.Errorf("logging in to %s by %s: %w", s.config.Address, l, err)
	if answer != nil && !answer.RawError && (answer.StatusCode == http.StatusBadRequest || answer.StatusCode == http.StatusForbidden) {
		return refusedError{err}
	}
	return err
}

// refusedError says that Vault did not accept what a log-in proved itself with.
type refusedError struct{ error }

func (r refusedError) Unwrap() error { return r.error }

// isOfTheWire reports whether an error is that of a request that failed, or of an
// answer that Vault would not give.
func isOfTheWire(err error) bool {
	return errors.As(err, new(*url.Error)) || errors.As(err, new(*json.SyntaxError)) || errors.As(err, new(*json.UnmarshalTypeError))
}

const elsewhere = "is it mounted elsewhere? choose with --auth-mount or vaws_auth_mount; run: vault auth list"

// loginAdvices say what a text in Vault's answer to a log-in means to the user; MOUNT
// stands for the auth method's. The texts are those of Vault's builtin/credential
// packages, its plugins for jwt and kubernetes, and its login MFA.
var loginAdvices = []struct{ text, hint string }{
	{"invalid username or password", "after some wrong passwords Vault locks the user out for a while"},
	{"invalid credentials", "check the user name and the password"},
	{"invalid role or secret ID", "the role ID is wrong, or the secret ID is, has expired or is used up; get a new one: vault write -f auth/MOUNT/role/NAME/secret-id"},
	{"missing secret_id", secretAdvice},
	{"could not be found", "choose the role with --auth-role or vaws_auth_role; run: vault list auth/MOUNT/role"},
	{"invalid role name", "choose the role with --auth-role or vaws_auth_role; run: vault list auth/MOUNT/role"},
	{"missing role", "choose the role with --auth-role or vaws_auth_role; run: vault list auth/MOUNT/role"},
	{"audience", "compare the JWT's aud with the role's bound_audiences; run: vault read auth/MOUNT/role/NAME (for GitHub Actions, vaws_auth_audience)"},
	{"token is expired", "the JWT has expired: have a new one made"},
	{"error validating token", "is it a JWT that this Vault is to trust? run: vault read auth/MOUNT/config"},
	{"not authorized", "compare the JWT with what the role is bound to; run: vault read auth/MOUNT/role/NAME"},
	{"client certificate must be supplied", "set vaws_client_cert and vaws_client_key in the profile, or for the Vault in VAULT_ADDR: VAULT_CLIENT_CERT and VAULT_CLIENT_KEY"},
	{"failed to match all constraints", "compare the certificate with what the role is bound to; run: vault list auth/MOUNT/certs"},
	{"failed to satisfy enforcement", "the code is wrong or used up; wait for the next one, and log in again"},
	{"OIDC login is not configured", elsewhere},
	{"no handler for route", elsewhere},
	{"namespace not found", "choose it with --auth-namespace or vaws_auth_namespace"},
	{"nonce", "try again, in one browser window"},
	{"OAuth state", "try again, in one browser window"},
}

func adviceFor(l credentials.Login, answer *api.ResponseError) []string {
	if answer == nil || answer.RawError {
		return nil
	}
	text := strings.Join(answer.Errors, " ")
	for _, a := range loginAdvices {
		if strings.Contains(text, a.text) {
			return []string{strings.ReplaceAll(a.hint, "MOUNT", l.Mount)}
		}
	}
	switch {
	case strings.Contains(text, "invalid token") || l.Method == "token":
		return []string{"the token has ended, or is another Vault's: get a new one"}
	case answer.StatusCode == http.StatusForbidden: // what Vault says of a path that leads nowhere, too
		return []string{elsewhere, "after some refusals Vault locks a user or a role out for a while"}
	}
	return []string{"ask Vault itself: vault login -method=" + l.Method}
}
