package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// quick and slow are how often a command runs in each round.
const (
	quick = 40
	slow  = 15
)

// figure is a median with the least beside it.
func figure(s side) string { return fmt.Sprintf("%.2f ms (least %.2f)", s.median(), s.least()) }

// starts measures what costs nothing but starting.
func (w *world) starts(ctx context.Context, r results) error {
	times, err := w.sideBySide(ctx, quick,
		timed{name: "hello", argv: []string{w.floors.hello}},
		timed{name: "version", argv: w.vaws("version")})
	if err != nil {
		return err
	}
	ratio := times["version"].against(times["hello"])
	r.set(rowVersion, ratio, "%s: %.2f × %.2f ms", figure(times["version"]), ratio, times["hello"].median())
	return nil
}

// hits measures calls that find everything in the cache.
func (w *world) hits(ctx context.Context, r results) error {
	times, err := w.sideBySide(ctx, quick,
		timed{name: "get", argv: []string{w.floors.keyring, "vaws", keyAccount(w.cache())}},
		timed{name: "hit", argv: w.hit()})
	if err != nil {
		return err
	}
	ratio := times["hit"].against(times["get"])
	r.set(rowHitKeyring, ratio, "%s: %.2f × %.2f ms", figure(times["hit"]), ratio, times["get"].median())
	times, err = w.inKernel().sideBySide(ctx, quick,
		timed{name: "version", argv: w.vaws("version")},
		timed{name: "hit", argv: w.hit()},
		timed{name: "floor", argv: w.floor})
	if err != nil {
		return err
	}
	ratio = times["hit"].against(times["version"])
	r.set(rowHitKernel, ratio, "%s: %.2f × %.2f ms", figure(times["hit"]), ratio, times["version"].median())
	ratio = times["hit"].against(times["floor"])
	r.set(rowHitFloor, ratio, "%.2f × %.2f ms", ratio, times["floor"].median())
	return nil
}

// warm fills the cache from both places of its key, and returns the command line of the
// kernel keyring's floor for the entry that came of it.
func (w *world) warm(ctx context.Context) ([]string, error) {
	if _, err := w.run(ctx, w.hit()); err != nil {
		return nil, err
	}
	before, err := entryNames(w.entries())
	if err != nil {
		return nil, err
	}
	if _, err := w.inKernel().run(ctx, w.hit()); err != nil {
		return nil, err
	}
	after, err := entryNames(w.entries())
	if err != nil {
		return nil, err
	}
	for name := range after {
		if !before[name] {
			// The file's name is the key's ID, a dash and the entry's identity.
			_, identity, _ := strings.Cut(name, "-")
			return []string{w.floors.kernel, "vaws:" + keyAccount(w.cache()), filepath.Join(w.entries(), name), identity}, nil
		}
	}
	return nil, fmt.Errorf("no entry was made with the key in the kernel keyring")
}

func entryNames(dir string) (map[string]bool, error) {
	files, err := os.ReadDir(dir)
	names := map[string]bool{}
	for _, f := range files {
		names[f.Name()] = true
	}
	return names, err
}

// others measures a hit against what else a person might call.
func (w *world) others(ctx context.Context, r results) error {
	times, err := w.sideBySide(ctx, slow,
		timed{name: "vault", argv: []string{w.floors.vault, "read", "aws/sts/" + role}},
		timed{name: "hit", argv: w.hit()},
		timed{name: "exec", argv: w.vaws("exec", role, "--", "true")})
	if err != nil {
		return err
	}
	faster := times["vault"].against(times["hit"])
	r.set(rowHitVault, faster, "%.1f × faster than %.1f ms", faster, times["vault"].median())
	more := median(overRounds(func(i int) float64 { return median(times["exec"][i]) - median(times["hit"][i]) }, rounds))
	r.set(rowExec, 0, "%s: %.2f ms more", figure(times["exec"]), more)
	return nil
}

// misses measures calls that find nothing in the cache and ask Vault.
func (w *world) misses(ctx context.Context, r results) error {
	if err := w.countRequests(ctx, r); err != nil {
		return err
	}
	for id, w := range map[string]*world{rowMissKeyring: w, rowMissKernel: w.inKernel()} {
		empty := []string{"rm", "-rf", w.entries()}
		times, err := w.sideBySide(ctx, slow,
			timed{"curl", w.curl(), empty}, timed{"version", w.vaws("version"), empty}, timed{"miss", w.hit(), empty})
		if err != nil {
			return err
		}
		miss, curl, version := times["miss"], times["curl"], times["version"]
		ratio := median(overRounds(func(i int) float64 {
			return median(miss[i]) / (1.3*median(curl[i]) + median(version[i]))
		}, rounds))
		r.set(id, ratio, "%s: %.2f × (1.3 × %.2f ms + %.2f ms)", figure(miss), ratio, curl.median(), version.median())
	}
	return nil
}

// curl makes the request that vaws makes; see the row of countRequests.
func (w *world) curl() []string {
	return []string{"curl", "--silent", "--fail", "--request", "PUT", "--header", "@" + w.tokenHeader(),
		"--header", "X-Vault-Request:true", "--data", "{}", w.vault.Addr + "/v1/aws/sts/" + role}
}

// countRequests counts what a miss asks of Vault.
func (w *world) countRequests(ctx context.Context, r results) error {
	if err := os.RemoveAll(w.entries()); err != nil {
		return err
	}
	if err := w.vault.ResetRequests(); err != nil {
		return err
	}
	if _, err := w.run(ctx, w.hit()); err != nil {
		return err
	}
	requests, err := w.vault.Requests()
	if err != nil {
		return err
	}
	r.set(rowMissRequests, float64(len(requests)), "%d (`%s`)", len(requests), strings.Join(requests, "`, `"))
	return nil
}
