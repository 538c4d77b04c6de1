package idp

import (
	"crypto/rand"
	"errors"
	"fmt"
	"html/template"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// authorization is a valid request of the authorization endpoint.
type authorization struct {
	redirectURI string
	formPost    bool
	// implicit asks for an ID token in the place of a code.
	implicit bool
	state    string
	nonce    string
	// challenge is empty if the client does without PKCE.
	challenge string
}

// codeLife bounds the time between the login and the exchange of its code.
const codeLife = time.Minute

// authorization reads the parameters of the authorization endpoint. Its errors
// are for the person at the browser: none is sent to a redirect_uri.
func (s *Server) authorization(q url.Values) (*authorization, error) {
	for name, values := range q {
		if len(values) != 1 {
			return nil, fmt.Errorf("%s is there %d times", name, len(values))
		}
	}
	if id := q.Get("client_id"); id != s.ClientID {
		return nil, fmt.Errorf("client_id is %q, not %q", id, s.ClientID)
	}
	if !slices.Contains(strings.Fields(q.Get("scope")), "openid") {
		return nil, fmt.Errorf("scope is %q, without openid", q.Get("scope"))
	}
	a := &authorization{state: q.Get("state"), nonce: q.Get("nonce"), challenge: q.Get("code_challenge")}
	if a.state == "" || a.nonce == "" {
		return nil, errors.New("state or nonce is missing")
	}
	if method := q.Get("code_challenge_method"); a.challenge != "" && method != "S256" {
		return nil, fmt.Errorf("code_challenge_method is %q, not S256", method)
	}
	if err := a.setResponse(q.Get("response_type"), q.Get("response_mode")); err != nil {
		return nil, err
	}
	a.redirectURI = q.Get("redirect_uri")
	return a, checkLoopback(a.redirectURI)
}

// setResponse lets an ID token be posted only, so that it is in no address.
func (a *authorization) setResponse(kind, mode string) error {
	a.implicit = kind == "id_token"
	a.formPost = mode == "form_post"
	if kind != "code" && !a.implicit {
		return fmt.Errorf("response_type is %q", kind)
	}
	if !a.formPost && (mode != "" && mode != "query" || a.implicit) {
		return fmt.Errorf("response_mode is %q with response_type %q", mode, kind)
	}
	return nil
}

// checkLoopback holds a redirect_uri to be a program's on this machine
// (RFC 8252, 7.3).
func checkLoopback(text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return err
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme != "http" || u.Hostname() != "localhost" && !ip.IsLoopback() || u.Fragment != "" {
		return fmt.Errorf("redirect_uri %q does not lead to this machine", text)
	}
	return nil
}

// The pages work without scripts, so that what a driver of a browser sees after a
// click is what is there to see.
var pages = template.Must(template.New("").Parse(`
{{define "form"}}<!DOCTYPE html><title>Lab login</title>
<form id="login" method="post">
{{with .}}<p id="message">{{.}}</p>{{end}}
<p>User <input name="user" autocomplete="off"></p>
<p>Password <input name="password" type="password" autocomplete="off"></p>
<button name="action" value="sign-in">Sign in</button>
<button name="action" value="deny">Deny</button>
</form>
{{end}}
{{define "form_post"}}<!DOCTYPE html><title>Lab login</title>
<form method="post" action="{{.Action}}">
{{range $name, $values := .Parameters}}{{range $values}}<input type="hidden" name="{{$name}}" value="{{.}}">
{{end}}{{end}}<button id="continue">Continue</button>
</form>
{{end}}
{{define "error"}}<!DOCTYPE html><title>Lab login</title><p id="message">{{.}}</p>{{end}}
`))

func showPage(w http.ResponseWriter, status int, name string, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = pages.ExecuteTemplate(w, name, data)
}

func (s *Server) serveForm(w http.ResponseWriter, r *http.Request) {
	if _, err := s.authorization(r.URL.Query()); err != nil {
		showPage(w, http.StatusBadRequest, "error", err.Error())
		return
	}
	showPage(w, http.StatusOK, "form", "")
}

// serveAnswer takes the filled-in form, which is sent to the address it came
// from, parameters and all.
func (s *Server) serveAnswer(w http.ResponseWriter, r *http.Request) {
	a, err := s.authorization(r.URL.Query())
	if err != nil {
		showPage(w, http.StatusBadRequest, "error", err.Error())
		return
	}
	user := r.PostFormValue("user")
	switch action := r.PostFormValue("action"); {
	case action == "deny":
		a.reply(w, r, url.Values{"error": {"access_denied"}, "error_description": {"The user said no."}})
	case action == "sign-in" && s.knows(user, r.PostFormValue("password")):
		s.allow(w, r, a, user)
	case action == "sign-in":
		showPage(w, http.StatusUnauthorized, "form", "Wrong user or password.")
	default:
		showPage(w, http.StatusBadRequest, "error", fmt.Sprintf("action is %q", action))
	}
}

// allow sends the client a code, or an ID token at once.
func (s *Server) allow(w http.ResponseWriter, r *http.Request, a *authorization, user string) {
	g := &grant{authorization: *a, user: user, expiry: s.now().Add(codeLife)}
	if !a.implicit {
		a.reply(w, r, url.Values{"code": {s.codeFor(g)}})
		return
	}
	token, err := s.Sign(s.idClaims(g))
	if err != nil {
		showPage(w, http.StatusInternalServerError, "error", err.Error())
		return
	}
	a.reply(w, r, url.Values{"id_token": {token}})
}

func (s *Server) knows(user, password string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.people[user]
	return ok && p.password == password
}

func (s *Server) codeFor(g *grant) string {
	code := rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.grants[code] = g
	return code
}

// reply sends the browser to the client with the parameters and the state.
func (a *authorization) reply(w http.ResponseWriter, r *http.Request, parameters url.Values) {
	parameters.Set("state", a.state)
	if a.formPost {
		data := struct {
			Action     string
			Parameters url.Values
		}{a.redirectURI, parameters}
		showPage(w, http.StatusOK, "form_post", data)
		return
	}
	target, err := url.Parse(a.redirectURI)
	if err != nil {
		showPage(w, http.StatusBadRequest, "error", err.Error())
		return
	}
	query := target.Query()
	maps.Copy(query, parameters)
	target.RawQuery = query.Encode()
	http.Redirect(w, r, target.String(), http.StatusSeeOther)
}
