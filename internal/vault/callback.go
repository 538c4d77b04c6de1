package vault

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"time"

	"vaws/internal/hint"
)

const (
	callbackPort = 8250 // that of Vault's own CLI, which roles allow
	callbackPath = "/oidc/callback"
	// A page of this machine is not a way to send much.
	callbackLimit = 64 << 10
	// lastPage is how long the browser may take to fetch its last page.
	lastPage = 2 * time.Second
)

// callback waits on the loopback interface for the browser to come back.
type callback struct {
	port     int
	server   *http.Server
	arrivals chan arrival
	closed   chan struct{}
	pages    sync.WaitGroup // that are being sent
}

// arrival is what a browser brought back, and a way to tell it how that went.
type arrival struct {
	state, code, idToken string
	refusal              string // the identity provider's
	told                 chan<- error
}

func (a arrival) tell(err error) { a.told <- err }

// listenForCallback listens on every address that "localhost" may mean: where
// another program held one of them, the browser might go there.
func listenForCallback(port int) (*callback, error) {
	if port == 0 {
		port = callbackPort
	}
	c := &callback{port: port, arrivals: make(chan arrival), closed: make(chan struct{})}
	c.server = &http.Server{Handler: c, ReadTimeout: 10 * time.Second, MaxHeaderBytes: callbackLimit}
	listening := 0
	var failed error
	for _, host := range []string{"127.0.0.1", "::1"} {
		l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		switch {
		case err == nil:
			listening++
			go c.server.Serve(l)
		case isInUse(err):
			c.close()
			return nil, hint.Errorf("is another log-in waiting there? or choose one that the role allows: --port NUMBER",
				"port %d, to which the browser comes back, is in use", port)
		default:
			failed = err // there may be no IPv6
		}
	}
	if listening == 0 {
		return nil, fmt.Errorf("listening for the browser: %w", failed)
	}
	return c, nil
}

// isInUse knows Windows's own number as well, WSAEADDRINUSE.
func isInUse(err error) bool {
	return errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, syscall.Errno(10048))
}

func (c *callback) address() string {
	return fmt.Sprintf("http://localhost:%d%s", c.port, callbackPath)
}

// close waits until the last page has been sent, and for nothing else: a browser may
// hold connections that it does not use.
func (c *callback) close() {
	close(c.closed)
	sent := make(chan struct{})
	go func() {
		c.pages.Wait()
		close(sent)
	}()
	select {
	case <-sent:
	case <-time.After(lastPage):
	}
	c.server.Close()
}

// waitFor waits for the arrival with the state. Others are told off: any page in the
// browser can send it here.
func (c *callback) waitFor(ctx context.Context, state string) (arrival, error) {
	err := errors.New("the browser did not come back in time")
	for {
		select {
		case a := <-c.arrivals:
			if state != "" && subtle.ConstantTimeCompare([]byte(a.state), []byte(state)) == 1 {
				return a, nil
			}
			a.tell(errStray)
			err = errors.New("the browser did not come back in time, but from a sign-in that vaws has not begun (the state does not match)")
		case <-ctx.Done():
			return arrival{}, hint.Wrap(err, "run it again, and sign in in the browser; to choose the browser yourself: --no-browser")
		}
	}
}

// ServeHTTP takes one arrival.
func (c *callback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != callbackPath || r.Method != http.MethodGet && r.Method != http.MethodPost {
		http.NotFound(w, r)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, callbackLimit)
	told := make(chan error, 1)
	a := arrival{
		state: r.FormValue("state"), code: r.FormValue("code"), idToken: r.PostFormValue("id_token"),
		refusal: cmp.Or(r.FormValue("error_description"), r.FormValue("error")), told: told,
	}
	c.pages.Add(1)
	defer c.pages.Done()
	select {
	case c.arrivals <- a:
		page(w, <-told)
	case <-c.closed:
		page(w, errStray)
	case <-r.Context().Done():
	}
}

// errStray says that a browser came back from another sign-in.
var errStray = errors.New("a sign-in that vaws has not begun")

// page is the last thing that the person sees in the browser.
func page(w http.ResponseWriter, err error) {
	title, text := "Signed in", "You are signed in to Vault. This window can be closed."
	switch {
	case errors.Is(err, errStray):
		title, text = "Not signed in", "This is not the sign-in that vaws waits for. Sign in at the address that it shows in the terminal."
	case err != nil:
		title, text = "Not signed in", "The terminal says why, and what to do."
	}
	html := fmt.Sprintf("<!doctype html><title>%s</title><h1>%s</h1><p>%s</p>\n", title, title, text)
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(html)))
	header.Set("Content-Security-Policy", "default-src 'none'")
	header.Set("Referrer-Policy", "no-referrer")
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
	}
	io.WriteString(w, html)
	if flusher, ok := w.(http.Flusher); ok {
		flusher.Flush() // before the server closes
	}
}
