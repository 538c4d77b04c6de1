package idp

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// grant is what a code stands for.
type grant struct {
	authorization
	user   string
	expiry time.Time
}

// tokenLife is how long ID tokens and access tokens are valid.
const tokenLife = 5 * time.Minute

// serveToken exchanges a code for tokens.
func (s *Server) serveToken(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		refuse(w, http.StatusBadRequest, "invalid_request", err)
		return
	}
	if !s.isClient(r) {
		refuse(w, http.StatusUnauthorized, "invalid_client", errors.New("wrong client_id or client_secret"))
		return
	}
	if r.PostForm.Get("grant_type") != "authorization_code" {
		refuse(w, http.StatusBadRequest, "unsupported_grant_type", errors.New("grant_type is not authorization_code"))
		return
	}
	g, err := s.redeem(r.PostForm)
	if err != nil {
		refuse(w, http.StatusBadRequest, "invalid_grant", err)
		return
	}
	idToken, err := s.Sign(s.idClaims(g))
	if err != nil {
		refuse(w, http.StatusInternalServerError, "server_error", err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"access_token": s.accessToken(),
		"token_type":   "Bearer",
		"expires_in":   int(tokenLife.Seconds()),
		"id_token":     idToken,
	})
}

// refuse answers as RFC 6749, 5.2 has it.
func refuse(w http.ResponseWriter, status int, code string, err error) {
	writeJSON(w, status, map[string]string{"error": code, "error_description": err.Error()})
}

// isClient accepts the client's name and secret in the header or in the body.
func (s *Server) isClient(r *http.Request) bool {
	id, secret, ok := r.BasicAuth()
	if !ok {
		id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	return id == s.ClientID && secret == s.ClientSecret
}

// redeem takes the grant of a code; whatever comes of it, the code is used up.
func (s *Server) redeem(form url.Values) (*grant, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	code := form.Get("code")
	g := s.grants[code]
	delete(s.grants, code)
	switch {
	case g == nil:
		return nil, errors.New("the code is unknown or was used before")
	case s.now().After(g.expiry):
		return nil, errors.New("the code has expired")
	case form.Get("redirect_uri") != g.redirectURI:
		return nil, errors.New("redirect_uri is not that of the authorization")
	case g.challenge != "" && challengeOf(form.Get("code_verifier")) != g.challenge:
		return nil, errors.New("code_verifier does not match the challenge")
	}
	return g, nil
}

// challengeOf is the method S256 of RFC 7636.
func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (s *Server) idClaims(g *grant) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	nonce := g.nonce
	if s.wrongNonce {
		nonce, s.wrongNonce = "spoilt", false
	}
	// A list even if there are none: clients expect the type.
	groups := append([]string{}, s.people[g.user].groups...)
	now := s.now()
	return map[string]any{
		"iss": s.URL(), "sub": g.user, "aud": s.ClientID, "nonce": nonce, "groups": groups,
		"iat": now.Unix(), "exp": now.Add(tokenLife).Unix(),
	}
}

func (s *Server) accessToken() string {
	token := rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets = append(s.secrets, token)
	return token
}
