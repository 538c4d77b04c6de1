package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// unheld are the sections of docs/security.md that promise nothing.
var unheld = map[string]bool{
	"What it does not protect from": true,
	"What has not been run":         true,
	"What holds the promises":       true,
}

var (
	reference  = regexp.MustCompile(`\[\^([a-z]+)\]`)
	definition = regexp.MustCompile(`(?m)^\[\^([a-z]+)\]: (.+)$`)
)

// promisesIn are the points of lists, and the rows of tables, in the sections that promise
// something. What says in bold letters that there is no protection is none.
func promisesIn(page string) []string {
	var found []string
	point := -1 // the index in found of the point that goes on
	for section := range strings.SplitSeq(page, "\n## ") {
		heading, text, _ := strings.Cut(section, "\n")
		if unheld[heading] || strings.HasPrefix(heading, "# ") {
			continue
		}
		inTable := 0
		for line := range strings.Lines(text) {
			isRow := strings.HasPrefix(line, "|")
			switch {
			case strings.HasPrefix(line, "- "):
				found = append(found, line)
				point = len(found) - 1
			case strings.HasPrefix(line, "  ") && point >= 0:
				found[point] += line
			case isRow && inTable >= 2 && !strings.Contains(line, "**no protection** |\n"):
				found = append(found, line)
				point = -1
			default:
				point = -1
			}
			if inTable++; !isRow {
				inTable = 0
			}
		}
	}
	return found
}

// testNames are the tests of the program and of the lab, as "room.TestName".
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(docsRoot + "/internal/*/*_test.go")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	function := regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`)
	names := map[string]bool{}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range function.FindAllSubmatch(text, -1) {
			names[filepath.Base(filepath.Dir(path))+"."+string(match[1])] = true
		}
	}
	return names
}

// Every promise of docs/security.md refers to what holds it, and that exists.
func TestPromisesAreHeld(t *testing.T) {
	page := docPages(t)["docs/security.md"]
	promises := promisesIn(page)
	if len(promises) < 30 {
		t.Fatalf("only %d promises were found", len(promises))
	}
	for _, promise := range promises {
		if !reference.MatchString(promise) {
			t.Errorf("nothing holds this: %s", promise)
		}
	}
	definitions := map[string]bool{}
	tests := testNames(t)
	for _, match := range definition.FindAllStringSubmatch(page, -1) {
		name, text := match[1], match[2]
		if definitions[name] {
			t.Errorf("[^%s] is there twice", name)
		}
		definitions[name] = true
		checkHolders(t, tests, name, text)
	}
	used := map[string]bool{}
	for _, match := range reference.FindAllStringSubmatch(definition.ReplaceAllString(page, ""), -1) {
		used[match[1]] = true
		if !definitions[match[1]] {
			t.Errorf("[^%s] leads nowhere", match[1])
		}
	}
	for name := range definitions {
		if !used[name] {
			t.Errorf("nothing leads to [^%s]", name)
		}
	}
}

// checkHolders looks for the tests and scripts that a definition names. What has not been
// run says so.
func checkHolders(t *testing.T, tests map[string]bool, name, text string) {
	t.Helper()
	spans := codeSpans(text)
	if len(spans) == 0 && !strings.HasPrefix(text, "not run") {
		t.Errorf("[^%s] names no test", name)
	}
	for _, span := range spans {
		_, err := os.Stat(filepath.Join(docsRoot, "internal/lab/testdata", span))
		if isScript := strings.HasSuffix(span, ".txtar"); isScript != (err == nil) || !isScript && !tests[span] {
			t.Errorf("[^%s]: there is no %s", name, span)
		}
	}
}
