package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// benchmark is a line of what "go test -bench" prints.
type benchmark struct {
	room, name                     string
	nanoseconds, bytes, allocation float64 // each per operation
}

// goBenchmarks runs every benchmark of the program's module, which is in root.
func goBenchmarks(ctx context.Context, root string) ([]benchmark, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-run=^$", "-bench=.", "-benchmem", "-benchtime=300ms", "./internal/...")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("running the benchmarks: %w\n%s", err, out)
	}
	found, err := parseBenchmarks(string(out))
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("there are no benchmarks")
	}
	return found, err
}

// benchmarkLine has the name without "Benchmark" and the number of cores.
var benchmarkLine = regexp.MustCompile(`^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+(\S+) ns/op\s+(\d+) B/op\s+(\d+) allocs/op$`)

func parseBenchmarks(out string) ([]benchmark, error) {
	var found []benchmark
	room := ""
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		if name, isPackage := strings.CutPrefix(line, "pkg: vaws/internal/"); isPackage {
			room = name
		}
		fields := benchmarkLine.FindStringSubmatch(line)
		if fields == nil {
			continue
		}
		b := benchmark{room: room, name: fields[1]}
		for i, to := range []*float64{&b.nanoseconds, &b.bytes, &b.allocation} {
			value, err := strconv.ParseFloat(fields[i+2], 64)
			if err != nil {
				return nil, fmt.Errorf("reading %q: %w", line, err)
			}
			*to = value
		}
		found = append(found, b)
	}
	return found, nil
}
