package lab

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var faultPointCommands = map[string]command{
	"faultpoints": {run: runFaultPoints},
}

// withFaultPoints builds that vaws when the first script wants it.
var withFaultPoints = sync.OnceValues(func() (dir string, err error) {
	return built.BuildWithFaultPoints(context.Background(), os.Stderr)
})

func runFaultPoints(_ *script, ts *testscript.TestScript, _ bool, _ []string) error {
	dir, err := withFaultPoints()
	if err != nil {
		return err
	}
	ts.Setenv("PATH", dir+":"+ts.Getenv("PATH"))
	return nil
}

// What stops vaws short is in no vaws that anybody uses.
func TestOnlyTestBuildsHaveFaultPoints(t *testing.T) {
	ordinary := filepath.Join(binariesFor(t).Dir, "vaws")
	dir, err := withFaultPoints()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{ordinary: false, filepath.Join(dir, "vaws"): true} {
		program, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"LAB_FAULT", "LAB_CLOCK", "file-half-written"} {
			if found := bytes.Contains(program, []byte(text)); found != want {
				t.Errorf("%s: %s found: %t", path, text, found)
			}
		}
	}
}

var faultPointPattern = regexp.MustCompile(`faultpoint\.(?:Reach|Write|WhenSent)\((?:req, )?"([^"]+)"`)

// Every point at which vaws can be stopped is one at which a script has stopped it.
func TestEveryFaultPointIsTried(t *testing.T) {
	scripts, err := filepath.Glob("testdata/fault_*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	tried := readAll(t, scripts)
	points := faultPoints(t, "..")
	if len(points) < 10 {
		t.Fatalf("found only %q", points)
	}
	for _, point := range points {
		if !strings.Contains(tried, " "+point) {
			t.Errorf("no script stops vaws at %q", point)
		}
	}
}

func readAll(t *testing.T, files []string) string {
	t.Helper()
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

// faultPoints are the points in the program's sources below dir.
func faultPoints(t *testing.T, dir string) (points []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" {
			return err
		}
		text, err := os.ReadFile(path)
		for _, match := range faultPointPattern.FindAllStringSubmatch(string(text), -1) {
			points = append(points, match[1])
		}
		return err
	})
	if err != nil {
		t.Fatal(fmt.Errorf("looking for fault points: %w", err))
	}
	return points
}
