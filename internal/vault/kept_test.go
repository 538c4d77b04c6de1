package vault

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"vaws/internal/credentials"
	"vaws/internal/hint"
)

// keeping is a TokenStore in memory.
type keeping map[credentials.Login]credentials.Token

func (k keeping) LoadToken(_ context.Context, l credentials.Login) credentials.Token { return k[l] }

func (k keeping) LockToken(context.Context, credentials.Login) (func(), error) {
	return func() {}, nil
}

func (k keeping) SaveToken(_ context.Context, l credentials.Login, t credentials.Token) error {
	k[l] = t
	return nil
}

// stage is a Vault that accepts some tokens, and a source before it.
type stage struct {
	accepts  map[string]bool // tokens
	bare     bool            // a denial does not say that the token is to blame
	renewals string          // the answer to renew-self; empty: denied
	refuses  bool            // log-ins
	logins   int
	asked    []string
	config   Config
	now      time.Time
	t        *testing.T
}

func newStage(t *testing.T) *stage {
	st := &stage{accepts: map[string]bool{}, now: began, t: t}
	server := httptest.NewServer(st)
	t.Cleanup(server.Close)
	st.config = Config{
		Address: server.URL,
		Tokens:  keeping{},
		Proof:   Proof{Given: "secret-id-value", Getenv: func(string) string { return "" }},
		HowTo:   func(l credentials.Login) string { return "log in by " + l.Method },
		Now:     func() time.Time { return st.now },
		Debug:   t.Logf,
	}
	return st
}

func (st *stage) request(method string) credentials.Request {
	return credentials.Request{Address: st.config.Address, Mount: "aws", Role: "r", AuthMethod: method, AuthMount: method, AuthRole: "role-id"}
}

// keep makes a token that has the given part of an hour left the kept one.
func (st *stage) keep(l credentials.Login, value string, left time.Duration) {
	st.config.Tokens.(keeping)[l] = credentials.Token{Login: l, Value: value, Life: time.Hour, Expiry: st.now.Add(left), Renewable: true}
}

// ServeHTTP implements http.Handler.
func (st *stage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	st.asked = append(st.asked, r.URL.Path)
	token := r.Header.Get("X-Vault-Token")
	switch {
	case strings.HasPrefix(r.URL.Path, "/v1/auth/approle/login"):
		st.logins++
		if st.refuses {
			write(400, `{"errors":["invalid role or secret ID"]}`)(w, r)
			return
		}
		if token != "" {
			st.t.Errorf("a log-in carries the token %q", token)
		}
		value := fmt.Sprintf("hvs.login-%d", st.logins)
		st.accepts[value] = true
		io.WriteString(w, `{"auth":{"client_token":"`+value+`","lease_duration":3600,"renewable":true}}`)
	case !st.accepts[token] && !st.bare:
		write(403, `{"errors":["permission denied","invalid token"]}`)(w, r)
	case !st.accepts[token]:
		write(403, `{"errors":["permission denied"]}`)(w, r)
	case r.URL.Path == "/v1/auth/token/renew-self" && st.renewals != "":
		io.WriteString(w, st.renewals)
	case r.URL.Path == "/v1/aws/sts/r":
		io.WriteString(w, good)
	default: // no policy allows it, not even to look oneself up
		write(403, `{"errors":["1 error occurred:\n\t* permission denied\n\n"]}`)(w, r)
	}
}

func (st *stage) mint(r credentials.Request) error {
	_, err := New(st.config).Mint(st.t.Context(), r)
	return err
}

func TestLogInIsKeptAndUsedAgain(t *testing.T) {
	st := newStage(t)
	r := st.request("approle")
	for range 3 {
		if err := st.mint(r); err != nil {
			t.Fatal(err)
		}
	}
	kept := st.config.Tokens.LoadToken(t.Context(), r.Login())
	want := credentials.Token{Login: r.Login(), Value: "hvs.login-1", Life: time.Hour, Expiry: began.Add(time.Hour), Renewable: true}
	if st.logins != 1 || kept != want {
		t.Errorf("%d log-ins, kept %+v", st.logins, kept)
	}
}

func TestAgeingTokenIsRenewed(t *testing.T) {
	for name, c := range map[string]struct {
		renewals string
		logins   int
		left     time.Duration
	}{
		"to its full life":     {`{"auth":{"client_token":"x","lease_duration":3600,"renewable":true}}`, 0, time.Hour},
		"but for a moment":     {`{"auth":{"client_token":"x","lease_duration":60,"renewable":true}}`, 1, time.Hour},
		"not, and logs in":     {"", 1, time.Hour},
		"by an empty answer":   {`{}`, 1, time.Hour},
		"by an answer of zero": {`{"auth":{"client_token":"x","lease_duration":0}}`, 1, time.Hour},
	} {
		st := newStage(t)
		r := st.request("approle")
		st.accepts["hvs.old"], st.renewals = true, c.renewals
		st.keep(r.Login(), "hvs.old", 20*time.Minute)
		err := st.mint(r)
		kept := st.config.Tokens.LoadToken(t.Context(), r.Login())
		if err != nil || st.logins != c.logins || kept.Expiry.Sub(st.now) != c.left {
			t.Errorf("%s: %v, %d log-ins, kept %+v", name, err, st.logins, kept)
		}
	}
}

func TestRejectedTokenIsReplacedOnce(t *testing.T) {
	for _, bare := range []bool{false, true} {
		st := newStage(t)
		st.bare = bare
		r := st.request("approle")
		st.keep(r.Login(), "hvs.revoked", time.Hour)
		if err := st.mint(r); err != nil || st.logins != 1 {
			t.Errorf("bare %t: %v, %d log-ins", bare, err, st.logins)
		}
	}
	st := newStage(t)
	r := st.request("approle")
	r.Role = "forbidden"
	st.keep(r.Login(), "hvs.revoked", time.Hour)
	if err := st.mint(r); err == nil || st.logins != 1 {
		t.Errorf("a role that is forbidden: %v, %d log-ins", err, st.logins)
	}
}

func TestTokenThatAnotherProcessReplacedIsTaken(t *testing.T) {
	st := newStage(t)
	r := st.request("approle")
	st.keep(r.Login(), "hvs.revoked", time.Hour)
	st.accepts["hvs.new"] = true
	st.config.Tokens = replacing{keeping: st.config.Tokens.(keeping), with: "hvs.new"}
	if err := st.mint(r); err != nil || st.logins != 0 {
		t.Errorf("%v, %d log-ins", err, st.logins)
	}
}

// replacing is a store in which another process replaces the token while this one
// waits for the lock.
type replacing struct {
	keeping
	with string
}

func (s replacing) LockToken(_ context.Context, l credentials.Login) (func(), error) {
	t := s.keeping[l]
	t.Value = s.with
	s.keeping[l] = t
	return func() {}, nil
}

func TestWhoNeedsAPersonIsToldTheCommand(t *testing.T) {
	for name, prepare := range map[string]func(*stage, credentials.Login){
		"nobody is logged in to Vault": func(*stage, credentials.Login) {},
		"has expired":                  func(st *stage, l credentials.Login) { st.keep(l, "hvs.old", -time.Minute) },
		"does not accept the token":    func(st *stage, l credentials.Login) { st.keep(l, "hvs.revoked", time.Hour) },
	} {
		st := newStage(t)
		r := st.request("oidc")
		prepare(st, r.Login())
		err := st.mint(r)
		if err == nil || !strings.Contains(err.Error(), name) || strings.Join(hint.Of(err), "") != "log in by oidc" {
			t.Errorf("%s: %v, hints %q", name, err, hint.Of(err))
		}
		for _, path := range st.asked {
			if strings.Contains(path, "oidc") {
				t.Errorf("%s: asked %s", name, path)
			}
		}
	}
}

func TestChosenLogInServesWhereNoneIsConfigured(t *testing.T) {
	st := newStage(t)
	st.accepts["hvs.chosen"], st.accepts["hvs.environment"] = true, true
	chosen := credentials.Login{Address: st.config.Address, Method: "oidc", Mount: "oidc"}
	st.keep(chosen, "hvs.chosen", time.Hour)
	st.config.Tokens.(keeping)[credentials.Login{Address: st.config.Address}] = credentials.Token{Login: chosen}
	r := st.request("")
	r.AuthMount, r.AuthRole, r.Namespace = "", "", "team/a"
	for _, token := range []string{"", "hvs.environment"} {
		st.config.Token = token
		s := New(st.config)
		if _, err := s.Mint(t.Context(), r); err != nil {
			t.Error(err)
		}
		if want := map[bool]string{true: "hvs.chosen", false: "hvs.environment"}[token == ""]; s.token.Value != want {
			t.Errorf("used %q, want %q", s.token.Value, want)
		}
	}
	st.config.Token = ""
	st.now = st.now.Add(2 * time.Hour)
	err := st.mint(r)
	if err == nil || !strings.Contains(err.Error(), "by oidc has expired") || strings.Join(hint.Of(err), "") != "log in by oidc" {
		t.Errorf("after its end: %v, hints %q", err, hint.Of(err))
	}
}

func TestTokenFromAFileIsReadEachTime(t *testing.T) {
	st := newStage(t)
	st.accepts["secret-id-value"], st.bare = true, true
	if err := st.mint(st.request("token")); err != nil {
		t.Error(err)
	}
	if len(st.config.Tokens.(keeping)) > 0 {
		t.Error("it was kept")
	}
}

// What is sent to a log-in may come back in its answer.
func TestNoErrorOfALogInShowsItsSecrets(t *testing.T) {
	echo := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		text, _ := json.Marshal(map[string]any{"errors": []string{"got " + string(body)}})
		write(400, string(text))(w, r)
	}
	for _, method := range []string{"approle", "jwt", "userpass", "ldap", "kubernetes", "token"} {
		st := newStage(t)
		server := httptest.NewServer(http.HandlerFunc(echo))
		t.Cleanup(server.Close)
		st.config.Address = server.URL
		_, err := New(st.config).LogIn(t.Context(), st.request(method).Login())
		if err == nil || strings.Contains(err.Error(), "secret-id-value") || strings.Contains(strings.Join(hint.Of(err), ""), "secret-id-value") {
			t.Errorf("%s: %v", method, err)
		}
	}
}

func TestUserNamesThatAreNone(t *testing.T) {
	st := newStage(t)
	for _, name := range []string{"a/b", "..", "a\nb"} {
		st.config.Proof.Username = name
		if _, err := New(st.config).LogIn(t.Context(), st.request("userpass").Login()); err == nil || len(st.asked) > 0 {
			t.Errorf("%q: %v, asked %q", name, err, st.asked)
		}
	}
}

func TestOwnErrorsOfALogInStayAsTheyAre(t *testing.T) {
	st := newStage(t)
	st.config.Proof = Proof{Username: "alice", AskSecret: func(context.Context, string) (string, error) { return "", nil }}
	_, err := New(st.config).LogIn(t.Context(), credentials.Login{Method: "userpass", Mount: "userpass"})
	if want := "logging in to " + st.config.Address + " by userpass: no password was entered"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestLogInThroughSomethingElse(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{"HTML": write(200, "<html>sign in to the Wi-Fi</html>"), "hangs up": hangUp, "502": write(502, "<html>")} {
		st := newStage(t)
		server := httptest.NewServer(handler)
		t.Cleanup(server.Close)
		st.config.Address = server.URL
		_, err := New(st.config).LogIn(t.Context(), st.request("approle").Login())
		if err == nil || len(hint.Of(err)) == 0 || !strings.Contains(err.Error(), server.URL) {
			t.Errorf("%s: %v, hints %q", name, err, hint.Of(err))
		}
	}
}

func TestUnknownMethod(t *testing.T) {
	st := newStage(t)
	err := st.mint(st.request("appprole"))
	if err == nil || !strings.Contains(strings.Join(hint.Of(err), " "), "approle") || len(st.asked) > 0 {
		t.Errorf("%v, hints %q", err, hint.Of(err))
	}
}

// What "vaws login" was given is not there when its token has ended.
func TestChosenLogInIsNotRepeated(t *testing.T) {
	st := newStage(t)
	chosen := st.request("approle").Login()
	st.keep(chosen, "hvs.old", -time.Minute)
	st.config.Tokens.(keeping)[credentials.Login{Address: st.config.Address}] = credentials.Token{Login: chosen}
	r := st.request("")
	r.AuthMount, r.AuthRole = "", ""
	err := st.mint(r)
	if err == nil || !strings.Contains(err.Error(), "by approle has expired") || st.logins != 0 {
		t.Errorf("%v, %d log-ins", err, st.logins)
	}
}

func TestPolicyIsNotTheTokensFault(t *testing.T) {
	for _, bare := range []bool{false, true} {
		st := newStage(t)
		st.bare = bare
		r := st.request("approle")
		r.Role = "forbidden"
		err := st.mint(r)
		if err == nil || !strings.Contains(err.Error(), "the token's policies do not allow it") || st.logins != 1 {
			t.Errorf("bare %t: %v, %d log-ins", bare, err, st.logins)
		}
	}
}

// Five refusals lock a user or a role out of Vault.
func TestRefusedLogInIsNotRepeatedWithTheSameSecret(t *testing.T) {
	st := newStage(t)
	st.refuses = true
	r := st.request("approle")
	for range 3 {
		err := st.mint(r)
		if err == nil || !strings.Contains(err.Error(), "invalid role or secret ID") {
			t.Errorf("%v", err)
		}
	}
	if st.logins != 1 {
		t.Errorf("%d log-ins with one secret", st.logins)
	}
	st.config.Proof.Given = "another-secret-id"
	st.mint(r)
	st.now = st.now.Add(refusalHolds)
	st.mint(r)
	if st.logins != 3 {
		t.Errorf("%d log-ins with another secret and later", st.logins)
	}
	st.refuses = false
	st.config.Proof.Given = "a good one"
	if err := st.mint(r); err != nil {
		t.Error(err)
	}
	if kept := st.config.Tokens.LoadToken(t.Context(), r.Login()); kept.Refused != nil {
		t.Error("the refusal is still kept")
	}
}

func TestOldTokenServesWhileTheLogInIsRefused(t *testing.T) {
	st := newStage(t)
	st.refuses, st.accepts["hvs.old"] = true, true
	r := st.request("approle")
	st.keep(r.Login(), "hvs.old", 20*time.Minute)
	for range 3 {
		if err := st.mint(r); err != nil {
			t.Error(err)
		}
	}
	if st.logins != 1 {
		t.Errorf("%d log-ins", st.logins)
	}
}

func TestReasonOfAFailedLogInIsTold(t *testing.T) {
	st := newStage(t)
	st.refuses = true
	r := st.request("approle")
	st.keep(r.Login(), "hvs.revoked", time.Hour)
	if err := st.mint(r); err == nil || !strings.Contains(err.Error(), "invalid role or secret ID") {
		t.Errorf("%v", err)
	}
}

// A chosen log-in that has ended does not stand before the token helper, for who fetches
// and for who only looks.
func TestTheSameTokenIsFoundForLookingAndForFetching(t *testing.T) {
	for _, method := range []string{"approle", "oidc"} {
		st := newStage(t)
		chosen := st.request(method).Login()
		st.keep(chosen, "hvs.old", -time.Minute)
		st.config.Tokens.(keeping)[credentials.Login{Address: st.config.Address}] = credentials.Token{Login: chosen}
		st.config.Helper = func(context.Context) (string, error) { return "hvs.helper", nil }
		st.accepts["hvs.helper"] = true
		r := st.request("")
		r.AuthMount, r.AuthRole = "", ""
		if err := st.mint(r); err != nil {
			t.Errorf("%s: %v", method, err)
		}
		if held, err := New(st.config).LookUp(t.Context(), r); err != nil || held.From != "the token helper" {
			t.Errorf("%s: %+v, %v", method, held, err)
		}
	}
}
