package lab

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// spyCommands stand at addresses where nothing may arrive that was meant for
// another one.
var spyCommands = map[string]command{
	"spy":      {usage: "NAME", least: 1, run: runSpy},
	"redirect": {usage: "NAME URL", least: 2, run: runRedirect},
	"spied":    {usage: "NAME reset | N | TEXT", least: 2, negatable: true, run: runSpied},
}

// spy writes down what it is sent, and denies everything as Vault does.
type spy struct {
	mu   sync.Mutex
	seen []string // a request each: its line, its headers, its client certificate
}

// ServeHTTP implements http.Handler.
func (s *spy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.write(r, r.Header)
	w.WriteHeader(http.StatusForbidden)
	fmt.Fprint(w, `{"errors":["permission denied"]}`)
}

// note writes down a request that goes where it was meant for, with an ellipsis
// for its token.
func (s *spy) note(r *http.Request) {
	header := r.Header.Clone()
	for _, name := range tokenHeaders {
		if header.Get(name) != "" {
			header.Set(name, "…")
		}
	}
	s.write(r, header)
}

func (s *spy) write(r *http.Request, header http.Header) {
	var line strings.Builder
	fmt.Fprintf(&line, "%s %s\n", r.Method, r.URL)
	_ = header.Write(&line)
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		line.WriteString("client certificate\n")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, line.String())
}

// runSpy listens with and without TLS, and asks for a client certificate.
func runSpy(s *script, ts *testscript.TestScript, _ bool, args []string) error {
	watcher := &spy{}
	s.spies[args[0]] = watcher
	plain := httptest.NewServer(watcher)
	ts.Defer(plain.Close)
	secure := httptest.NewUnstartedServer(watcher)
	secure.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	secure.StartTLS()
	ts.Defer(secure.Close)
	ts.Setenv(args[0]+"_ADDR", plain.URL)
	ts.Setenv(args[0]+"_TLS_ADDR", secure.URL)
	ca := ts.MkAbs(args[0] + ".pem")
	ts.Setenv(args[0]+"_CACERT", ca)
	return writePEM(ca, "CERTIFICATE", secure.Certificate().Raw)
}

func runRedirect(_ *script, ts *testscript.TestScript, _ bool, args []string) error {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, args[1]+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	ts.Defer(server.Close)
	ts.Setenv(args[0]+"_ADDR", server.URL)
	return nil
}

func runSpied(s *script, _ *testscript.TestScript, negated bool, args []string) error {
	watcher := s.spies[args[0]]
	if watcher == nil {
		return fmt.Errorf("there is no spy %q", args[0])
	}
	watcher.mu.Lock()
	defer watcher.mu.Unlock()
	if args[1] == "reset" {
		watcher.seen = nil
		return nil
	}
	if strings.Trim(args[1], "<>=0123456789") == "" {
		return compareCount(len(watcher.seen), args[1])
	}
	all := strings.Join(watcher.seen, "\n")
	if strings.Contains(all, args[1]) == negated {
		return fmt.Errorf("of %d requests:\n%s", len(watcher.seen), all)
	}
	return nil
}
