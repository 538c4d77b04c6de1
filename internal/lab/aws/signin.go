package aws

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
)

// serveSignin answers getSigninToken of the sign-in endpoint ("Enabling custom
// identity broker access to the AWS console" in the IAM User Guide): session
// credentials for a token that a browser signs in with.
func (s *Server) serveSignin(w http.ResponseWriter, r *http.Request) {
	action := r.FormValue("Action")
	if f := s.intercept(r, action); f != nil {
		http.Error(w, f.message, f.status)
		return
	}
	var session struct {
		SessionID    string `json:"sessionId"`
		SessionKey   string `json:"sessionKey"`
		SessionToken string `json:"sessionToken"`
	}
	if action != "getSigninToken" || json.Unmarshal([]byte(r.FormValue("Session")), &session) != nil {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	token, ok := s.signinToken(session.SessionID, session.SessionKey, session.SessionToken)
	if !ok {
		http.Error(w, "the session is invalid", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"SigninToken": token})
}

// signinToken trades session credentials for a sign-in token. Keys of IAM users
// and of GetSessionToken without a session policy are refused by AWS as well;
// only the former are told apart here.
func (s *Server) signinToken(id, secret, token string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := s.keys[id]
	if key == nil || key.token == "" || !s.now().Before(key.expires) {
		return "", false
	}
	if subtle.ConstantTimeCompare([]byte(key.secret+key.token), []byte(secret+token)) != 1 {
		return "", false
	}
	signin := randomText(400)
	s.secrets = append(s.secrets, signin)
	return signin, true
}
