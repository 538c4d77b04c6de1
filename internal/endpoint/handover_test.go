package endpoint

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

const secretTarget = "https://signin.example.com/federation?SigninToken=secret"

func handOver(t *testing.T) *Handover {
	t.Helper()
	h, err := HandOver(secretTarget)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

// visit asks for an address as a browser does, but follows no redirect.
func visit(t *testing.T, method, url, host string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestHandoverLeadsOneBrowserOn(t *testing.T) {
	h := handOver(t)
	resp, _ := visit(t, http.MethodGet, h.URL(), "")
	if resp.StatusCode != http.StatusFound || resp.Header.Get("Location") != secretTarget {
		t.Errorf("status %d, location %q", resp.StatusCode, resp.Header.Get("Location"))
	}
	if resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("header %v", resp.Header)
	}
	if err := h.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	resp, body := visit(t, http.MethodGet, h.URL(), "")
	if resp.StatusCode != http.StatusGone || resp.Header.Get("Location") != "" || strings.Contains(body, "secret") {
		t.Errorf("a second time: status %d, %v, %q", resp.StatusCode, resp.Header, body)
	}
}

func TestHandoverTurnsOthersAway(t *testing.T) {
	h := handOver(t)
	base := strings.TrimSuffix(h.URL(), h.path)
	for _, c := range []struct {
		method, url, host string
		want              int
	}{
		{"GET", base + "/", "", http.StatusNotFound},
		{"GET", h.URL() + "0", "", http.StatusNotFound},
		{"GET", h.URL(), "evil.example.com", http.StatusForbidden},
		{"HEAD", h.URL(), "", http.StatusMethodNotAllowed},
		{"POST", h.URL(), "", http.StatusMethodNotAllowed},
	} {
		resp, body := visit(t, c.method, c.url, c.host)
		if resp.StatusCode != c.want || resp.Header.Get("Location") != "" || strings.Contains(body, "secret") {
			t.Errorf("%v: status %d, header %v, body %q", c, resp.StatusCode, resp.Header, body)
		}
	}
	if resp, _ := visit(t, http.MethodGet, h.URL(), ""); resp.StatusCode != http.StatusFound {
		t.Errorf("they have used it up: status %d", resp.StatusCode)
	}
}

func TestHandoverWaitEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := handOver(t).Wait(ctx); err == nil {
		t.Error("nobody came, and no error")
	}
}

// A browser that keeps its connection does not hold Close up.
func TestHandoverCloses(t *testing.T) {
	h := handOver(t)
	visit(t, http.MethodGet, h.URL(), "")
	start := time.Now()
	h.Close()
	if took := time.Since(start); took > closeLimit/2 {
		t.Errorf("it took %v", took)
	}
}
