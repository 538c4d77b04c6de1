package lab

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

var badServerCommands = map[string]command{
	"badserver": {usage: "NAME KIND [@VAULT]", least: 2, run: runBadServer},
}

// badServer stands before a Vault as something broken would.
type badServer struct {
	vault string // URL
	bad   atomic.Pointer[behaviour]
	ended chan struct{} // closed when the script is over
	count atomic.Int64  // of the connections so far
}

// behaviour is what a bad server does with a connection, which is closed when it
// returns.
type behaviour func(c *caller)

// caller is one connection to a bad server.
type caller struct {
	net.Conn
	server *badServer
	number int64 // from 1
	req    *http.Request
}

// asked reads the request; it is false if there is none.
func (c *caller) asked() bool {
	req, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return false
	}
	body, err := io.ReadAll(req.Body)
	req.Body = io.NopCloser(bytes.NewReader(body))
	c.req = req
	return err == nil
}

// vault is Vault's answer to the request, as it would go over the wire.
func (c *caller) vault() []byte {
	out, err := http.NewRequest(c.req.Method, c.server.vault+c.req.URL.RequestURI(), c.req.Body)
	if err != nil {
		return nil
	}
	out.Header = c.req.Header
	resp, err := http.DefaultTransport.RoundTrip(out)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp.TransferEncoding, resp.Close = nil, true
	answer, errDump := httputil.DumpResponse(resp, true)
	if err != nil || errDump != nil {
		return nil
	}
	return answer
}

// reset ends the connection with RST.
func (c *caller) reset() {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

func runBadServer(s *script, ts *testscript.TestScript, _ bool, args []string) error {
	name, kind := args[0], args[1]
	bad, behaves := behaviours[kind]
	if b := s.badServers[name]; b != nil && behaves {
		b.bad.Store(&bad)
		return nil
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ts.Defer(func() { _ = l.Close() })
	ts.Setenv(name+"_ADDR", "http://"+l.Addr().String())
	switch {
	case behaves:
		return s.behave(ts, name, l, &bad, args[2:])
	case kind == "unreachable":
		return fillBacklog(ts, l.(*net.TCPListener))
	case kind == "tls":
		return s.serveTLS(ts, name, l, time.Now())
	case kind == "expired":
		return s.serveTLS(ts, name, l, time.Now().Add(-72*time.Hour))
	}
	return fmt.Errorf("which of unreachable, tls, expired, %s?", strings.Join(slices.Sorted(maps.Keys(behaviours)), ", "))
}

// behave starts a bad server before the first Vault, or the one that the words name.
func (s *script) behave(ts *testscript.TestScript, name string, l net.Listener, bad *behaviour, words []string) error {
	of := s.vaults[strings.TrimPrefix(strings.Join(words, " "), "@")]
	if of == nil {
		return fmt.Errorf("there is no Vault %q", words)
	}
	b := &badServer{vault: of.Addr, ended: make(chan struct{})}
	b.bad.Store(bad)
	if s.badServers == nil {
		s.badServers = map[string]*badServer{}
	}
	s.badServers[name] = b
	ts.Defer(func() { close(b.ended) })
	go b.serve(l)
	return nil
}

func (b *badServer) serve(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			(*b.bad.Load())(&caller{Conn: c, server: b, number: b.count.Add(1)})
		}()
	}
}

// fillBacklog makes the kernel drop every SYN to the listener: its queue has room for
// one connection, and nobody takes those that wait there.
func fillBacklog(ts *testscript.TestScript, l *net.TCPListener) error {
	raw, err := l.SyscallConn()
	if err != nil {
		return err
	}
	var listened error
	if err := raw.Control(func(fd uintptr) { listened = syscall.Listen(int(fd), 0) }); err != nil || listened != nil {
		return errors.Join(err, listened)
	}
	for range 16 {
		c, err := net.DialTimeout("tcp", l.Addr().String(), time.Second)
		if err != nil {
			return nil
		}
		ts.Defer(func() { _ = c.Close() })
	}
	return errors.New("the queue does not fill")
}

// serveTLS presents a certificate of that time for 127.0.0.1 and localhost.
func (s *script) serveTLS(ts *testscript.TestScript, name string, l net.Listener, now time.Time) error {
	dir := filepath.Join(s.search.root, "tls-"+name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	files, err := NewTLS(dir, now)
	if err != nil {
		return err
	}
	cert, err := tls.LoadX509KeyPair(files.ServerCert, files.ServerKey)
	if err != nil {
		return err
	}
	server := &http.Server{TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}}, ErrorLog: log.New(io.Discard, "", 0)}
	ts.Defer(func() { _ = server.Close() })
	go func() { _ = server.ServeTLS(l, "", "") }()
	ts.Setenv(name+"_ADDR", "https://"+l.Addr().String())
	ts.Setenv(name+"_CACERT", files.CA)
	return nil
}
