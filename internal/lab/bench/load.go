package main

import (
	"context"
	"sync"
	"time"
)

// load is an open loop: requests leave at their time, whether or not those before them
// have been answered, and what one takes is counted from that time.
type load struct {
	rate int // requests a second
	// ask makes one request; an error counts as a failed answer.
	ask func(context.Context) error
}

// loaded is what came of a load.
type loaded struct {
	latencies []float64 // milliseconds
	late      float64   // milliseconds: how far behind its time a request has left at most
	failed    int
	err       error // the first of the failures
}

// run makes requests until ctx ends or enough returns true, which is asked before each.
func (l load) run(ctx context.Context, enough func() bool) loaded {
	var mu sync.Mutex
	var found loaded
	var asked sync.WaitGroup
	began, late := time.Now(), 0.0
	for i := 0; ctx.Err() == nil && !enough(); i++ {
		due := began.Add(time.Duration(i) * time.Second / time.Duration(l.rate))
		time.Sleep(time.Until(due))
		late = max(late, milliseconds(time.Since(due)))
		asked.Go(func() {
			err := l.ask(ctx)
			took := milliseconds(time.Since(due))
			mu.Lock()
			defer mu.Unlock()
			found.latencies = append(found.latencies, took)
			if err != nil {
				found.failed++
				if found.err == nil {
					found.err = err
				}
			}
		})
	}
	asked.Wait()
	found.late = late
	return found
}
