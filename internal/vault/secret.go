package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"vaws/internal/hint"
)

// Proof is what a log-in proves itself with, and whom it may ask. Every field may be
// left at its zero value.
type Proof struct {
	Given    string // the secret itself
	File     string // path of a file that holds it
	Variable string // name of a variable that holds it
	Username string // of a method with passwords; empty: the log-in's role
	Audience string // of a JWT that GitHub Actions is asked for; empty: GitHub's own
	Getenv   func(string) string

	// A person, if one is there. The answers may be empty.
	Ask       func(ctx context.Context, prompt string) (string, error)
	AskSecret func(ctx context.Context, prompt string) (string, error)
	// Browse shows a person the address at which to sign in; Tell says what is waited
	// for.
	Browse func(address string)
	Tell   func(text string)
	// Port is where the browser brings back the answer, on localhost; zero: 8250.
	Port int
}

// Secret is what a log-in proves itself with: a password, an AppRole's secret ID, a
// JWT or a token.
type Secret struct {
	Value string
	From  string // where it was read, for errors: "VAR", "/path"
}

// serviceAccount is where Kubernetes puts a pod's own JWT
// (https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/).
const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount/token"

// GitHub Actions tells a job with the permission id-token: write where to ask for
// a JWT, and with what
// (https://docs.github.com/en/actions/reference/security/oidc).
const (
	githubURL   = "ACTIONS_ID_TOKEN_REQUEST_URL"
	githubToken = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
)

const secretAdvice = `set vaws_auth_secret_file to a file, or vaws_auth_secret_env to the name of a variable that holds it ("vaws login" takes it with --secret-file)`

// configured reports whether the secret is to be had without a person.
func (p Proof) configured() bool { return p.Given != "" || p.File != "" || p.Variable != "" }

// secret gets the secret of a log-in; what is the word for it in prompts. Its
// errors do not hold it.
func (p Proof) secret(ctx context.Context, method, what string) (Secret, error) {
	switch {
	case p.Given != "":
		return Secret{p.Given, "stdin"}, nil
	case p.File != "":
		return fromFile(p.File)
	case p.Variable != "":
		return checkSecret(Secret{strings.TrimSpace(p.Getenv(p.Variable)), p.Variable})
	case method == "kubernetes":
		return fromFile(serviceAccount)
	case method == "jwt" && p.Getenv(githubURL) != "":
		return p.fromGitHub(ctx)
	case p.AskSecret != nil:
		answer, err := p.AskSecret(ctx, what+": ")
		if err == nil && answer == "" && method != "approle" {
			err = fmt.Errorf("no %s was entered", what)
		}
		return Secret{answer, "the terminal"}, err
	case method == "jwt":
		return Secret{}, hint.Errorf(secretAdvice+"; in GitHub Actions give the job the permission id-token: write", "no JWT to log in with")
	}
	return Secret{}, hint.Errorf(secretAdvice, "no %s to log in with", what)
}

// traces are the secrets that are at hand, and what others are got with: an attempt
// with other ones may end in another way.
func (p Proof) traces(method string) string {
	text := p.Given
	file := p.File
	if file == "" && p.Variable == "" && method == "kubernetes" {
		file = serviceAccount
	}
	if file != "" {
		if s, err := fromFile(file); err == nil {
			text += s.Value
		}
	}
	if p.Getenv != nil && p.Variable != "" {
		text += p.Getenv(p.Variable)
	}
	if p.Getenv != nil && method == "jwt" {
		text += p.Getenv(githubToken)
	}
	return text
}

// fromFile takes the secret without the space around it.
func fromFile(path string) (Secret, error) {
	data, err := readFile(path)
	if err != nil {
		return Secret{}, hint.Errorf(secretAdvice, "reading the log-in's secret: %w", err)
	}
	return checkSecret(Secret{strings.TrimSpace(string(data)), path})
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

func checkSecret(s Secret) (Secret, error) {
	if s.Value == "" {
		return Secret{}, hint.Errorf(secretAdvice, "the log-in's secret in %s is empty", s.From)
	}
	return s, nil
}

const githubTimeout = 20 * time.Second

// fromGitHub asks GitHub Actions for the job's JWT.
func (p Proof) fromGitHub(ctx context.Context) (Secret, error) {
	s, err := p.askGitHub(ctx)
	if err != nil {
		return Secret{}, hint.Errorf("does the job have the permission id-token: write?", "asking GitHub Actions for a JWT: %w", err)
	}
	return s, nil
}

func (p Proof) askGitHub(ctx context.Context) (Secret, error) {
	ctx, cancel := context.WithTimeout(ctx, githubTimeout)
	defer cancel()
	address, err := url.Parse(p.Getenv(githubURL))
	if err != nil {
		return Secret{}, fmt.Errorf("%s is not an address", githubURL)
	}
	if p.Audience != "" {
		query := address.Query()
		query.Set("audience", p.Audience)
		address.RawQuery = query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return Secret{}, fmt.Errorf("%s is not an address", githubURL)
	}
	req.Header.Set("Authorization", "Bearer "+p.Getenv(githubToken))
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("it sent vaws elsewhere") }}
	resp, err := client.Do(req)
	if err != nil {
		return Secret{}, withoutURL(err)
	}
	defer resp.Body.Close()
	var answer struct{ Value string }
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&answer); err != nil || resp.StatusCode != http.StatusOK {
		return Secret{}, fmt.Errorf("it answered %d", resp.StatusCode)
	}
	return checkSecret(Secret{answer.Value, "GitHub Actions"})
}

// withoutURL takes the address out of an error of net/http.
func withoutURL(err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return u.Err
	}
	return err
}
