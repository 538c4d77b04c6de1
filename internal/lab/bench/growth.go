package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The sizes that a hit must not notice. The last ones are the table's.
var (
	entryCounts   = []int{1, 10, 100, 1000, 10_000}
	profileCounts = []int{1, 10, 100, 1000, 2000}
)

// growth is how long a hit takes, in milliseconds, by the size of something.
type growth struct {
	what string
	time map[int]float64
}

// grow measures hits with more and more in the cache and in the AWS config. The key is
// in the kernel keyring, where a hit has the least other costs. env(1), which chooses the
// directory or the config, is a part of what is measured, with one and with many alike.
func (w *world) grow(ctx context.Context, r results) ([]growth, error) {
	w = w.inKernel()
	entries, err := w.growBy(ctx, r, rowEntries, entryCounts, w.withEntries)
	if err != nil {
		return nil, err
	}
	profiles, err := w.growBy(ctx, r, rowProfiles, profileCounts, w.withProfiles)
	if err != nil {
		return nil, err
	}
	return []growth{{"entries in the cache", entries}, {"profiles in the AWS config", profiles}}, nil
}

func (w *world) growBy(ctx context.Context, r results, id string, counts []int, with func(context.Context, int) ([]string, error)) (map[int]float64, error) {
	var commands []timed
	for _, n := range counts {
		argv, err := with(ctx, n)
		if err != nil {
			return nil, err
		}
		commands = append(commands, timed{name: fmt.Sprint(n), argv: argv})
	}
	times, err := w.sideBySide(ctx, quick, commands...)
	if err != nil {
		return nil, err
	}
	found := map[int]float64{}
	for _, n := range counts {
		found[n] = times[fmt.Sprint(n)].median()
	}
	one, most := times[fmt.Sprint(counts[0])], times[fmt.Sprint(counts[len(counts)-1])]
	ratio := most.against(one)
	r.set(id, ratio, "%s: %.2f × %.2f ms", figure(most), ratio, one.median())
	return found, nil
}

// withEntries is a hit in a cache of n entries. All but one are copies of it under names
// that other requests have.
func (w *world) withEntries(ctx context.Context, n int) ([]string, error) {
	base := filepath.Join(w.dir, fmt.Sprintf("entries-%d", n))
	call := append([]string{"env", "XDG_CACHE_HOME=" + base}, w.hit()...)
	if _, err := w.run(ctx, call); err != nil {
		return nil, err
	}
	return call, multiply(filepath.Join(base, "vaws", "entries"), n)
}

// multiply copies the only entry of a directory until there are n.
func multiply(dir string, n int) error {
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		return fmt.Errorf("%d entries where one should be: %w", len(files), err)
	}
	name := files[0].Name()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	key, identity, _ := strings.Cut(name, "-")
	request, suffix, _ := strings.Cut(identity, ".")
	for range n - 1 {
		other := make([]byte, len(request)/2)
		rand.Read(other)
		path := filepath.Join(dir, key+"-"+hex.EncodeToString(other)+"."+suffix)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// withProfiles is a hit by the last of n profiles of the AWS config.
func (w *world) withProfiles(ctx context.Context, n int) ([]string, error) {
	path := filepath.Join(w.dir, fmt.Sprintf("config-%d", n))
	if err := os.WriteFile(path, awsConfig(n), 0o600); err != nil {
		return nil, err
	}
	call := append([]string{"env", "AWS_CONFIG_FILE=" + path}, w.vaws("credential-process", fmt.Sprintf("team-%d", n))...)
	_, err := w.run(ctx, call)
	return call, err
}

// awsConfig has the profiles team-1 to team-n, all with the one role.
func awsConfig(n int) []byte {
	var text bytes.Buffer
	for i := range n {
		fmt.Fprintf(&text, "[profile team-%d]\nregion = eu-central-1\ncredential_process = vaws credential-process team-%[1]d\nvaws_role = %s\n\n", i+1, role)
	}
	return text.Bytes()
}
