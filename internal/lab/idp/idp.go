// Package idp is a small OpenID Connect identity provider for the lab: the
// authorization code flow behind a login page, the implicit flow with an ID token
// that is posted, and JWTs with claims as asked for. It has one client and serves plain HTTP on loopback.
//
// It is strict where clients can be wrong: every parameter of the flow is
// checked, a code works once, and only the client that asked for it, with the
// same redirect_uri and the verifier of its challenge, gets tokens for it.
//
// The protocol is that of OpenID Connect Core 1.0, Discovery 1.0, RFC 7636 (PKCE)
// and OAuth 2.0 Form Post Response Mode.
package idp

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Options configure a Server. The zero value is ready for use.
type Options struct {
	// Now is the clock of issue and expiry (default time.Now).
	Now func() time.Time
	// Listen is the address to listen on (default 127.0.0.1:0).
	Listen string
}

// Server is a running identity provider. Its methods may be called at any time
// from any goroutine.
type Server struct {
	// ClientID and ClientSecret are those of the one client.
	ClientID, ClientSecret string

	now      func() time.Time
	listener net.Listener
	http     *http.Server
	key      *rsa.PrivateKey
	signer   jose.Signer

	mu         sync.Mutex
	people     map[string]person // by user name
	grants     map[string]*grant // by code
	secrets    []string
	wrongNonce bool
	hang       chan struct{} // while it is open, nothing is answered
}

// person may log in.
type person struct {
	password string
	groups   []string
}

const (
	keyID     = "lab"
	algorithm = jose.RS256 // what Vault accepts unless it is told otherwise
	keyBits   = 2048
)

// New starts a provider that nobody can log in to yet. Close ends it.
func New(o Options) (*Server, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, err
	}
	options := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", keyID)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, options)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, err
	}
	s := &Server{
		ClientID:     "vaws-lab-vault",
		ClientSecret: rand.Text(),
		now:          o.Now,
		listener:     listener,
		key:          key,
		signer:       signer,
		people:       map[string]person{},
		grants:       map[string]*grant{},
	}
	s.secrets = []string{s.ClientSecret}
	s.http = &http.Server{Handler: s.patiently(s.routes()), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.http.Serve(listener) }()
	return s, nil
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", s.serveDiscovery)
	mux.HandleFunc("GET /keys", s.serveKeys)
	mux.HandleFunc("GET /authorize", s.serveForm)
	mux.HandleFunc("POST /authorize", s.serveAnswer)
	mux.HandleFunc("POST /token", s.serveToken)
	return mux
}

// patiently answers nothing while the provider hangs.
func (s *Server) patiently(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		hang := s.hang
		s.mu.Unlock()
		if hang != nil {
			select {
			case <-hang:
			case <-r.Context().Done():
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// URL is the issuer, for example http://127.0.0.1:41234.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() }

// Close ends the provider and every connection to it.
func (s *Server) Close() error {
	s.Hang(false)
	return s.http.Close()
}

// AddUser lets a user log in, or gives one another password and other groups.
// The user's name becomes the claim "sub", the groups the claim "groups".
func (s *Server) AddUser(name, password string, groups ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.people[name] = person{password, slices.Clone(groups)}
}

// SpoilNonce puts a nonce that nobody asked for into the next ID token.
func (s *Server) SpoilNonce() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrongNonce = true
}

// Hang makes the provider leave every request without an answer, or answer again,
// also those that wait.
func (s *Server) Hang(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case on && s.hang == nil:
		s.hang = make(chan struct{})
	case !on && s.hang != nil:
		close(s.hang)
		s.hang = nil
	}
}

// Sign returns a JWT with exactly these claims; times are Unix seconds.
func (s *Server) Sign(claims map[string]any) (string, error) {
	token, err := jwt.Signed(s.signer).Claims(claims).Serialize()
	if err != nil {
		return "", fmt.Errorf("signing a JWT: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets = append(s.secrets, token)
	return token, nil
}

// Verify returns the claims of a JWT that this provider signed, expired or not.
func (s *Server) Verify(token string) (map[string]any, error) {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{algorithm})
	if err != nil {
		return nil, err
	}
	var claims map[string]any
	return claims, parsed.Claims(s.key.Public(), &claims)
}

// PublicKey is the key that the signatures are made with, in PEM.
func (s *Server) PublicKey() string {
	// Only a key of an unknown type cannot be marshalled.
	der, _ := x509.MarshalPKIXPublicKey(s.key.Public())
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// Secrets returns the client's secret and every token that was issued.
func (s *Server) Secrets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.secrets)
}

func (s *Server) serveDiscovery(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer":                                s.URL(),
		"authorization_endpoint":                s.URL() + "/authorize",
		"token_endpoint":                        s.URL() + "/token",
		"jwks_uri":                              s.URL() + "/keys",
		"response_types_supported":              []string{"code", "id_token"},
		"response_modes_supported":              []string{"query", "form_post"},
		"grant_types_supported":                 []string{"authorization_code", "implicit"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{string(algorithm)},
		"code_challenge_methods_supported":      []string{"S256"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post"},
	})
}

func (s *Server) serveKeys(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{
		Key: s.key.Public(), KeyID: keyID, Algorithm: string(algorithm), Use: "sig",
	}}})
}

func writeJSON(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}
