package lab

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// faultAreas are where faults come from, in the order of docs/reliability.md.
var faultAreas = []string{"Vault", "AWS", "keyring", "files", "clock", "processes", "environment"}

// faultRow is one line of the table in docs/reliability.md. Nothing in it differs
// from run to run.
type faultRow struct {
	script, area, what, result string
	within                     time.Duration
}

func (r faultRow) check() error {
	if !slices.Contains(faultAreas, r.area) {
		return fmt.Errorf("%q is none of %q", r.area, faultAreas)
	}
	return nil
}

// faultReport collects the rows of the scripts that have passed.
type faultReport struct {
	mu     sync.Mutex
	rows   []faultRow
	passed int
}

const reliabilityPage = "../../docs/reliability.md"

// reportFaults writes the table when the test is over, if all scripts were run and
// have passed. Where a change could not be committed, on a CI machine, it is an error.
func reportFaults(t *testing.T) *faultReport {
	report := &faultReport{}
	t.Cleanup(func() {
		scripts, err := filepath.Glob("testdata/*.txtar")
		if err != nil || t.Failed() || report.passed != len(scripts) {
			return
		}
		changed, err := WriteBlock(reliabilityPage, "faults", report.table())
		if err != nil {
			t.Error(err)
		}
		if changed && os.Getenv("CI") != "" {
			t.Errorf("docs/reliability.md does not show the faults that are tried now: run make e2e and commit it\n%s", report.table())
		}
	})
	return report
}

func (r *faultReport) add(t *scriptT, rows []faultRow) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t.Failed() || t.Skipped() {
		return
	}
	_, script, _ := strings.Cut(t.Name(), "/")
	r.passed++
	for _, row := range rows {
		row.script = script
		r.rows = append(r.rows, row)
	}
}

// table has the rows of one area together, those of a script in its order.
func (r *faultReport) table() string {
	slices.SortStableFunc(r.rows, func(a, b faultRow) int {
		return cmp.Or(slices.Index(faultAreas, a.area)-slices.Index(faultAreas, b.area), strings.Compare(a.script, b.script))
	})
	text := "| where | fault | what came of it | within | script |\n| --- | --- | --- | --- | --- |\n"
	for _, row := range r.rows {
		text += fmt.Sprintf("| %s | %s | %s | %s | `%s` |\n", row.area, cell(row.what), cell(row.result), row.within, row.script)
	}
	return text + fmt.Sprintf("\n%d faults tried.\n", len(r.rows))
}

// cell keeps a text inside its cell.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

func TestFaultTable(t *testing.T) {
	r := &faultReport{rows: []faultRow{
		{"b", "AWS", "slow", "credentials", time.Minute},
		{"b", "Vault", "gone | away", "error: `refused`", 3 * time.Second},
		{"a", "Vault", "sealed", "credentials", time.Second},
		{"a", "Vault", "again", "credentials", time.Second},
	}}
	want := "| Vault | sealed | credentials | 1s | `a` |\n| Vault | again | credentials | 1s | `a` |\n" +
		"| Vault | gone \\| away | error: `refused` | 3s | `b` |\n| AWS | slow | credentials | 1m0s | `b` |\n\n4 faults tried.\n"
	if got := r.table(); !strings.HasSuffix(got, want) {
		t.Errorf("got %s", got)
	}
}

// What is no right outcome is not taken for one.
func TestJudge(t *testing.T) {
	const problem = "vaws: error: reading role: gone\nvaws: hint: do\n"
	for name, tc := range map[string]struct {
		expect string
		o      outcome
	}{
		"overdue":             {"either:gone", outcome{overdue, "", problem}},
		"a panic":             {"either:gone", outcome{2, "", problem + "goroutine 1 [running]:\n"}},
		"no error":            {"error:gone", outcome{0, "", problem}},
		"another error":       {"error:else", outcome{1, "", problem}},
		"no hint":             {"error:gone", outcome{1, "", "vaws: error: gone\n"}},
		"a hint before":       {"error:gone", outcome{1, "", "vaws: hint: do\nvaws: error: gone\n"}},
		"an error and output": {"error:gone", outcome{1, "{}", problem}},
		"failed":              {"credentials", outcome{1, "", problem}},
		"no answer":           {"credentials", outcome{0, "", ""}},
		"two answers":         {"credentials", outcome{0, `{"Version":1}{"Version":1}`, ""}},
		"another version":     {"credentials", outcome{0, `{"Version":2}`, ""}},
	} {
		tr, err := parseTrial([]string{"Vault", "what", tc.expect, "vaws"})
		if err != nil {
			t.Fatal(err)
		}
		if text, err := tr.judge(nil, tc.o); err == nil {
			t.Errorf("%s: %s", name, text)
		}
	}
	tr, err := parseTrial([]string{"Vault", "what", "error:g[a-z]+e", "within=3s", "vaws"})
	if text, errJudge := tr.judge(nil, outcome{1, "", "vaws: warning: x\n" + problem}); err != nil || errJudge != nil || text != "error: `gone`" {
		t.Errorf("%q, %v, %v", text, err, errJudge)
	}
}
