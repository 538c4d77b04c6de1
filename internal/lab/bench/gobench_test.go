package main

import (
	"reflect"
	"testing"
)

func TestParseBenchmarks(t *testing.T) {
	out := "goos: linux\npkg: vaws/internal/cache\ncpu: x\nBenchmarkLoad-2   \t    5000\t     23456 ns/op\t   12345 B/op\t      67 allocs/op\nPASS\nok  \tvaws/internal/cache\t1.2s\n" +
		"?   \tvaws/internal/aws\t[no test files]\n" +
		"pkg: vaws/internal/profile\nBenchmarkResolve/2000_profiles \t 10\t 1.5 ns/op\t 0 B/op\t 0 allocs/op\n"
	got, err := parseBenchmarks(out)
	want := []benchmark{{"cache", "Load", 23456, 12345, 67}, {"profile", "Resolve/2000_profiles", 1.5, 0, 0}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}
