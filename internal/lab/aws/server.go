// Package aws is a stand-in for the parts of AWS that Vault's AWS secrets
// engine and ordinary clients call in the lab: STS, IAM, EC2's DescribeVpcs, S3's
// ListBuckets and the sign-in endpoint of the console.
//
// It is strict where clients can be wrong: signatures (SigV4), session tokens,
// lifetimes and clock skew are checked and refused in AWS's words. It is lax
// where only AWS could know: there is no policy evaluation, every signed call is
// permitted, and any role of any account can be assumed unless DenyRole says
// otherwise.
//
// Error codes and texts follow the "Common Errors" pages of the API references
// of STS, IAM, EC2 and S3.
package aws

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Options configure a Server. The zero value is ready for use.
type Options struct {
	// Now is the clock that expiry and skew are judged by (default time.Now).
	Now func() time.Time
	// TokenLength is the length of session tokens in characters (default 1000;
	// AWS sends up to 4096).
	TokenLength int
	// Listen is the address to listen on (default 127.0.0.1:0).
	Listen string
}

// Server is a running stand-in. Its methods may be called at any time from any
// goroutine.
type Server struct {
	now         func() time.Time
	tokenLength int
	listener    net.Listener
	http        *http.Server

	mu       sync.Mutex
	keys     map[string]*accessKey // by access key ID
	users    map[userID]*user
	roles    map[userID]bool
	denied   map[string]bool // role ARNs
	secrets  []string
	signins  map[string]string // ARNs by sign-in token
	calls    map[string]int
	failures map[string]*failure
	delays   map[string]time.Duration

	lifetimeCap time.Duration
	maxSession  time.Duration
	keyDelay    time.Duration
	keyRefusals int
	mfaCode     string
}

// New starts a stand-in. Close ends it.
func New(o Options) (*Server, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.TokenLength == 0 {
		o.TokenLength = 1000
	}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, err
	}
	s := &Server{
		now:         o.Now,
		tokenLength: o.TokenLength,
		listener:    listener,
		keys:        map[string]*accessKey{},
		users:       map[userID]*user{},
		roles:       map[userID]bool{},
		denied:      map[string]bool{},
		calls:       map[string]int{},
		failures:    map[string]*failure{},
		delays:      map[string]time.Duration{},
		signins:     map[string]string{},
		maxSession:  12 * time.Hour,
		mfaCode:     "123456",
	}
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.http.Serve(listener) }()
	return s, nil
}

// URL is the endpoint of every service, for example http://127.0.0.1:41234.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() }

// Close ends the stand-in and every connection to it.
func (s *Server) Close() error { return s.http.Close() }

// request is one authenticated call.
type request struct {
	action string
	form   url.Values
	key    *accessKey // who signed it
	now    time.Time
}

// operation answers a request with a value to be encoded as XML; nil is an
// empty result. It runs with s.mu held.
type operation func(*Server, *request) (any, *fault)

// maxBody is more than any call of the lab sends.
const maxBody = 1 << 20

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/federation" {
		s.serveSignin(w, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	// Go moves Host out of the header; the signature covers it.
	service := signedService(r)
	if service == "s3" {
		s.serveS3(w, r, body)
		return
	}
	s.serveQuery(w, r, body, service)
}

// serveQuery answers the services that speak the Query protocol.
func (s *Server) serveQuery(w http.ResponseWriter, r *http.Request, body []byte, service string) {
	form, err := url.ParseQuery(string(body))
	if err != nil || r.Method != http.MethodPost {
		form = r.URL.Query()
	}
	action := form.Get("Action")
	api, known := apis[service]
	if !known {
		// An unsigned call has no service; STS says so best.
		api = apis["sts"]
	}
	if f := s.intercept(r, action); f != nil {
		api.writeFault(w, f)
		return
	}
	s.mu.Lock()
	key, f := s.authenticate(r, body)
	var result any
	if f == nil {
		result, f = api.call(s, &request{action: action, form: form, key: key, now: s.now()})
	}
	s.mu.Unlock()
	if f != nil {
		api.writeFault(w, f)
		return
	}
	api.writeResult(w, action, result)
}

// intercept counts the call and applies the delay and the failure that were
// asked for.
func (s *Server) intercept(r *http.Request, action string) *fault {
	s.mu.Lock()
	s.calls[action]++
	delay := s.delays[action]
	failed := s.takeFailure(action)
	s.mu.Unlock()
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-r.Context().Done():
		}
	}
	return failed
}

func (s *Server) takeFailure(action string) *fault {
	f := s.failures[action]
	if f == nil || f.times == 0 {
		return nil
	}
	f.times--
	return &f.fault
}

// userID names an IAM user: names are unique within an account.
type userID struct{ account, name string }

var accountPattern = regexp.MustCompile(`^\d{12}$`)

func checkAccount(account string) error {
	if !accountPattern.MatchString(account) {
		return fmt.Errorf("account %q is not 12 digits", account)
	}
	return nil
}

// accountOf returns the account field of an ARN.
func accountOf(arn string) string {
	fields := strings.SplitN(arn, ":", 6)
	if len(fields) < 6 {
		return ""
	}
	return fields[4]
}
