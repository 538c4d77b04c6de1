package vault

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
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
	c := &callback{port: port, arrivals: make(chan arrival, 1)}
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

// close lets the last page be fetched.
func (c *callback) close() {
	ctx, cancel := context.WithTimeout(context.Background(), lastPage)
	defer cancel()
	if c.server.Shutdown(ctx) != nil {
		c.server.Close()
	}
}

func (c *callback) wait(ctx context.Context) (arrival, error) {
	select {
	case a := <-c.arrivals:
		return a, nil
	case <-ctx.Done():
		return arrival{}, hint.Errorf("run it again, and sign in in the browser; to choose the browser yourself: --no-browser", "the browser did not come back in time")
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
		refusal: r.FormValue("error_description"), told: told,
	}
	if a.refusal == "" {
		a.refusal = r.FormValue("error")
	}
	err := errors.New("vaws is not waiting any more")
	select {
	case c.arrivals <- a:
		err = <-told
	case <-r.Context().Done():
	case <-time.After(lastPage):
	}
	page(w, err == nil)
}

// page is the last thing that the person sees in the browser.
func page(w http.ResponseWriter, signedIn bool) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'")
	w.Header().Set("Referrer-Policy", "no-referrer")
	title, text := "Signed in", "You are signed in to Vault. This window can be closed."
	if !signedIn {
		w.WriteHeader(http.StatusBadRequest)
		title, text = "Not signed in", "The terminal says why, and what to do."
	}
	fmt.Fprintf(w, "<!doctype html><title>%s</title><h1>%s</h1><p>%s</p>\n", title, title, text)
}
