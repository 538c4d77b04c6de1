package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"time"

	"vaws/internal/lab"
)

const (
	requestRate = 1000 // a second
	rotations   = 20
	// shortLife makes vaws refresh every two seconds or so: AWS cuts to the second, Vault
	// too, and half of the life has to be left.
	shortLife = 5 * time.Second
	// loadMost is how long the rotations may take at most.
	loadMost = 90 * time.Second
)

// endpoint is a vaws serve.
type endpoint struct {
	url, token string
	pid        int
	end        func()
	client     *http.Client

	mu   sync.Mutex
	keys map[string]bool // access key IDs that it has given out
}

var (
	urlLine   = regexp.MustCompile(`^export AWS_CONTAINER_CREDENTIALS_FULL_URI=(\S+)`)
	tokenLine = regexp.MustCompile(`^export AWS_CONTAINER_AUTHORIZATION_TOKEN=(\S+)`)
)

// serve starts an endpoint for the role.
func (w *world) serve() (*endpoint, error) {
	argv := w.vaws("serve", role)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env, cmd.Dir = w.env, w.dir
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	end, err := lab.Start(cmd)
	if err != nil {
		return nil, err
	}
	e := &endpoint{pid: cmd.Process.Pid, end: end, keys: map[string]bool{}}
	// A connection for each request, as processes make them that start and ask once.
	e.client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	for lines := bufio.NewScanner(stdout); e.url == "" || e.token == ""; {
		if !lines.Scan() {
			end()
			return nil, fmt.Errorf("vaws serve has ended")
		}
		e.learn(lines.Text())
	}
	go io.Copy(io.Discard, stdout)
	return e, nil
}

// learn takes URL and token from a line of what serve prints for shells.
func (e *endpoint) learn(line string) {
	if found := urlLine.FindStringSubmatch(line); found != nil {
		e.url = found[1]
	}
	if found := tokenLine.FindStringSubmatch(line); found != nil {
		e.token = found[1]
	}
}

// ask makes one request; an answer that has expired on arrival is an error.
func (e *endpoint) ask(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.url, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", e.token)
	response, err := e.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var answer struct {
		AccessKeyID string `json:"AccessKeyId"`
		Expiration  time.Time
		Message     string
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", response.Status, answer.Message)
	}
	if now := time.Now(); !now.Before(answer.Expiration) {
		return fmt.Errorf("expired %s ago", now.Sub(answer.Expiration))
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.keys[answer.AccessKeyID] = true
	return nil
}

// rotated is how often the endpoint was seen to change its credentials.
func (e *endpoint) rotated() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return max(0, len(e.keys)-1)
}

// endpoints measures an endpoint whose credentials live for seconds.
func (w *world) endpoints(ctx context.Context, r results) error {
	if err := os.RemoveAll(w.entries()); err != nil {
		return err
	}
	w.stand.SetLifetime(shortLife)
	defer w.stand.SetLifetime(0)
	e, err := w.serve()
	if err != nil {
		return err
	}
	defer e.end()
	before, err := resident(e.pid)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, loadMost)
	defer cancel()
	got := load{requestRate, e.ask}.run(limited, func() bool { return e.rotated() >= rotations })
	after, err := resident(e.pid)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(w.entries()); err != nil {
		return err
	}
	return e.tell(r, got, before, after)
}

func (e *endpoint) tell(r results, got loaded, before, after float64) error {
	if e.rotated() < rotations {
		return fmt.Errorf("the endpoint changed its credentials %d times of %d in %s: %w", e.rotated(), rotations, loadMost, got.err)
	}
	if got.failed > 0 {
		fmt.Fprintln(os.Stderr, "bench: a failed answer of the endpoint:", got.err)
	}
	p99 := percentile(got.latencies, 99)
	r.set(rowServeLatency, p99, "%.2f ms (median %.2f, longest %.1f), %d requests, a connection each; they left at most %.1f ms late",
		p99, median(got.latencies), percentile(got.latencies, 100), len(got.latencies), got.late)
	r.set(rowServeAnswers, float64(got.failed), "%d of %d, across %d rotations", got.failed, len(got.latencies), e.rotated())
	r.set(rowServeMemory, 0, "%.1f MB, %.1f MB", before, after)
	return nil
}

// resident is the resident memory of a process, in megabytes (proc_pid_status(5)).
func resident(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	return fieldInMB(string(text), "VmRSS:")
}

// fieldInMB reads a field that the kernel states in kB, and means kibibytes.
func fieldInMB(text, name string) (float64, error) {
	for line := range strings.Lines(text) {
		if value, found := strings.CutPrefix(line, name); found {
			var kib float64
			_, err := fmt.Sscanf(value, "%f kB", &kib)
			return kib * 1024 / 1e6, err
		}
	}
	return 0, fmt.Errorf("the kernel states no %s", name)
}
