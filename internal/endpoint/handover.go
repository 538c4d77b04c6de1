package endpoint

import (
	"context"
	"crypto/subtle"
	"net"
	"net/http"
	"sync"
	"time"
)

// Handover leads one browser to an address that is a secret and so must not be on a
// command line. The browser is told an address on the loopback interface instead,
// which works once.
type Handover struct {
	target   string
	path     string
	listener net.Listener
	server   http.Server
	once     sync.Once
	done     chan struct{} // closed when a browser was led on
}

// HandOver listens for the browser that is to be led to the target.
func HandOver(target string) (*Handover, error) {
	listener, err := listen(0)
	if err != nil {
		return nil, err
	}
	h := &Handover{target: target, path: "/" + NewToken(), listener: listener, done: make(chan struct{})}
	h.server = http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       5 * time.Second,
		WriteTimeout:      10 * time.Second,
		MaxHeaderBytes:    64 << 10, // browsers bring cookies of other ports
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connection{}, c)
		},
	}
	go h.server.Serve(listener)
	return h, nil
}

// connection is the key of a request's connection in its context.
type connection struct{}

// URL is the address that the browser is to be told. Other users of the machine may
// see it on the browser's command line; on Linux it is of no use to them.
func (h *Handover) URL() string { return "http://" + h.listener.Addr().String() + h.path }

// Wait returns nil when a browser has been led on, else the context's error.
func (h *Handover) Wait(ctx context.Context) error {
	select {
	case <-h.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close ends the listening, two seconds later at most.
func (h *Handover) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	if h.server.Shutdown(ctx) != nil {
		h.server.Close() // nothing is left to do about its error
	}
}

// ServeHTTP leads the first one on who asks for the path.
func (h *Handover) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	if status := h.refuses(r); status != 0 {
		http.Error(w, http.StatusText(status), status)
		return
	}
	first := false
	h.once.Do(func() { first = true })
	if !first {
		http.Error(w, "This address worked once. Run vaws again.", http.StatusGone)
		return
	}
	header.Set("Connection", "close")
	header.Set("Location", h.target)
	w.WriteHeader(http.StatusFound)
	close(h.done)
}

// refuses is the status for who is turned away, or zero.
func (h *Handover) refuses(r *http.Request) int {
	c, known := r.Context().Value(connection{}).(net.Conn)
	switch {
	case r.Host != h.listener.Addr().String():
		return http.StatusForbidden // a web page under a name of its own
	case subtle.ConstantTimeCompare([]byte(r.URL.Path), []byte(h.path)) != 1:
		return http.StatusNotFound
	case r.Method != http.MethodGet:
		return http.StatusMethodNotAllowed
	case !known || isStranger(c):
		return http.StatusForbidden
	}
	return 0
}
