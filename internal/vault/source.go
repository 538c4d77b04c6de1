// Package vault gets credentials out of Vault's AWS secrets engine: it finds or
// makes a token, sends the request, reads the answer with distrust, and explains
// what went wrong.
package vault

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"

	"vaws/internal/credentials"
)

// Config is one Vault as one target sees it.
type Config struct {
	Address string // Vault's, normalised
	Via     string // address of a Vault Agent in between; empty: none
	Proxy   string // HTTP proxy; empty: what HTTPS_PROXY and its like say
	Headers string // to send, as VAULT_HEADERS has them; may be empty
	TLS     TLS

	Token   string                                // VAULT_TOKEN, if it is for this address
	Helper  func(context.Context) (string, error) // asks the token helper; nil: it is not for this address
	Tokens  TokenStore                            // of log-ins; nil: none are kept
	Proof   Proof                                 // for the log-in of a request that names one
	HowTo   func(credentials.Login) string        // how to get the log-in's token, as a hint; may be nil
	MFACode string                                // for roles that ask AWS for a session with MFA; may be empty
	AskMFA  func() (string, error)                // asks a person for it; nil: nobody is there

	Timeout time.Duration // of a request; zero: a minute
	Once    bool          // ask once: a Vault that is away is told of at once
	Now     func() time.Time
	Debug   func(format string, args ...any)
}

// TLS is how to know Vault and how to be known by it; paths are files'.
type TLS struct {
	CACert, CAPath, CACertPEM string
	ClientCert, ClientKey     string
	ServerName                string
	SkipVerify                bool
}

// Source makes credentials of one Vault. It does nothing before it is asked.
type Source struct {
	config    Config
	helper    string // the token helper's token
	helperErr error
	helped    bool              // the token helper has been asked
	token     credentials.Token // once there is a client
	login     credentials.Login // that the token is, or should be, from
	lapsed    error             // why the log-in that a person chose gives no token
	fresh     bool              // this source has logged in
	sent      []string          // secrets beside the token, which nothing that is said may show
	client    *api.Client
}

// New returns the source of the Vault that the configuration describes.
func New(c Config) *Source {
	s := &Source{config: c}
	s.config.Token = strings.TrimSpace(c.Token)
	s.config.Debug = func(format string, args ...any) { c.Debug("%s", s.clean(fmt.Sprintf(format, args...))) }
	return s
}

// Mint asks Vault for new credentials. Its errors say what Vault or AWS
// answered, with a hint each, and hold no secrets.
func (s *Source) Mint(ctx context.Context, r credentials.Request) (credentials.Credentials, error) {
	if err := s.Connect(ctx, r); err != nil {
		return credentials.Credentials{}, err
	}
	began := s.config.Now()
	secret, err := s.read(ctx, r)
	if replaced, loginErr := s.replaceToken(ctx, r, err); loginErr != nil {
		return credentials.Credentials{}, loginErr
	} else if replaced {
		began = s.config.Now()
		secret, err = s.read(ctx, r)
	}
	if needsMFA(err) && s.config.MFACode == "" && s.config.AskMFA != nil {
		code, askErr := s.config.AskMFA()
		if askErr != nil {
			return credentials.Credentials{}, credentials.Untried{Err: fmt.Errorf("asking for the MFA code: %w", askErr)}
		}
		s.config.MFACode = code
		defer func() { s.config.MFACode = "" }() // AWS takes a code once
		began = s.config.Now()
		secret, err = s.read(ctx, r)
	}
	if err != nil {
		return credentials.Credentials{}, s.explain(ctx, r, err)
	}
	c, err := parse(secret, r, began)
	if err != nil {
		return credentials.Credentials{}, s.explain(ctx, r, err)
	}
	if c.Kind == credentials.IAMUser {
		if s.boundByToken(ctx, &c.Lease); !c.Valid(began) {
			return credentials.Credentials{}, s.explain(ctx, r, s.withHowTo(s.login, errTokenEnds))
		}
	}
	return c, nil
}

var errTokenEnds = errors.New("the IAM user that Vault has made ends at once, because the token does")

// Caller is a digest of the token, of the log-in's secret, and of the MFA code, as
// far as they are at hand.
func (s *Source) Caller(ctx context.Context, r credentials.Request) string {
	h := sha256.New()
	h.Write([]byte(s.config.MFACode + "\x00"))
	if s.config.AskMFA != nil {
		h.Write([]byte("somebody can be asked for the code"))
	}
	h.Write([]byte(s.tokenAtHand(ctx, r)))
	return hex.EncodeToString(h.Sum(nil))
}

// Connect finds the token, or logs in for one, and builds the client; once. What it
// does may be given up at any time.
func (s *Source) Connect(ctx context.Context, r credentials.Request) error {
	if s.client != nil {
		return nil
	}
	client, err := newClient(s.config, r.Namespace)
	if err != nil {
		return err
	}
	token, err := s.tokenFor(ctx, client, r)
	if err != nil {
		return err
	}
	s.client = client
	s.use(token)
	return nil
}

func (s *Source) use(t credentials.Token) {
	s.token = t
	s.client.SetToken(t.Value)
}

// attempt is one way to ask for credentials.
type attempt struct{ method, endpoint string }

// attempts are the ways to ask, in order. sts and creds serve every type of
// role, so where the user has not chosen, a token with either will do; POST
// needs the policy "update", GET needs "read".
func attempts(r credentials.Request, mfaCode string) []attempt {
	endpoints := []string{r.Endpoint}
	switch r.Endpoint {
	case credentials.EndpointStaticCreds:
		return []attempt{{http.MethodGet, r.Endpoint}}
	case "":
		endpoints = []string{credentials.EndpointSTS, credentials.EndpointCreds}
	}
	var all []attempt
	for _, endpoint := range endpoints {
		all = append(all, attempt{http.MethodPost, endpoint})
		if mfaCode == "" { // in a GET it would be part of the URL, which proxies log
			all = append(all, attempt{http.MethodGet, endpoint})
		}
	}
	return all
}

// read asks in every way until one is not denied, and returns the first denial
// if all are.
func (s *Source) read(ctx context.Context, r credentials.Request) (*api.Secret, error) {
	var denial error
	for _, a := range attempts(r, s.config.MFACode) {
		secret, err := s.try(ctx, r, a)
		if err == nil && secret == nil {
			err = errNothingThere
		}
		var denied *deniedError
		if !errors.As(err, &denied) {
			return secret, err
		}
		if denial == nil {
			denial = err
		}
		if denied.token {
			break
		}
	}
	return nil, denial
}

func (s *Source) try(ctx context.Context, r credentials.Request, a attempt) (*api.Secret, error) {
	path := r.Mount + "/" + a.endpoint + "/" + r.Role
	params := parameters(r, s.config.MFACode)
	var secret *api.Secret
	var err error
	if a.method == http.MethodGet {
		query := map[string][]string{}
		for name, value := range params {
			query[name] = []string{value.(string)}
		}
		secret, err = s.client.Logical().ReadWithDataWithContext(ctx, path, query)
	} else {
		secret, err = s.client.Logical().WriteWithContext(ctx, path, params)
	}
	return secret, asDenied(err)
}

// parameters are the request's fields as Vault names them. The engine reads
// them from a body and from a query alike.
func parameters(r credentials.Request, mfaCode string) map[string]any {
	params := map[string]any{}
	for name, value := range map[string]string{
		"role_arn": r.RoleARN, "role_session_name": r.SessionName, "mfa_code": mfaCode,
	} {
		if value != "" {
			params[name] = value
		}
	}
	if r.TTL > 0 {
		params["ttl"] = r.TTL.String()
	}
	return params
}

// MakesUser reports whether the role is known to make an IAM user. Few tokens may
// read roles.
func (s *Source) MakesUser(ctx context.Context, r credentials.Request) bool {
	if r.Endpoint == credentials.EndpointStaticCreds || s.Connect(ctx, r) != nil {
		return false
	}
	role, err := s.client.Logical().ReadWithContext(ctx, r.Mount+"/roles/"+r.Role)
	return err == nil && role != nil && role.Data["credential_type"] == string(credentials.IAMUser)
}
