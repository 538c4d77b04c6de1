package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"vaws/internal/credentials"
	"vaws/internal/hint"
)

// The tests here are about answers that no real Vault gives; those that one does
// give are in internal/lab.

var request = credentials.Request{Mount: "aws", Role: "r"}

// mint asks a server that answers with handler.
func mint(t *testing.T, r credentials.Request, c Config, handler http.HandlerFunc) (credentials.Credentials, error) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	if c.Address == "" {
		c.Address = server.URL
	}
	if c.Token == "" {
		c.Token = "hvs.secret-token"
	}
	c.Now, c.Debug = time.Now, t.Logf
	r.Address = c.Address
	return New(c).Mint(t.Context(), r)
}

func write(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

const good = `{"lease_duration":3600,"data":{` + keys + `,"session_token":"t","ttl":3600}}`

func TestStrangeAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"HTML 502":             {write(502, "<html><body>Bad gateway hvs.secret-token</body></html>"), "answered 502, but not as Vault does"},
		"HTML 403":             {write(403, "<html>denied</html>"), "answered 403, but not as Vault does"},
		"HTML 200":             {write(200, "<html>log in to the Wi-Fi</html>"), "not as Vault does"},
		"truncated":            {write(200, good[:40]), "broke off: unexpected EOF"},
		"nothing":              {write(200, ""), "not as Vault does: there is nothing in it"},
		"204":                  {write(204, ""), "no such role"},
		"absurd":               {write(200, `{"data":{"access_key":{}}}`), "no access key ID"},
		"a list":               {write(200, `[1,2]`), "aws"},
		"endless":              {func(w http.ResponseWriter, _ *http.Request) { io.Copy(w, io.LimitReader(zeros{}, 8<<20)) }, "not as Vault does: it is longer than"},
		"long error":           {write(400, `{"errors":["`+strings.Repeat("x", 1<<16)+`"]}`), "answer 400 from Vault: xxx"},
		"echoed token":         {write(500, `{"errors":["saw hvs.secret-token\u001b[2J\nhere"]}`), "saw [secret] [2J here"},
		"redirect elsewhere":   {redirect("http://127.0.0.1:1/v1/x"), "sent vaws on to http://127.0.0.1:1"},
		"redirect to a trap":   {redirect("http://$(reboot)/"), "sent vaws elsewhere"},
		"redirect to a secret": {redirect("http://hvs.secret-token/"), "sent vaws on to http://[secret]"},
		"sealed":               {write(503, `{"errors":["Vault is sealed"]}`), "Vault is sealed"},
		"quota":                {retryLater("120"), "answer 429 from Vault"},
		"hangs up":             {hangUp, "cut the connection before it had answered: EOF"},
		"HTML 429": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "Fri, 20 Nov 2026 17:00:00 GMT")
			write(429, "<html>slow down</html>")(w, r)
		}, "answered 429, but not as Vault does"},
		"half a header": {halfAHeader, "connection broken"},
	} {
		_, err := mint(t, request, Config{}, c.handler)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
			continue
		}
		all := err.Error() + strings.Join(hint.Of(err), "")
		if strings.Contains(all, "secret-token") || strings.ContainsAny(all, "\x1b\n") || len(all) > 2000 {
			t.Errorf("%s: %q", name, all)
		}
		if len(hint.Of(err)) == 0 && !strings.Contains(name, "absurd") {
			t.Errorf("%s: no hint for %v", name, err)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func redirect(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", to)
		w.WriteHeader(307)
	}
}

func retryLater(seconds string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", seconds)
		w.WriteHeader(429)
		io.WriteString(w, `{"errors":["request path: rate limit quota exceeded"]}`)
	}
}

func hangUp(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		conn.Close()
	}
}

func halfAHeader(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Ty")
		conn.Close()
	}
}

func TestRedirectCarriesNothingToAnotherHost(t *testing.T) {
	var asked atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { asked.Add(1) }))
	defer other.Close()
	if _, err := mint(t, request, Config{Once: true}, redirect(other.URL+"/v1/aws/sts/r")); err == nil || asked.Load() > 0 {
		t.Errorf("err %v, the other host was asked %d times", err, asked.Load())
	}
}

// What was sent may have made an IAM user, and must not be sent twice.
func TestOnlyWhatNeverArrivedIsRepeated(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"hang up": hangUp, "500": write(500, `{"errors":["internal error"]}`), "502": write(502, "x"), "quota": retryLater("60"),
	} {
		var asked atomic.Int32
		_, err := mint(t, request, Config{}, func(w http.ResponseWriter, req *http.Request) {
			asked.Add(1)
			handler(w, req)
		})
		if err == nil || asked.Load() != 1 {
			t.Errorf("%s: err %v, asked %d times", name, err, asked.Load())
		}
	}
}

// What the nodes of a cluster say while it has no leader: Vault's http/handler.go and
// sdk/helper/consts, and its Agent's answer when it cannot reach one.
func TestStandbyIsAskedAgain(t *testing.T) {
	for name, standby := range map[string]http.HandlerFunc{
		"no leader known":     write(500, `{"errors":["local node not active but active cluster node not found"]}`),
		"none found":          write(503, `{"errors":["no active Vault instance found"]}`),
		"standby":             write(503, `{"errors":["Vault is in standby mode"]}`),
		"an Agent of none":    write(500, `{"errors":["failed to get the response: Put \"http://127.0.0.1:1/v1/x\": dial tcp 127.0.0.1:1: connect: connection refused"]}`),
		"leader that is gone": func(w http.ResponseWriter, r *http.Request) { redirect("http://127.0.0.1:1"+r.URL.Path)(w, r) },
		"the same address":    func(w http.ResponseWriter, r *http.Request) { redirect("http://"+r.Host+r.URL.Path)(w, r) },
	} {
		var asked atomic.Int32
		_, err := mint(t, request, Config{}, func(w http.ResponseWriter, req *http.Request) {
			if asked.Add(1) < 3 {
				standby(w, req)
				return
			}
			write(200, good)(w, req)
		})
		if err != nil || asked.Load() != 3 {
			t.Errorf("%s: err %v, asked %d times", name, err, asked.Load())
		}
	}
}

// A log-in page, another scheme, another path: no standby says that.
func TestOtherRedirectsAreNotRepeated(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"log-in page": redirect("/login"),
		"another status": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1"+r.URL.Path, http.StatusFound)
		},
		"another scheme": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://"+r.Host+r.URL.Path, http.StatusTemporaryRedirect)
		},
	} {
		var asked atomic.Int32
		_, err := mint(t, request, Config{}, func(w http.ResponseWriter, req *http.Request) {
			asked.Add(1)
			handler(w, req)
		})
		if err == nil || asked.Load() != 1 {
			t.Errorf("%s: err %v, asked %d times", name, err, asked.Load())
		}
	}
}

// tries counts the attempts until check gives up, and how long that takes.
func tries(ctx context.Context, resp *http.Response, err error) (n int, took time.Duration) {
	now := began
	r := retries{now: func() time.Time { return now }}
	for again := true; again; n++ {
		if again, _ = r.check(ctx, resp, err); again {
			now = now.Add(r.pause(0, 0, n, resp))
		}
	}
	return n, now.Sub(began)
}

func TestRetriesEnd(t *testing.T) {
	quota := &http.Response{StatusCode: 429, Header: http.Header{"Retry-After": {"1"}}}
	standby := &http.Response{StatusCode: 503, Body: io.NopCloser(strings.NewReader("no active Vault instance found"))}
	leaderless := fmt.Errorf("Put: %w", &redirectError{to: "http://127.0.0.1:1", standby: true})
	for name, c := range map[string]struct {
		resp        *http.Response
		err         error
		least, most time.Duration
	}{
		"unsaid":   {&http.Response{StatusCode: 429}, nil, 3 * time.Second, 4 * time.Second},
		"quota":    {quota, nil, 3 * time.Second, 4 * time.Second},
		"refused":  {nil, syscall.ECONNREFUSED, 3 * time.Second, 5 * time.Second},
		"standby":  {standby, nil, 30 * time.Second, 32 * time.Second},
		"redirect": {nil, leaderless, 30 * time.Second, 32 * time.Second},
		"reset":    {nil, syscall.ECONNRESET, 0, 0},
	} {
		if n, took := tries(t.Context(), c.resp, c.err); took < c.least || took > c.most || n > maxTries {
			t.Errorf("%s: %d tries in %v", name, n, took)
		}
	}
}

// Who is out of time is told what is wrong, not that the time is over.
func TestNothingIsTriedThatCannotBeInTime(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if n, took := tries(ctx, nil, syscall.ECONNREFUSED); n != 1 {
		t.Errorf("%d tries in %v", n, took)
	}
	cancel()
	r := retries{now: time.Now}
	if again, err := r.check(ctx, nil, syscall.ECONNREFUSED); again || !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: again %v, err %v", again, err)
	}
}

func TestAttempts(t *testing.T) {
	for _, c := range []struct {
		endpoint, mfa string
		want          string
	}{
		{"", "", "[{POST sts} {GET sts} {POST creds} {GET creds}]"},
		{"", "123456", "[{POST sts} {POST creds}]"},
		{"creds", "", "[{POST creds} {GET creds}]"},
		{"static-creds", "", "[{GET static-creds}]"},
	} {
		if got := fmt.Sprint(attempts(credentials.Request{Endpoint: c.endpoint}, c.mfa)); got != c.want {
			t.Errorf("%q %q: %s", c.endpoint, c.mfa, got)
		}
	}
}

// net/http repeats a GET on a used connection that breaks.
func TestGETIsSentOnce(t *testing.T) {
	var gets atomic.Int32
	_, err := mint(t, request, Config{}, func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodGet {
			gets.Add(1)
			hangUp(w, req)
			return
		}
		write(403, `{"errors":["permission denied"]}`)(w, req)
	})
	if err == nil || gets.Load() != 1 {
		t.Errorf("err %v, %d GETs", err, gets.Load())
	}
}

// vault/api reads the environment when it makes a client, whatever its
// configuration says.
func TestNothingOfTheEnvironmentReachesVault(t *testing.T) {
	for name, value := range map[string]string{
		"VAULT_TOKEN": "hvs.other", "VAULT_NAMESPACE": "other", "VAULT_ADDR": "http://127.0.0.1:1", "VAULT_AGENT_ADDR": "http://127.0.0.1:1",
		"VAULT_HEADERS": `{"X-Other":"1"}`, "VAULT_WRAP_TTL": "1m", "VAULT_SKIP_VERIFY": "nonsense", "VAULT_PROXY_ADDR": "http://127.0.0.1:1",
		"VAULT_CLIENT_CERT": "/nonexistent", "VAULT_MAX_RETRIES": "x", "VAULT_RATE_LIMIT": "x", "VAULT_CLIENT_TIMEOUT": "x",
	} {
		t.Setenv(name, value)
	}
	var headers http.Header
	_, err := mint(t, request, Config{Token: "hvs.mine"}, func(w http.ResponseWriter, req *http.Request) {
		headers = req.Header
		write(200, good)(w, req)
	})
	if err != nil {
		t.Fatal(err)
	}
	if headers.Get("X-Vault-Token") != "hvs.mine" || headers.Get("X-Vault-Namespace") != "" ||
		headers.Get("X-Other") != "" || headers.Get("X-Vault-Wrap-Ttl") != "" {
		t.Errorf("headers %v", headers)
	}
	if os.Getenv("VAULT_TOKEN") != "hvs.other" {
		t.Error("the environment was not put back")
	}
}

// A proxy that says what it was sent tells nobody what lets vaws pass.
func TestHeadersThatAreEchoed(t *testing.T) {
	c := Config{Headers: `{"X-Pass":"let-me-pass"}`}
	_, err := mint(t, request, c, write(400, `{"errors":["saw let-me-pass for team-namespace"]}`))
	if err == nil || !strings.Contains(err.Error(), "saw [secret] for team-namespace") {
		t.Errorf("%v", err)
	}
}

// So are those of a log-in, and of whatever else is asked.
func TestHeadersThatAreEchoedToEverybody(t *testing.T) {
	server := httptest.NewServer(write(400, `{"errors":["saw let-me-pass"]}`))
	defer server.Close()
	var said strings.Builder
	c := Config{Address: server.URL, Headers: `{"X-Pass":"let-me-pass"}`, Token: "hvs.secret-token", Once: true, Now: time.Now,
		Proof: Proof{Variable: "ID", Getenv: func(string) string { return "a-secret-id" }},
		Debug: func(format string, args ...any) { fmt.Fprintf(&said, format, args...) }}
	for name, ask := range map[string]func() error{
		"log-in": func() error {
			_, err := New(c).LogIn(t.Context(), credentials.Login{Address: server.URL, Method: "approle", Mount: "approle", Role: "r"})
			return err
		},
		"health": func() error {
			_, err := New(c).Health(t.Context())
			return err
		},
		"revocation": func() error {
			return New(c).RevokeToken(t.Context(), credentials.Token{Value: "hvs.secret-token"})
		},
	} {
		err := ask()
		if err == nil || !strings.Contains(err.Error(), "saw [secret]") || strings.Contains(fmt.Sprint(err, hint.Of(err), said.String()), "let-me-pass") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHeadersOfTheSurroundings(t *testing.T) {
	_, err := mint(t, request, Config{Headers: `{"X-Mine":"1"}`}, func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("X-Mine") != "1" {
			t.Errorf("headers %v", req.Header)
		}
		write(200, good)(w, req)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestMFAIsAskedForOnce(t *testing.T) {
	var bodies []string
	config := Config{AskMFA: func() (string, error) { return "123456", nil }}
	_, err := mint(t, request, config, func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		bodies = append(bodies, string(body))
		if strings.Contains(req.URL.String(), "123456") {
			t.Errorf("the code is in the URL %s", req.URL)
		}
		write(400, `{"errors":["Error generating STS keys: AccessDenied: MultiFactorAuthentication failed"]}`)(w, req)
	})
	if err == nil || len(bodies) != 2 || !strings.Contains(bodies[1], "123456") {
		t.Errorf("err %v, bodies %q", err, bodies)
	}
}

func TestCallerDependsOnEverySecret(t *testing.T) {
	getenv := func(name string) string { return "secret in " + name }
	byRole := request
	byRole.AuthMethod = "approle"
	var all []string
	for _, c := range []struct {
		config  Config
		request credentials.Request
	}{
		{Config{}, request},
		{Config{Token: "a"}, request},
		{Config{Token: "b"}, request},
		{Config{Token: "a", MFACode: "1"}, request},
		{Config{AskMFA: func() (string, error) { return "", nil }}, request},
		{Config{Proof: Proof{Variable: "X", Getenv: getenv}}, byRole},
		{Config{Proof: Proof{Variable: "Y", Getenv: getenv}}, byRole},
		{Config{Tokens: keeping{byRole.Login(): credentials.Token{Login: byRole.Login(), Value: "kept"}}}, byRole},
	} {
		digest := New(c.config).Caller(t.Context(), c.request)
		if slices.Contains(all, digest) {
			t.Errorf("two callers are the same")
		}
		all = append(all, digest)
	}
}
