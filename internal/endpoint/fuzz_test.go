package endpoint

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

const fuzzToken = "the-token-of-the-fuzzed-endpoint"

// FuzzRequest sends bytes to a server; {host}, {port} and {token} in them stand for what
// the server wants. Credentials come only in answer to a head that has the token and a
// host of this machine and no origin, and whatever comes is an answer of HTTP.
func FuzzRequest(f *testing.F) {
	const good = "GET /team%2Faws%2Fdeploy%20role HTTP/1.1\r\nHost: {host}\r\nAuthorization: {token}\r\n\r\n"
	for _, seed := range []string{
		good,
		good + good,
		strings.Replace(good, "GET ", "GET http://localhost:{port}", 1),
		strings.Replace(good, "GET ", "GET http://evil.example", 1),
		strings.Replace(good, "GET", "POST", 1),
		strings.Replace(good, "{host}", "evil.example", 1),
		strings.Replace(good, "{host}", "[::1]:{port}", 1),
		strings.Replace(good, "\r\n\r\n", "\r\nOrigin: http://{host}\r\n\r\n", 1),
		strings.Replace(good, "\r\n\r\n", "\r\nContent-Length: 3\r\n\r\nabc", 1),
		strings.Replace(good, "\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n2\r\nab\r\n0\r\n\r\n", 1),
		strings.Replace(good, ": {token}", ":\r\n\t{token}", 1),
		strings.Replace(good, "{token}", "Bearer {token}", 1),
		strings.Replace(good, "Authorization: {token}", "authorization:{token}\r\nAuthorization: x", 1),
		strings.ReplaceAll(good, "\r", ""),
		strings.Replace(good, "1.1", "1.0", 1),
		"OPTIONS * HTTP/1.1\r\nHost: {host}\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"\x16\x03\x01",
		"",
	} {
		f.Add([]byte(seed))
	}
	var log panics
	s, err := Listen(Options{Keepers: map[string]*Keeper{name: started(f)}, Token: fuzzToken, Debug: log.debug})
	if err != nil {
		f.Fatal(err)
	}
	go s.Serve(f.Context())
	_, port, _ := net.SplitHostPort(s.address)
	fill := strings.NewReplacer("{host}", s.address, "{port}", port, "{token}", fuzzToken)
	if got := converse(f, s.address, fill.Replace(good)); !strings.Contains(got, "the-secret") {
		f.Fatalf("what is right gets %q", got)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		request := fill.Replace(string(data))
		answers := converse(t, s.address, request)
		if given, right := strings.Count(answers, "the-secret"), strings.Count(answers, " 200 OK\r\n"); given != right || given > entitled(request, port) {
			t.Errorf("%q gets %q", request, answers)
		}
		checkAnswers(t, request, answers)
		log.check(t)
	})
}

// started is a keeper with credentials.
func started(f *testing.F) *Keeper {
	k := (&mint{ttl: 24 * time.Hour}).keeper()
	if err := k.Start(f.Context()); err != nil {
		f.Fatal(err)
	}
	return k
}

// panics are what net/http tells of handlers that panicked.
type panics struct {
	mu    sync.Mutex
	lines []string
}

func (p *panics) debug(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if line := fmt.Sprintf(format, args...); strings.Contains(line, "panic serving") {
		p.lines = append(p.lines, line)
	}
}

func (p *panics) check(t *testing.T) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.lines) > 0 {
		t.Errorf("%q", p.lines)
	}
}

// converse sends all of it, and returns all that is answered. A server that leaves the
// connection open without a word fails the test.
func converse(t testing.TB, address, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	go func() {
		io.WriteString(conn, request) // fails where the server has heard enough
		conn.(*net.TCPConn).CloseWrite()
	}()
	answers, err := io.ReadAll(conn)
	if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
		t.Errorf("%q: no end of the answer", request)
	}
	return string(answers)
}

// checkAnswers takes the answers apart as a client does.
func checkAnswers(t *testing.T, request, answers string) {
	t.Helper()
	if strings.Contains(answers, "Access-Control-") || strings.Contains(answers, fuzzToken) {
		t.Errorf("%q gets %q", request, answers)
	}
	for rest := bufio.NewReader(strings.NewReader(answers)); ; {
		if _, err := rest.Peek(1); err != nil {
			return
		}
		r, err := http.ReadResponse(rest, nil)
		if err == nil {
			_, err = io.Copy(io.Discard, r.Body)
		}
		if err != nil {
			t.Errorf("%q gets %q: %v", request, answers, err)
			return
		}
	}
}

// entitled counts the heads in the text that may be given credentials. It looks at
// everything that might be a head, and reads it more leniently than any server.
func entitled(text, port string) int {
	n := 0
	text = strings.ReplaceAll(text, "\r\n", "\n")
	for at := range text {
		if strings.HasPrefix(text[at:], "GET ") {
			head, _, _ := strings.Cut(text[at:], "\n\n")
			if mayHave(head, port) {
				n++
			}
		}
	}
	return n
}

func mayHave(head, port string) bool {
	lines := strings.Split(strings.NewReplacer("\n ", "", "\n\t", "").Replace(head), "\n")
	host, token := hostOf(lines[0]), false
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch strings.ToLower(name) {
		case "origin":
			return false
		case "authorization":
			token = value == fuzzToken
		case "host":
			if host == "" {
				host = value
			}
		}
	}
	host, portOfHost, _ := strings.Cut(strings.ToLower(strings.Replace(host, "[::1]", "localhost", 1)), ":")
	return token && portOfHost == port && (host == "localhost" || host == loopback)
}

// hostOf is the host in a request line that has a whole address in it.
func hostOf(requestLine string) string {
	fields := bytes.Fields([]byte(requestLine))
	if len(fields) < 2 {
		return ""
	}
	u, err := url.Parse(string(fields[1]))
	if err != nil {
		return ""
	}
	return u.Host
}

// FuzzHandover sends bytes to what leads a browser on; {host} and {path} in them stand for
// those of its address. The secret is told once at the most, and to who asks for the path
// at that host.
func FuzzHandover(f *testing.F) {
	const good = "GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"
	for _, seed := range []string{
		good,
		good + good,
		strings.Replace(good, "GET", "HEAD", 1),
		strings.Replace(good, "{path}", "{path}?x", 1),
		strings.Replace(good, "{path}", "http://{host}{path}", 1),
		strings.Replace(good, "{path}", "http://evil.example{path}", 1),
		strings.Replace(good, "{path}", "/x/..{path}", 1),
		strings.Replace(good, "Host: {host}", "Host: localhost", 1),
		strings.Replace(good, "1.1", "1.0", 1),
		"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n" + good,
	} {
		f.Add([]byte(seed))
	}
	const target = "https://signin.aws.amazon.com/federation?SigninToken=the-secret"
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := HandOver(target)
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		host := h.listener.Addr().String()
		request := strings.NewReplacer("{host}", host, "{path}", h.path).Replace(string(data))
		answers := converse(t, host, request) + converse(t, host, request)
		told := strings.Count(answers, "the-secret")
		if told > 1 || told == 1 && !mayBeLed(request, host, h.path) || told == 0 && string(data) == good {
			t.Errorf("%q gets %q", request, answers)
		}
		over := false
		select {
		case <-h.done:
			over = true
		default:
		}
		if over != (told == 1) {
			t.Errorf("%q gets %q, and the waiting is over: %v", request, answers, over)
		}
	})
}

// mayBeLed reports whether there is a head in the text that may be told the secret. It
// reads more leniently than any server.
func mayBeLed(text, host, path string) bool {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	for at := range text {
		if !strings.HasPrefix(text[at:], "GET ") {
			continue
		}
		head, _, _ := strings.Cut(text[at:], "\n\n")
		line, rest, _ := strings.Cut(head, "\n")
		if decoded, err := url.PathUnescape(line); err == nil {
			line = decoded
		}
		if strings.Contains(line, path) && (hostOf(line) == host || hostOf(line) == "" && strings.Contains(rest, host)) {
			return true
		}
	}
	return false
}
