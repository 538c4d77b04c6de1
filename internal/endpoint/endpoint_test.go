package endpoint

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vaws/internal/credentials"
)

const name = "team/aws/deploy role"

// listening returns a server for m under name, whose requests are made by call.
func listening(t *testing.T, m *mint) *Server {
	t.Helper()
	s, err := Listen(Options{Keepers: map[string]*Keeper{name: m.keep(t)}, Debug: m.debug})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.listener.Close() })
	return s
}

// call answers a request for name, changed by change, without a network.
func call(s *Server, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, s.URL(name), nil)
	r.Header.Set("Authorization", s.Token())
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	s.http.Handler.ServeHTTP(w, r)
	return w
}

func TestAnswer(t *testing.T) {
	expiry := time.Now().Add(time.Hour)
	printed := expiry.UTC().Format("2006-01-02T15:04:05Z")
	lease := credentials.Lease{Issued: time.Now(), Expiry: expiry}
	for _, c := range []struct {
		give credentials.Credentials
		want string
	}{
		{
			credentials.Credentials{Kind: credentials.STS, AccessKeyID: "ASIA1", SecretAccessKey: "s+/=", SessionToken: "t",
				ARN: "arn:aws:sts::123456789012:assumed-role/r/s", Lease: lease},
			`{"AccessKeyId":"ASIA1","SecretAccessKey":"s+/=","Token":"t","Expiration":"` + printed + `","AccountId":"123456789012"}`,
		},
		{
			credentials.Credentials{Kind: credentials.IAMUser, AccessKeyID: "AKIA1", SecretAccessKey: "s", Lease: lease},
			`{"AccessKeyId":"AKIA1","SecretAccessKey":"s","Token":"","Expiration":"` + printed + `"}`,
		},
	} {
		w := call(listening(t, &mint{aged: &c.give}), nil)
		expect(t, "status", w.Code, http.StatusOK)
		expect(t, "body", w.Body.String(), c.want)
		for header, want := range map[string]string{
			"Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
		} {
			expect(t, header, w.Header().Get(header), want)
		}
	}
}

func TestRefusals(t *testing.T) {
	m := &mint{ttl: time.Hour}
	s := listening(t, m)
	host := s.address
	_, port, _ := strings.Cut(host, ":")
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	from := func(host string) func(*http.Request) { return func(r *http.Request) { r.Host = host } }
	method := func(name string) func(*http.Request) { return func(r *http.Request) { r.Method = name } }
	path := func(path string) func(*http.Request) { return func(r *http.Request) { r.URL.Path = path } }
	for _, c := range []struct {
		what   string
		change func(*http.Request)
		want   int
	}{
		{"nothing wrong", nil, 200},
		{"localhost", from("localhost:" + port), 200},
		{"LOCALHOST", from("LOCALHOST:" + port), 200},
		{"IPv6", from("[::1]:" + port), 200},
		{"another host", from("evil.example:" + port), 403},
		{"another host that looks like this one", from("127.0.0.1.evil.example:" + port), 403},
		{"another port", from("127.0.0.1:1"), 403},
		{"no port", from("127.0.0.1"), 403},
		{"no host", from(""), 403},
		{"a web page", header("Origin", "http://"+host), 403},
		{"an opaque origin", header("Origin", "null"), 403},
		{"an empty origin", header("Origin", ""), 403},
		{"HEAD", method("HEAD"), 405},
		{"POST", method("POST"), 405},
		{"PUT", method("PUT"), 405},
		{"DELETE", method("DELETE"), 405},
		{"OPTIONS", method("OPTIONS"), 405},
		{"get", method("get"), 405},
		{"no token", func(r *http.Request) { r.Header.Del("Authorization") }, 401},
		{"an empty token", header("Authorization", ""), 401},
		{"a wrong token", header("Authorization", strings.Repeat("0", 64)), 401},
		{"half a token", header("Authorization", s.Token()[:32]), 401},
		{"a longer token", header("Authorization", s.Token()+"0"), 401},
		{"a scheme", header("Authorization", "Bearer "+s.Token()), 401},
		{"two tokens", func(r *http.Request) { r.Header.Add("Authorization", s.Token()) }, 401},
		{"the token in the query", func(r *http.Request) {
			r.Header.Del("Authorization")
			r.URL.RawQuery = "Authorization=" + s.Token()
		}, 401},
		{"no path", path(""), 404},
		{"the root", path("/"), 404},
		{"another path", path("/other"), 404},
		{"a path below", path("/" + name + "/"), 404},
		{"a part of the path", path("/team"), 404},
	} {
		w := call(s, c.change)
		if w.Code != c.want {
			t.Errorf("%s: got %d, want %d", c.what, w.Code, c.want)
		}
		if allow := w.Header().Get("Allow"); (allow == "GET") != (c.want == 405) {
			t.Errorf("%s: Allow is %q", c.what, allow)
		}
		for header := range w.Header() {
			if strings.HasPrefix(header, "Access-Control-") {
				t.Errorf("%s: answered with %s", c.what, header)
			}
		}
		if c.want != 200 {
			expectFault(t, w)
			expectNoSecrets(t, s.Token(), w.Body.String())
		}
	}
	expectNoSecrets(t, s.Token(), m.debugged()...)
}

// expectFault checks that w is an error as SDKs read it.
func expectFault(t *testing.T, w *httptest.ResponseRecorder) (message string) {
	t.Helper()
	var got map[string]string
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("%q: %v", w.Body, err)
	}
	if len(got) != 2 || got["code"] == "" || got["message"] == "" || strings.Contains(got["message"], "\n") {
		t.Errorf("got %q", got)
	}
	return got["message"]
}

func TestAStrangerCannotTellPathsApart(t *testing.T) {
	s := listening(t, &mint{ttl: time.Hour})
	ask := func(path string) string {
		w := call(s, func(r *http.Request) { r.Header.Del("Authorization"); r.URL.Path = path })
		return fmt.Sprint(w.Code, w.Header(), w.Body)
	}
	expect(t, "answer", ask("/"+name), ask("/other"))
}

func TestExpiredIsA503WithTheReason(t *testing.T) {
	m := &mint{ttl: time.Hour}
	s := listening(t, m)
	m.set(func() {
		m.ahead = 2 * time.Hour
		m.err = errors.New("reading role \"r\":\n\x1b[31mvault is\tsealed")
	})
	w := call(s, nil)
	expect(t, "status", w.Code, http.StatusServiceUnavailable)
	expect(t, "message", expectFault(t, w), `the credentials have expired: reading role "r": [31mvault is sealed`)
	expectNoSecrets(t, s.Token(), append(m.debugged(), w.Body.String())...)

	m.set(func() { m.err = nil; m.ahead += pauseWhenUrgent })
	expect(t, "status when Vault is back", call(s, nil).Code, http.StatusOK)
}

func TestAnswersAcrossRotations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{ttl: 15 * time.Minute, takes: 900 * time.Millisecond}
		s := listening(t, m)
		var wait sync.WaitGroup
		for range 5 {
			wait.Go(func() {
				for end := time.Now().Add(20 * m.ttl); time.Now().Before(end); time.Sleep(7 * time.Second) {
					expectWorking(t, call(s, nil))
				}
			})
		}
		wait.Wait()
		expectNoSecrets(t, s.Token(), m.debugged()...)
	})
}

func expectWorking(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	var got answer
	err := json.Unmarshal(w.Body.Bytes(), &got)
	expiry, _ := time.Parse(time.RFC3339, got.Expiration)
	if err != nil || w.Code != 200 || got.AccessKeyID == "" || got.Token == "" || !expiry.After(time.Now()) {
		t.Errorf("at %s got %d %s", time.Now(), w.Code, w.Body)
	}
}

// serving serves in the background until the test ends.
func serving(t *testing.T, m *mint) *Server {
	t.Helper()
	s := listening(t, m)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
		if conn, err := net.Dial("tcp", s.address); err == nil {
			conn.Close()
			t.Error("the port is still open")
		}
	})
	return s
}

func TestServe(t *testing.T) {
	s := serving(t, &mint{ttl: time.Hour})
	expect(t, "URL", s.URL(name), "http://"+s.address+"/team%2Faws%2Fdeploy%20role")
	for _, url := range []string{s.URL(name), "http://" + s.address + "/team/aws/deploy%20role"} {
		r, err := http.NewRequest(http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", s.Token())
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, _ := io.ReadAll(answer.Body)
		if answer.StatusCode != 200 || !strings.Contains(string(body), `"AccessKeyId":"ASIA0001"`) {
			t.Errorf("%s: %s %s", url, answer.Status, body)
		}
	}
}

// The HTTP library answers some requests by itself.
func TestRawRequests(t *testing.T) {
	s := serving(t, &mint{ttl: time.Hour})
	token := "Authorization: " + s.Token() + "\r\n"
	for request, want := range map[string]string{
		"OPTIONS * HTTP/1.1\r\nHost: " + s.address + "\r\n":                             "405",
		"GET / HTTP/1.0\r\n" + token:                                                    "403",
		"GET / HTTP/1.1\r\n" + token:                                                    "400",
		"GET http://evil.example/ HTTP/1.1\r\nHost: " + s.address + "\r\n" + token:      "403",
		"GET / HTTP/1.1\r\nHost: evil.example\r\nHost: " + s.address + "\r\n" + token:   "400",
		"GET //../other HTTP/1.1\r\nHost: " + s.address + "\r\n" + token:                "404",
		"GET / HTTP/1.1\r\nHost: " + s.address + "\r\nX: " + strings.Repeat("x", 1<<16): "431",
	} {
		if got := exchange(t, s.address, request+"\r\n\r\n"); got != want {
			t.Errorf("%.60q: got %s, want %s", request, got, want)
		}
	}
}

// exchange returns the status with which address answers a request.
func exchange(t *testing.T, address, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer conn.Close()
	io.WriteString(conn, request)
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Error(err)
		return ""
	}
	return strings.Fields(line)[1]
}

func TestServeEndsAfterTheRequestsUnderWay(t *testing.T) {
	m := &mint{ttl: time.Hour}
	s := listening(t, m)
	begun, release := make(chan struct{}), make(chan struct{})
	m.set(func() { m.ahead = 2 * time.Hour })
	s.keepers[name].Get = func(ctx context.Context) (credentials.Credentials, error) {
		close(begun)
		<-release
		return m.get(ctx)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served, status := make(chan error, 1), make(chan string, 1)
	go func() { served <- s.Serve(ctx) }()
	go func() {
		status <- exchange(t, s.address, "GET "+strings.TrimPrefix(s.URL(name), "http://"+s.address)+
			" HTTP/1.1\r\nHost: "+s.address+"\r\nAuthorization: "+s.Token()+"\r\n\r\n")
	}()
	<-begun
	cancel()
	for open := true; open; {
		conn, err := net.Dial("tcp", s.address)
		if open = err == nil; open {
			conn.Close()
		}
	}
	select {
	case err := <-served:
		t.Errorf("ended with a request under way: %v", err)
	default:
	}
	close(release)
	if got := <-status; got != "200" && got != "503" { // which one, patience decides
		t.Errorf("got %q", got)
	}
	expect(t, "error", <-served, nil)
}

func TestServeAfterTheEnd(t *testing.T) {
	s := listening(t, &mint{ttl: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Serve(ctx); err != nil {
		t.Error(err)
	}
}

func TestServeReportsAListenerThatFails(t *testing.T) {
	s := listening(t, &mint{ttl: time.Hour})
	s.listener.Close()
	if err := s.Serve(t.Context()); err == nil {
		t.Error("no error")
	}
}

func TestListenOnLoopbackOnly(t *testing.T) {
	s := listening(t, &mint{ttl: time.Hour})
	if address := s.listener.Addr().(*net.TCPAddr); !address.IP.Equal(net.IPv4(127, 0, 0, 1)) || address.Port == 0 {
		t.Errorf("listening on %s", address)
	}
}

func TestAPortInUse(t *testing.T) {
	s := listening(t, &mint{ttl: time.Hour})
	port := s.listener.Addr().(*net.TCPAddr).Port
	_, err := Listen(Options{Keepers: s.keepers, Port: port})
	want := fmt.Sprintf("listening on port %d of 127.0.0.1: bind: ", port)
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v", err)
	}
}

func TestListenRefuses(t *testing.T) {
	keepers := map[string]*Keeper{"a": {}}
	for what, o := range map[string]Options{
		"no names":            {},
		"an empty name":       {Keepers: map[string]*Keeper{"": {}}},
		"a dot":               {Keepers: map[string]*Keeper{".": {}}},
		"two dots":            {Keepers: map[string]*Keeper{"..": {}}},
		"a port below":        {Keepers: keepers, Port: -1},
		"a port above":        {Keepers: keepers, Port: 65536},
		"a short token":       {Keepers: keepers, Token: "the-secret"},
		"a token with a line": {Keepers: keepers, Token: "the-secret\r\nthe-secret"},
		"a token with a rim":  {Keepers: keepers, Token: "the-secret-and-more "},
		"a token with a NUL":  {Keepers: keepers, Token: "the-secret-and\x00more"},
		"a token with an ä":   {Keepers: keepers, Token: "the-secret-and-möre"},
	} {
		if _, err := Listen(o); err == nil {
			t.Errorf("%s: no error", what)
		} else {
			expectNoSecrets(t, "the-session", err.Error())
		}
	}
}

func TestTokens(t *testing.T) {
	first, err := tokenOr("")
	if err != nil || len(first) != 64 {
		t.Errorf("got %d characters, %v", len(first), err)
	}
	if second, _ := tokenOr(""); second == first {
		t.Error("the same token twice")
	}
	given := "Bearer 0123456789abcdef"
	if got, err := tokenOr(given); got != given || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestTheDefaultPortIsLeftOut(t *testing.T) {
	g := newGuard(80, "token")
	for _, host := range []string{"127.0.0.1", "127.0.0.1:80", "localhost", "[::1]"} {
		if !g.hosts[host] {
			t.Errorf("%s is refused", host)
		}
	}
}

func TestTheServersLogIsDebugging(t *testing.T) {
	m := &mint{ttl: time.Hour}
	s := listening(t, m)
	s.http.ErrorLog.Print("http: something\n")
	lines := m.debugged()
	expect(t, "line", lines[len(lines)-1], "http: something")
}

func BenchmarkAnswer(b *testing.B) {
	m := &mint{ttl: time.Hour}
	k := m.keeper()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	if err := k.Start(ctx); err != nil {
		b.Fatal(err)
	}
	s := &Server{keepers: map[string]*Keeper{name: k}, token: "token", guard: newGuard(80, "token"),
		address: "127.0.0.1:80", debug: func(string, ...any) {}}
	s.configure()
	for b.Loop() {
		if w := call(s, nil); w.Code != 200 {
			b.Fatal(w.Code)
		}
	}
}
