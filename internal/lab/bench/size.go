package main

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// sizes measures what needs no clock.
func (w *world) sizes(ctx context.Context, r results) error {
	vaws := w.vaws()[0]
	info, err := os.Stat(vaws)
	if err != nil {
		return err
	}
	r.set(rowBinary, float64(info.Size()), "%s bytes", number(float64(info.Size())))
	build, err := buildinfo.ReadFile(vaws)
	if err != nil {
		return err
	}
	r.set(rowModules, float64(len(build.Deps)), "%d", len(build.Deps))
	return w.hitMemory(ctx, r)
}

// hitMemory asks time(1): a child of this program would count this program's own
// memory as its peak (getrusage(2), ru_maxrss survives execve).
func (w *world) hitMemory(ctx context.Context, r results) error {
	var peaks []float64
	report := filepath.Join(w.dir, "peak")
	for range 9 {
		if _, err := w.run(ctx, append([]string{"/usr/bin/time", "--format", "%M", "--output", report}, w.hit()...)); err != nil {
			return err
		}
		text, err := os.ReadFile(report)
		if err != nil {
			return err
		}
		kib, err := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
		if err != nil {
			return fmt.Errorf("reading what time(1) says: %w", err)
		}
		peaks = append(peaks, kib*1024/1e6)
	}
	r.set(rowHitMemory, 0, "%.1f MB", median(peaks))
	return nil
}
