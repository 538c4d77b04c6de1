package main

import (
	"fmt"
	"math"
)

// row is a line of the table in docs/performance.md. A row that nothing has measured
// ends the run: the table cannot lose one.
type row struct {
	id   string
	what string
	// target is in words, and met judges the value; both are empty for a figure that is
	// only told.
	target string
	met    func(value float64) bool
}

// The rows of the table, in its order.
const (
	rowVersion      = "version"
	rowHitKeyring   = "hit, keyring"
	rowHitKernel    = "hit, kernel"
	rowHitFloor     = "hit, floor"
	rowHitVault     = "hit, vault read"
	rowExec         = "exec"
	rowMissRequests = "miss, requests"
	rowMissKeyring  = "miss, keyring"
	rowMissKernel   = "miss, kernel"
	rowColdMinted   = "cold, minted"
	rowColdWall     = "cold, wall"
	rowColdMost     = "cold, 500"
	rowWarm         = "warm"
	rowWarmMost     = "warm, 500"
	rowEntries      = "entries"
	rowProfiles     = "profiles"
	rowBinary       = "binary"
	rowModules      = "modules"
	rowServeLatency = "serve, latency"
	rowServeAnswers = "serve, answers"
	rowServeMemory  = "serve, memory"
	rowHitMemory    = "hit, memory"
)

// noise is how far two equal things may seem apart.
const noise = 1.05

var rows = []row{
	{rowVersion, "`vaws version`", "at most 2.2 × a Go program that prints a line", atMost(2.2)},
	{rowHitKeyring, "cached, key in gnome-keyring", "at most 1.0 × a Go program with one go-keyring `Get`", atMost(1)},
	{rowHitKernel, "cached, key in the kernel keyring", "at most 1.25 × `vaws version`", atMost(1.25)},
	{rowHitFloor, "the same against its floor, a Go program that reads that key and opens one entry", "", nil},
	{rowHitVault, "cached, key in gnome-keyring, against `vault read aws/sts/ec2-admin`", "at least 8 × faster", atLeast(8)},
	{rowExec, "`vaws exec ec2-admin -- true`, cached, against `vaws credential-process ec2-admin`", "", nil},
	{rowMissRequests, "not cached: requests to Vault (STS types)", "1", exactly(1)},
	{rowMissKeyring, "not cached, key in gnome-keyring", "at most 1.3 × `curl` making the request, plus `vaws version`", atMost(1)},
	{rowMissKernel, "not cached, key in the kernel keyring", "at most 1.3 × `curl` making the request, plus `vaws version`", atMost(1)},
	{rowColdMinted, "200 at once, nothing cached: what they get", "one set of credentials minted, none fails", exactly(0)},
	{rowColdWall, "200 at once, nothing cached: until the last has ended", "at most 3 × 200 hits one after the other", atMost(3)},
	{rowColdMost, "500 at once, nothing cached", "one set of credentials minted, none fails", exactly(0)},
	{rowWarm, "200 at once, cached, while another process holds every lock", "none waits for a lock", exactly(0)},
	{rowWarmMost, "500 at once, cached", "none minted, none fails", exactly(0)},
	{rowEntries, "a hit with 10,000 entries in the cache, against one", "as fast", atMost(noise)},
	{rowProfiles, "a hit with 2,000 profiles in the AWS config, against one", "as fast", atMost(noise)},
	{rowServeLatency, "`vaws serve` at 1,000 requests/s: 99th percentile", "at most 5 ms", atMost(5)},
	{rowServeAnswers, "`vaws serve` at 1,000 requests/s, across 20 rotations: failed or expired answers", "none", exactly(0)},
	{rowServeMemory, "`vaws serve`: resident memory before and after that", "", nil},
	{rowHitMemory, "a hit: peak of resident memory", "", nil},
	{rowBinary, "size of the binary", "at most 12,000,000 bytes", atMost(12_000_000)},
	{rowModules, "modules in the binary, without vaws itself", "", nil},
}

func atMost(limit float64) func(float64) bool {
	return func(value float64) bool { return hundredths(value) <= limit }
}

func atLeast(limit float64) func(float64) bool {
	return func(value float64) bool { return hundredths(value) >= limit }
}

func exactly(wanted float64) func(float64) bool {
	return func(value float64) bool { return value == wanted }
}

// hundredths rounds as the table shows a ratio, so that it is judged as it reads.
func hundredths(value float64) float64 { return math.Round(value*100) / 100 }

// result is what was measured for a row: the value that its target judges, and how
// the table tells it.
type result struct {
	value  float64
	figure string
}

// results are by the row's id.
type results map[string]result

func (r results) set(id string, value float64, format string, args ...any) {
	r[id] = result{value, fmt.Sprintf(format, args...)}
}

// missing names the rows that nothing has measured.
func (r results) missing() []string {
	var ids []string
	for _, row := range rows {
		if _, measured := r[row.id]; !measured {
			ids = append(ids, row.id)
		}
	}
	return ids
}
