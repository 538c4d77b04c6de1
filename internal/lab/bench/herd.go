package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// herdSizes are how many processes are started at once; figures of the table are those
// of tableHerd and of the last.
var herdSizes = []int{1, 2, 5, 10, 20, 50, 100, 200, 500}

const (
	tableHerd = 200
	// herdTimes is how often each herd runs; the median counts.
	herdTimes = 3
)

// herd is what came of processes that were started at once.
type herd struct {
	wall    float64 // milliseconds from the first start to the last end
	failed  int
	answers map[string]int // what they printed, and how often
	minted  int            // credentials, by AWS's count
	stderr  string
}

// start starts n processes at once, waits for them, and counts. Each prints one line,
// in one piece (pipe(7), PIPE_BUF), so that one pipe serves them all.
func (w *world) start(ctx context.Context, n int, argv []string) (herd, error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return herd{}, err
	}
	defer reader.Close()
	printed := make(chan []byte)
	go func() { text, _ := io.ReadAll(reader); printed <- text }()
	calls := w.stand.Calls("AssumeRole")
	errFile, err := os.CreateTemp(w.dir, "stderr")
	if err != nil {
		return herd{}, err
	}
	defer errFile.Close()
	h := herd{answers: map[string]int{}}
	began := time.Now()
	failed, err := w.startAll(ctx, n, argv, writer, errFile)
	h.wall = milliseconds(time.Since(began))
	_ = writer.Close()
	for line := range strings.Lines(string(<-printed)) {
		h.answers[line]++
	}
	stderr, _ := os.ReadFile(errFile.Name())
	h.failed, h.minted, h.stderr = failed, w.stand.Calls("AssumeRole")-calls, string(bytes.TrimSpace(stderr))
	return h, err
}

// startAll returns how many have failed.
func (w *world) startAll(ctx context.Context, n int, argv []string, stdout, stderr *os.File) (failed int, err error) {
	var started []*exec.Cmd
	for range n {
		cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
		cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = w.env, w.dir, stdout, stderr
		if err = cmd.Start(); err != nil {
			break
		}
		started = append(started, cmd)
	}
	for _, cmd := range started {
		if cmd.Wait() != nil {
			failed++
		}
	}
	return failed, errors.Join(err, ctx.Err())
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// herdSeries are herds of every size.
type herdSeries struct {
	place      string // of the key
	cold, warm map[int]herdsOfSize
	oneByOne   map[int]float64 // as many hits, one after the other
}

// herdsOfSize is what herds of one size came to: the median of their walls, and the
// worst of the rest.
type herdsOfSize struct {
	wall                    float64
	minted, failed, answers int
}

func summarize(herds []herd) herdsOfSize {
	var all herdsOfSize
	var walls []float64
	for _, h := range herds {
		walls = append(walls, h.wall)
		all.minted, all.failed, all.answers = max(all.minted, h.minted), max(all.failed, h.failed), max(all.answers, len(h.answers))
	}
	all.wall = median(walls)
	return all
}

func (h herdsOfSize) String() string {
	return fmt.Sprintf("%.0f ms; %d minted, %d failed (the worst of %d)", h.wall, h.minted, h.failed, herdTimes)
}

// odd is how many have failed, were answered in their own way, or have minted beyond
// what was expected.
func (h herdsOfSize) odd(expected int) float64 {
	return float64(h.failed + h.answers - 1 + max(h.minted-expected, expected-h.minted))
}

// herds measures every size, with the key in gnome-keyring and in the kernel keyring.
func (w *world) herds(ctx context.Context, r results) ([]herdSeries, error) {
	inKeyring, err := w.herdsIn(ctx, "gnome-keyring")
	if err != nil {
		return nil, err
	}
	inKernel, err := w.inKernel().herdsIn(ctx, "kernel keyring")
	if err != nil {
		return nil, err
	}
	tellHerds(r, inKeyring)
	return []herdSeries{inKeyring, inKernel}, w.herdWithoutLocks(ctx, r)
}

func (w *world) herdsIn(ctx context.Context, place string) (herdSeries, error) {
	s := herdSeries{place, map[int]herdsOfSize{}, map[int]herdsOfSize{}, map[int]float64{}}
	for _, n := range herdSizes {
		if err := w.herdsOf(ctx, s, n); err != nil {
			return s, err
		}
	}
	return s, nil
}

func (w *world) herdsOf(ctx context.Context, s herdSeries, n int) error {
	var cold, warm []herd
	var single []float64
	for range herdTimes {
		if err := os.RemoveAll(w.entries()); err != nil {
			return err
		}
		for _, to := range []*[]herd{&cold, &warm} {
			h, err := w.start(ctx, n, w.hit())
			if err != nil {
				return err
			}
			if h.stderr != "" {
				announce(fmt.Sprintf("%d at once, key in %s: %s", n, s.place, firstLine(h.stderr)))
			}
			*to = append(*to, h)
		}
		one, err := w.oneByOne(ctx, n)
		if err != nil {
			return err
		}
		single = append(single, one)
	}
	s.cold[n], s.warm[n], s.oneByOne[n] = summarize(cold), summarize(warm), median(single)
	return nil
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// oneByOneMost bounds how many hits are really made one after the other.
const oneByOneMost = 50

// oneByOne is how long n hits take one after the other, in milliseconds.
func (w *world) oneByOne(ctx context.Context, n int) (float64, error) {
	made := min(n, oneByOneMost)
	sum := 0.0
	for range made {
		one, err := w.start(ctx, 1, w.hit())
		if err != nil {
			return 0, err
		}
		sum += one.wall
	}
	return sum * float64(n) / float64(made), nil
}

func tellHerds(r results, s herdSeries) {
	cold, one := s.cold[tableHerd], s.oneByOne[tableHerd]
	r.set(rowColdMinted, cold.odd(1), "%d minted, %d failed (the worst of %d)", cold.minted, cold.failed, herdTimes)
	r.set(rowColdWall, cold.wall/one, "%.0f ms: %.2f × %.0f ms", cold.wall, cold.wall/one, one)
	most := herdSizes[len(herdSizes)-1]
	r.set(rowColdMost, s.cold[most].odd(1), "%s", s.cold[most])
	r.set(rowWarmMost, s.warm[most].odd(0), "%s", s.warm[most])
}

// herdWithoutLocks starts a herd while every lock of the cache is held. Who waits for
// one is ended before it gives that up, and counts as failed.
func (w *world) herdWithoutLocks(ctx context.Context, r results) error {
	if _, err := w.run(ctx, w.hit()); err != nil {
		return err
	}
	locks, err := filepath.Glob(filepath.Join(w.cache(), "locks", "*.lock"))
	if err != nil || len(locks) == 0 {
		return fmt.Errorf("%d locks: %w", len(locks), err)
	}
	for _, path := range locks {
		lock := flock.New(path)
		if held, err := lock.TryLock(); err != nil || !held {
			return fmt.Errorf("holding %s: %w", path, err)
		}
		defer lock.Unlock()
	}
	limited, cancel := context.WithTimeout(ctx, lockWait/2)
	defer cancel()
	h, err := w.start(limited, tableHerd, w.hit())
	if err != nil && ctx.Err() != nil {
		return err
	}
	r.set(rowWarm, float64(h.failed+h.minted), "%.0f ms; %d waited", h.wall, h.failed+h.minted)
	return nil
}

// lockWait is how long vaws waits for a lock before it goes on without
// (internal/cache/cache.go).
const lockWait = 40 * time.Second
