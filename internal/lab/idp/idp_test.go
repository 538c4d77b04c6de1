package idp

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	callback = "http://localhost:8250/oidc/callback"
	password = "correct horse battery"
	verifier = "a-verifier-of-the-length-that-the-standard-asks-for"
)

// flow is a client's side of a login.
type flow struct {
	t      *testing.T
	server *Server
	now    time.Time
	client *http.Client
}

func newFlow(t *testing.T) *flow {
	t.Helper()
	f := &flow{t: t, now: time.Unix(1_800_000_000, 0)}
	server, err := New(Options{Now: func() time.Time { return f.now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	server.AddUser("alice", password, "ops", "dev")
	jar, _ := cookiejar.New(nil)
	f.server = server
	f.client = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	return f
}

// query is a valid request, with changes; "" takes a parameter away.
func (f *flow) query(changes map[string]string) url.Values {
	q := url.Values{
		"client_id": {f.server.ClientID}, "response_type": {"code"}, "scope": {"openid"},
		"redirect_uri": {callback}, "state": {"st"}, "nonce": {"no"},
		"code_challenge": {challengeOf(verifier)}, "code_challenge_method": {"S256"},
	}
	return change(q, changes)
}

func change(q url.Values, changes map[string]string) url.Values {
	for name, value := range changes {
		if q.Set(name, value); value == "" {
			q.Del(name)
		}
	}
	return q
}

// submit fills in the form.
func (f *flow) submit(q, form url.Values) *http.Response {
	f.t.Helper()
	answer, err := f.client.PostForm(f.server.URL()+"/authorize?"+q.Encode(), form)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = answer.Body.Close() })
	return answer
}

func signIn() url.Values {
	return url.Values{"user": {"alice"}, "password": {password}, "action": {"sign-in"}}
}

// code logs in and returns the code.
func (f *flow) code(q url.Values) string {
	f.t.Helper()
	where, err := f.submit(q, signIn()).Location()
	if err != nil {
		f.t.Fatal(err)
	}
	if got := where.Query().Get("state"); got != "st" {
		f.t.Errorf("state is %q", got)
	}
	return where.Query().Get("code")
}

// exchange asks for tokens; changes are to a valid request.
func (f *flow) exchange(code string, changes map[string]string) (int, map[string]any) {
	f.t.Helper()
	form := change(url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier},
		"client_id": {f.server.ClientID}, "client_secret": {f.server.ClientSecret},
	}, changes)
	answer, err := f.client.PostForm(f.server.URL()+"/token", form)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var body map[string]any
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		f.t.Fatal(err)
	}
	return answer.StatusCode, body
}

// published verifies a token with the keys that the provider publishes.
func (f *flow) published(token string) map[string]any {
	f.t.Helper()
	answer, err := f.client.Get(f.server.URL() + "/keys")
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var keys jose.JSONWebKeySet
	if err := json.NewDecoder(answer.Body).Decode(&keys); err != nil {
		f.t.Fatal(err)
	}
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		f.t.Fatal(err)
	}
	var claims map[string]any
	if err := parsed.Claims(keys, &claims); err != nil {
		f.t.Fatal(err)
	}
	return claims
}

func TestLogin(t *testing.T) {
	f := newFlow(t)
	code := f.code(f.query(nil))
	status, body := f.exchange(code, nil)
	if status != http.StatusOK {
		t.Fatalf("%d: %v", status, body)
	}
	claims := f.published(body["id_token"].(string))
	for name, want := range map[string]any{
		"iss": f.server.URL(), "aud": f.server.ClientID, "sub": "alice", "nonce": "no",
		"exp": float64(f.now.Add(tokenLife).Unix()),
	} {
		if claims[name] != want {
			t.Errorf("%s is %v, not %v", name, claims[name], want)
		}
	}
	if groups, _ := json.Marshal(claims["groups"]); string(groups) != `["ops","dev"]` {
		t.Errorf("groups are %s", groups)
	}
	if status, body := f.exchange(code, nil); status != http.StatusBadRequest || body["error"] != "invalid_grant" {
		t.Errorf("the second use of a code: %d: %v", status, body)
	}
	secrets := strings.Join(f.server.Secrets(), "\n")
	for _, name := range []string{"id_token", "access_token"} {
		if !strings.Contains(secrets, body[name].(string)) {
			t.Errorf("the %s is not among the secrets", name)
		}
	}
}

func TestTokenRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		changes map[string]string
		status  int
		code    string
	}{
		"secret":      {map[string]string{"client_secret": "guess"}, 401, "invalid_client"},
		"client":      {map[string]string{"client_id": "other"}, 401, "invalid_client"},
		"grant type":  {map[string]string{"grant_type": "password"}, 400, "unsupported_grant_type"},
		"code":        {map[string]string{"code": "guess"}, 400, "invalid_grant"},
		"address":     {map[string]string{"redirect_uri": "http://localhost:8251/oidc/callback"}, 400, "invalid_grant"},
		"verifier":    {map[string]string{"code_verifier": "guess"}, 400, "invalid_grant"},
		"no verifier": {map[string]string{"code_verifier": ""}, 400, "invalid_grant"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFlow(t)
			status, body := f.exchange(f.code(f.query(nil)), tc.changes)
			if status != tc.status || body["error"] != tc.code {
				t.Errorf("%d: %v", status, body)
			}
		})
	}
}

func TestCodeExpires(t *testing.T) {
	f := newFlow(t)
	code := f.code(f.query(nil))
	f.now = f.now.Add(codeLife + time.Second)
	if status, body := f.exchange(code, nil); status != http.StatusBadRequest {
		t.Errorf("%d: %v", status, body)
	}
}

func TestWithoutPKCE(t *testing.T) {
	f := newFlow(t)
	code := f.code(f.query(map[string]string{"code_challenge": "", "code_challenge_method": ""}))
	if status, body := f.exchange(code, map[string]string{"code_verifier": ""}); status != http.StatusOK {
		t.Errorf("%d: %v", status, body)
	}
}

func TestAuthorizeRefuses(t *testing.T) {
	f := newFlow(t)
	for name, changes := range map[string]map[string]string{
		"client":    {"client_id": "other"},
		"type":      {"response_type": "token"},
		"scope":     {"scope": "profile"},
		"no state":  {"state": ""},
		"no nonce":  {"nonce": ""},
		"elsewhere": {"redirect_uri": "http://198.51.100.1/oidc/callback"},
		"scheme":    {"redirect_uri": "ftp://localhost/"},
		"challenge": {"code_challenge_method": "plain"},
		"mode":      {"response_mode": "fragment"},
		"in an URL": {"response_type": "id_token"},
	} {
		if answer := f.submit(f.query(changes), signIn()); answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s", name, answer.Status)
		}
	}
	twice := f.query(nil)
	twice.Add("state", "again")
	if answer := f.submit(twice, signIn()); answer.StatusCode != http.StatusBadRequest {
		t.Errorf("two states: %s", answer.Status)
	}
}

func TestAnswers(t *testing.T) {
	f := newFlow(t)
	form := signIn()
	form.Set("password", "guess")
	if answer := f.submit(f.query(nil), form); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("a wrong password: %s", answer.Status)
	}
	where, err := f.submit(f.query(nil), url.Values{"action": {"deny"}}).Location()
	if err != nil || where.Query().Get("error") != "access_denied" || where.Query().Get("state") != "st" {
		t.Errorf("denied: %v, %v", where, err)
	}
	posted := f.submit(f.query(map[string]string{"response_mode": "form_post"}), signIn())
	page, _ := io.ReadAll(posted.Body)
	for _, want := range []string{`action="` + callback + `"`, `name="code"`, `name="state" value="st"`} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("%s is not in %s", want, page)
		}
	}
}

func TestImplicit(t *testing.T) {
	f := newFlow(t)
	answer := f.submit(f.query(map[string]string{"response_type": "id_token", "response_mode": "form_post"}), signIn())
	page, _ := io.ReadAll(answer.Body)
	found := regexp.MustCompile(`name="id_token" value="([^"]+)"`).FindSubmatch(page)
	if found == nil {
		t.Fatalf("no ID token in %s", page)
	}
	if claims := f.published(string(found[1])); claims["sub"] != "alice" || claims["nonce"] != "no" {
		t.Errorf("claims: %v", claims)
	}
}

func TestSpoilNonce(t *testing.T) {
	f := newFlow(t)
	f.server.SpoilNonce()
	for _, wrong := range []bool{true, false} {
		_, body := f.exchange(f.code(f.query(nil)), nil)
		if got := f.published(body["id_token"].(string))["nonce"]; (got != "no") != wrong {
			t.Errorf("the nonce is %v", got)
		}
	}
}

func TestHang(t *testing.T) {
	f := newFlow(t)
	f.server.Hang(true)
	answered := make(chan error, 1)
	go func() {
		answer, err := f.client.Get(f.server.URL() + "/keys")
		if err == nil {
			_ = answer.Body.Close()
		}
		answered <- err
	}()
	select {
	case err := <-answered:
		t.Fatalf("answered: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	f.server.Hang(false)
	if err := <-answered; err != nil {
		t.Error(err)
	}
}

func TestVerify(t *testing.T) {
	f, other := newFlow(t), newFlow(t)
	token, err := f.server.Sign(map[string]any{"sub": "ci", "exp": 1})
	if err != nil {
		t.Fatal(err)
	}
	if claims, err := f.server.Verify(token); err != nil || claims["sub"] != "ci" {
		t.Errorf("%v, %v", claims, err)
	}
	if _, err := other.server.Verify(token); err == nil {
		t.Error("another provider's key verifies it")
	}
}
