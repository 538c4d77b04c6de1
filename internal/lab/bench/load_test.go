package main

import (
	"context"
	"errors"
	"sync"
	"testing"
)

// The loop is open: what has not been answered holds up nothing that comes after it.
func TestLoadDoesNotWaitForAnswers(t *testing.T) {
	const together = 50
	var mu sync.Mutex
	arrived := 0
	all := make(chan struct{})
	got := load{rate: 10_000, ask: func(ctx context.Context) error {
		mu.Lock()
		if arrived++; arrived == together {
			close(all)
		}
		number := arrived
		mu.Unlock()
		select {
		case <-all:
		case <-ctx.Done():
		}
		if number%10 == 0 {
			return errors.New("failed")
		}
		return nil
	}}.run(t.Context(), func() bool {
		mu.Lock()
		defer mu.Unlock()
		return arrived >= together
	})
	if len(got.latencies) < together || got.failed < together/10 || got.err == nil {
		t.Errorf("%d answers, %d failed, %v", len(got.latencies), got.failed, got.err)
	}
}

func TestEndpointIsLearntFromWhatServePrints(t *testing.T) {
	e := &endpoint{}
	for _, line := range []string{"# ec2-admin, in a shell", "export AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:1/x",
		"export AWS_CONTAINER_AUTHORIZATION_TOKEN=abc", "export AWS_REGION=x"} {
		e.learn(line)
	}
	if e.url != "http://127.0.0.1:1/x" || e.token != "abc" {
		t.Errorf("got %q, %q", e.url, e.token)
	}
}

func TestFieldInMB(t *testing.T) {
	got, err := fieldInMB("VmPeak:\t  99 kB\nVmRSS:\t   2000 kB\n", "VmRSS:")
	if err != nil || got != 2.048 {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := fieldInMB("VmPeak: 1 kB\n", "VmRSS:"); err == nil {
		t.Error("a field that is not there was found")
	}
}
