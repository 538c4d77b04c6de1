package main

import (
	"debug/buildinfo"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// free are the rooms that every other one may import.
var free = []string{"vaws/internal/credentials", "vaws/internal/faultpoint", "vaws/internal/hint"}

// goList runs the go tool in the root of the module.
func goList(t *testing.T, args ...string) []string {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list"}, args...)...).Output()
	if err != nil {
		t.Fatalf("go list %s: %v", strings.Join(args, " "), err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

func TestRoomsDoNotImportEachOther(t *testing.T) {
	rooms := goList(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...")
	if len(rooms) < 10 {
		t.Fatalf("found only %d rooms: %q", len(rooms), rooms)
	}
	for _, line := range rooms {
		imports := strings.Fields(line)
		room := imports[0]
		if room == "vaws" || room == "vaws/internal/cli" {
			continue
		}
		for _, path := range imports[1:] {
			if strings.HasPrefix(path, "vaws/") && !slices.Contains(free, path) {
				t.Errorf("%s imports %s", room, path)
			}
		}
	}
}

// hint and faultpoint import nothing of vaws, credentials only those two.
func TestFreeRoomsAreAtTheBottom(t *testing.T) {
	for _, path := range goList(t, "-f", `{{join .Imports "\n"}}`, "./internal/hint", "./internal/faultpoint") {
		if strings.HasPrefix(path, "vaws/") {
			t.Errorf("a free room imports %s", path)
		}
	}
}

func TestNoAWSServiceClientIsLinked(t *testing.T) {
	deps := goList(t, "-deps", ".")
	if !slices.Contains(deps, "vaws/internal/vault") {
		t.Fatalf("not the dependencies of vaws: %d packages", len(deps))
	}
	for _, path := range deps {
		if strings.Contains(path, "aws-sdk-go") && strings.Contains(path, "/service/") {
			t.Errorf("linked: %s", path)
		}
	}
}

func TestModulesStayFew(t *testing.T) {
	if modules := goList(t, "-m", "all"); len(modules) >= 80 {
		t.Errorf("%d modules", len(modules))
	}
}

// Every file and directory that the page for newcomers names is there.
func TestLayoutPageNamesWhatIsThere(t *testing.T) {
	page, err := os.ReadFile("docs/project-layout.md")
	if err != nil {
		t.Fatal(err)
	}
	dir, named := "", 0
	for _, match := range regexp.MustCompile("`([a-z_/*-]+(?:\\.(?:go|md|txtar))?)`").FindAllStringSubmatch(string(page), -1) {
		path := match[1]
		switch {
		case strings.HasPrefix(path, "internal/"):
			dir = path
			if strings.Contains(filepath.Base(path), ".") {
				dir = filepath.Dir(path)
			}
		case strings.HasSuffix(path, ".go") && !strings.Contains(path, "/"):
			path = filepath.Join(dir, path)
		default:
			continue
		}
		named++
		if found, err := filepath.Glob(path); err != nil || len(found) == 0 {
			if _, err := os.Stat(match[1]); err != nil {
				t.Errorf("docs/project-layout.md names %s, which is not there", path)
			}
		}
	}
	if named < 40 {
		t.Errorf("only %d names found", named)
	}
}

// vaws is one small file to copy: stripped, without cgo, under 12 MB.
func TestBinaryIsSmall(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the Makefile wants bash")
	}
	path := filepath.Join(t.TempDir(), "vaws")
	cmd := exec.Command("make", "build", "OUT="+path)
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make build: %v\n%s", err, out)
	}
	file, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const most = 12_000_000
	t.Logf("vaws for linux/amd64: %d bytes; %d modules", file.Size(), len(info.Deps))
	if file.Size() >= most {
		t.Errorf("%d bytes or more than it may have", file.Size()-most)
	}
}
