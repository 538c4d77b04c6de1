package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// timed is a command to measure. Its words must need no quoting: hyperfine splits
// them without a shell (-N).
type timed struct {
	name string
	argv []string
	// before runs ahead of every single run, unmeasured; empty for nothing.
	before []string
}

// rounds is how often each set of commands is measured anew, the other way round each
// time, so that a machine that slows down does so for all of them.
const rounds = 7

// side is what was measured of one command, in milliseconds, by round.
type side [][]float64

// sideBySide measures commands in one run of hyperfine for each round, runs times
// each, and returns what came of them by name.
func (w *world) sideBySide(ctx context.Context, runs int, commands ...timed) (map[string]side, error) {
	found := map[string]side{}
	for range rounds {
		times, err := w.hyperfine(ctx, runs, commands)
		if err != nil {
			return nil, err
		}
		for i, c := range commands {
			found[c.name] = append(found[c.name], times[i])
		}
		slices.Reverse(commands)
	}
	return found, nil
}

// hyperfine returns the times of every run, in milliseconds, in the order of the
// commands.
func (w *world) hyperfine(ctx context.Context, runs int, commands []timed) ([][]float64, error) {
	report := filepath.Join(w.dir, "hyperfine.json")
	args := []string{"-N", "--style", "none", "--warmup", "3", "--runs", strconv.Itoa(runs), "--export-json", report}
	for _, c := range commands {
		if c.before != nil {
			args = append(args, "--prepare", strings.Join(c.before, " "))
		}
	}
	for _, c := range commands {
		args = append(args, strings.Join(c.argv, " "))
	}
	cmd := exec.CommandContext(ctx, "hyperfine", args...)
	cmd.Env, cmd.Dir = w.env, w.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("hyperfine %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	text, err := os.ReadFile(report)
	if err != nil {
		return nil, err
	}
	return parseHyperfine(text, len(commands))
}

// parseHyperfine reads what --export-json has written, which is in seconds.
func parseHyperfine(text []byte, commands int) ([][]float64, error) {
	var report struct {
		Results []struct{ Times []float64 }
	}
	if err := json.Unmarshal(text, &report); err != nil {
		return nil, fmt.Errorf("reading hyperfine's report: %w", err)
	}
	if len(report.Results) != commands {
		return nil, fmt.Errorf("hyperfine reports on %d commands of %d", len(report.Results), commands)
	}
	var times [][]float64
	for _, r := range report.Results {
		if len(r.Times) == 0 {
			return nil, fmt.Errorf("hyperfine reports a command without runs")
		}
		for i := range r.Times {
			r.Times[i] *= 1000
		}
		times = append(times, r.Times)
	}
	return times, nil
}

// median of every run, in milliseconds.
func (s side) median() float64 { return median(slices.Concat(s...)) }

// least of every run, in milliseconds.
func (s side) least() float64 { return slices.Min(slices.Concat(s...)) }

// against is how many times as long as the other it takes: the median of the rounds'
// ratios of medians.
func (s side) against(other side) float64 {
	return median(overRounds(func(i int) float64 { return median(s[i]) / median(other[i]) }, len(s)))
}

// overRounds computes something for each round.
func overRounds(of func(round int) float64, count int) []float64 {
	values := make([]float64, count)
	for i := range values {
		values[i] = of(i)
	}
	return values
}

// median of values, which must be some.
func median(values []float64) float64 { return percentile(values, 50) }

// percentile is the value that p per cent of the values do not exceed, between two of
// them if it falls there. There must be some.
func percentile(values []float64, p float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	at := p / 100 * float64(len(sorted)-1)
	below := int(at)
	if below+1 >= len(sorted) {
		return sorted[below]
	}
	part := at - float64(below)
	return sorted[below]*(1-part) + sorted[below+1]*part
}
