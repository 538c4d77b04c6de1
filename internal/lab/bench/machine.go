package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// machine says where and what was measured, in a sentence or two.
func (w *world) machine(ctx context.Context, now time.Time) (string, error) {
	version, err := w.run(ctx, w.vaws("version"))
	if err != nil {
		return "", err
	}
	cpu, err := fieldOf("/proc/cpuinfo", "model name", ":")
	if err != nil {
		return "", err
	}
	system, err := fieldOf("/etc/os-release", "PRETTY_NAME", "=")
	if err != nil {
		return "", err
	}
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return "", err
	}
	kernel, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "", err
	}
	memory := float64(info.Totalram) * float64(info.Unit) / 1e9
	return fmt.Sprintf("Measured on %s: %s, on %d cores of %s, %.0f GB of memory, %s, Linux %s; Vault and the stand-in for AWS on the same machine.",
		now.Format(time.DateOnly), strings.TrimSpace(string(version)), runtime.NumCPU(), cpu, memory, system, strings.TrimSpace(string(kernel))), nil
}

// fieldOf is the value of the first line of a file that has the name.
func fieldOf(file, name, separator string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(line, separator)
		if strings.TrimSpace(key) == name {
			return strings.Trim(strings.TrimSpace(value), `"`), nil
		}
	}
	return "", fmt.Errorf("%s has no %q", file, name)
}
