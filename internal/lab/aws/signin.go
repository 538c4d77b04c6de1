package aws

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"strconv"
	"strings"
)

// serveSignin is the sign-in endpoint ("Enabling custom identity broker access to
// the AWS console" in the IAM User Guide): session credentials for a token, and the
// token for a page that says who is signed in to which page.
func (s *Server) serveSignin(w http.ResponseWriter, r *http.Request) {
	action := r.FormValue("Action")
	if f := s.intercept(r, action); f != nil {
		http.Error(w, f.message, f.status)
		return
	}
	switch action {
	case "getSigninToken":
		s.getSigninToken(w, r)
	case "login":
		s.login(w, r)
	default:
		http.Error(w, "bad request", http.StatusBadRequest)
	}
}

func (s *Server) getSigninToken(w http.ResponseWriter, r *http.Request) {
	var session struct {
		SessionID    string `json:"sessionId"`
		SessionKey   string `json:"sessionKey"`
		SessionToken string `json:"sessionToken"`
	}
	if json.Unmarshal([]byte(r.FormValue("Session")), &session) != nil {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	token, ok := s.signinToken(session.SessionID, session.SessionKey, session.SessionToken, r.FormValue("SessionDuration"))
	if !ok {
		http.Error(w, "the session is invalid", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"SigninToken": token})
}

// signinToken trades session credentials for a sign-in token. AWS refuses the keys of
// IAM users and of GetSessionToken, and a duration for all but assumed roles.
func (s *Server) signinToken(id, secret, token, duration string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := s.keys[id]
	if key == nil || key.token == "" || key.who.user != "" || !s.now().Before(key.expires) {
		return "", false
	}
	if duration != "" {
		seconds, err := strconv.Atoi(duration)
		if err != nil || seconds < minSession || seconds > maxAssumed || !strings.Contains(key.who.arn, ":assumed-role/") {
			return "", false
		}
	}
	if subtle.ConstantTimeCompare([]byte(key.secret+key.token), []byte(secret+token)) != 1 {
		return "", false
	}
	signin := randomText(400)
	s.secrets = append(s.secrets, signin)
	s.signins[signin] = key.who.arn
	return signin, true
}

// login is what a browser is led to. AWS would send it on to the destination.
func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	token := r.FormValue("SigninToken")
	arn := s.signins[token]
	delete(s.signins, token)
	s.mu.Unlock()
	if arn == "" {
		http.Error(w, "the token is not valid", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = fmt.Fprintf(w, "<!doctype html><title>Console</title><p>%s is at %s", html.EscapeString(arn), html.EscapeString(r.FormValue("Destination")))
}
