// Command bench measures vaws, whole processes against each other in one run, and
// writes what came of it into docs/performance.md and docs/pictures: a table that
// holds each figure against its target, two plots, and the Go benchmarks. Vault, the
// keyring and every client are real; AWS is stood in for. It takes some minutes on an
// idle machine, after it has built the programs, among them HashiCorp's vault.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"vaws/internal/lab"
)

func main() {
	only := flag.String("only", "", "measure the series that have this `text` in their name, and write nothing")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	lab.ScrubEnvironment()
	if err := run(ctx, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench: error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only string) error {
	root, err := lab.Root()
	if err != nil {
		return err
	}
	w, err := openWorld(ctx, root)
	if err != nil {
		return err
	}
	defer w.close()
	r := results{}
	plots, err := w.measure(ctx, r, only)
	if err != nil {
		return err
	}
	fmt.Print(table(r))
	if only != "" {
		return nil
	}
	if missing := r.missing(); missing != nil {
		return fmt.Errorf("nothing has measured %s", strings.Join(missing, ", "))
	}
	announce("Go benchmarks")
	benchmarks, err := goBenchmarks(ctx, root)
	if err != nil {
		return err
	}
	machine, err := w.machine(ctx, time.Now())
	if err != nil {
		return err
	}
	return write(root, pageText(machine, r, plots, benchmarks), plots)
}

// measure runs the series that have a text in their name. After misses nothing is left
// of what warm has put into the cache.
func (w *world) measure(ctx context.Context, r results, only string) (plots []plot, err error) {
	if w.floor, err = w.warm(ctx); err != nil {
		return nil, err
	}
	for _, series := range []struct {
		about string
		run   func(context.Context, results) error
	}{
		{"hits", w.hits}, {"starts", w.starts}, {"hits against other programs", w.others}, {"misses", w.misses}, {"sizes", w.sizes},
		{"many at once", func(ctx context.Context, r results) error {
			all, err := w.herds(ctx, r)
			plots = append(plots, herdPlot(all))
			return err
		}},
		{"growing caches and configs", func(ctx context.Context, r results) error {
			all, err := w.grow(ctx, r)
			plots = append(plots, growthPlot(all))
			return err
		}},
		{"an endpoint under load", w.endpoints},
	} {
		if !strings.Contains(series.about, only) {
			continue
		}
		announce(series.about)
		if err := series.run(ctx, r); err != nil {
			return nil, fmt.Errorf("%s: %w", series.about, err)
		}
	}
	return plots, nil
}

var began = time.Now()

// announce tells what is measured next.
func announce(what string) {
	fmt.Fprintf(os.Stderr, "bench: %4.0f s  %s\n", time.Since(began).Seconds(), what)
}
