// Package endpoint serves credentials to AWS SDKs on the loopback interface, in
// the way that they expect of a container's host: they find the address in
// AWS_CONTAINER_CREDENTIALS_FULL_URI and what to send in
// AWS_CONTAINER_AUTHORIZATION_TOKEN
// (https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html).
// A Keeper has the credentials, a Server answers for one or more of them. A Handover
// leads a browser to an address.
package endpoint

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Go and botocore accept no other host over plain HTTP, except for those of
// containers' own endpoints.
const loopback = "127.0.0.1"

// Above patience, so that requests under way get their answer.
const closeLimit = 2 * time.Second

// Options are what a Server is made of.
type Options struct {
	// Keepers have the credentials, by name. They have been started.
	Keepers map[string]*Keeper
	// Port to listen on; zero is one that is free.
	Port int
	// Token that requests must carry; empty is 256 random bits.
	Token string
	// Debug is told of every request: method, path and status. It is called from
	// any goroutine.
	Debug func(format string, args ...any)
}

// Server answers requests for credentials.
type Server struct {
	keepers  map[string]*Keeper
	token    string
	guard    guard
	address  string
	listener net.Listener
	http     http.Server
	debug    func(format string, args ...any)
}

// Listen opens the port on 127.0.0.1, where connections wait for Serve.
func Listen(o Options) (*Server, error) {
	if err := checkNames(o.Keepers); err != nil {
		return nil, err
	}
	token, err := tokenOr(o.Token)
	if err != nil {
		return nil, err
	}
	listener, err := listen(o.Port)
	if err != nil {
		return nil, err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	s := &Server{
		keepers: o.Keepers, token: token, guard: newGuard(port, token),
		address: listener.Addr().String(), listener: listener, debug: o.Debug,
	}
	s.configure()
	return s, nil
}

// checkNames refuses names whose path would be empty once a client has
// normalised it.
func checkNames(keepers map[string]*Keeper) error {
	if len(keepers) == 0 {
		return errors.New("no credentials to serve")
	}
	for name := range keepers {
		if name == "" || name == "." || name == ".." {
			return fmt.Errorf("credentials named %q cannot be served", name)
		}
	}
	return nil
}

func listen(port int) (net.Listener, error) {
	if port < 0 || port > 65535 {
		return nil, fmt.Errorf("listening on port %d: not between 0 and 65535", port)
	}
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.ParseIP(loopback), Port: port})
	if err == nil {
		return listener, nil
	}
	if op := (*net.OpError)(nil); errors.As(err, &op) {
		err = op.Err // without the address, which is said already
	}
	return nil, fmt.Errorf("listening on port %d of %s: %w", port, loopback, err)
}

func (s *Server) configure() {
	s.http = http.Server{
		Handler:                      http.HandlerFunc(s.handle),
		DisableGeneralOptionsHandler: true, // it would answer "OPTIONS *"
		ReadHeaderTimeout:            5 * time.Second,
		ReadTimeout:                  5 * time.Second,
		WriteTimeout:                 10 * time.Second,
		IdleTimeout:                  time.Minute,
		MaxHeaderBytes:               16 << 10,
		ErrorLog:                     log.New(debugWriter(s.debug), "", 0),
	}
}

// debugWriter turns the lines of a log into debug messages.
type debugWriter func(format string, args ...any)

func (w debugWriter) Write(line []byte) (int, error) {
	w("%s", strings.TrimSpace(string(line)))
	return len(line), nil
}

// URL is where name's credentials are, for AWS_CONTAINER_CREDENTIALS_FULL_URI.
func (s *Server) URL(name string) string {
	return "http://" + s.address + "/" + url.PathEscape(name)
}

// Token is what requests must carry, for AWS_CONTAINER_AUTHORIZATION_TOKEN.
func (s *Server) Token() string { return s.token }

// Serve answers requests until ctx ends, and returns nil once those under way
// have been answered, two seconds later at most. It is called once; the port
// stays open until then.
func (s *Server) Serve(ctx context.Context) error {
	closed := make(chan struct{})
	keepOpen := context.AfterFunc(ctx, func() {
		defer close(closed)
		s.close()
	})
	err := s.http.Serve(s.listener)
	if keepOpen() {
		return fmt.Errorf("serving credentials on %s: %w", s.address, err)
	}
	<-closed
	return nil
}

func (s *Server) close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		s.debug("closing connections: %v", err)
		s.http.Close() // nothing is left to do about its error
	}
}
