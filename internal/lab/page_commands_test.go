package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

var pageCommands = map[string]command{
	"page":       {usage: "FILE [NAME=VALUE…]", least: 1, run: runPage},
	"said":       {usage: "FILE TEXT…", least: 2, run: runSaid},
	"aws-admins": {usage: "FILE", least: 1, run: runAWSAdmins},
}

// pageText is the text of a page in docs, or of the README.
func pageText(name string) (string, error) {
	module, err := moduleDir()
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Join(module, "..", "..", name))
	return string(text), err
}

// step is a piece of a page for the shell: a block, or one command of a block that
// shows what is typed after "$ " and what comes out.
type step struct {
	line    int // in the page
	command string
	shows   []string // nil: not said
}

// steps finds what a page has for the shell: every indented block (after an empty
// line, or it is part of a list), unless a comment above it says "<!-- not run: REASON -->", or "<!-- file: NAME -->": such a block is
// what a file contains.
func steps(text string) ([]step, error) {
	var found []step
	var block []string
	skip, file, before := false, "", ""
	for i, line := range append(strings.Split(text, "\n"), "end") {
		code, isCode := strings.CutPrefix(line, "    ")
		isCode = isCode && (block != nil || before == "" || strings.HasPrefix(before, "<!--"))
		before = line
		switch {
		case isCode || line == "" && block != nil:
			block = append(block, code)
			continue
		case line == "":
			continue
		}
		if at := i - len(block) + 1; file != "" && block != nil {
			found = append(found, fileStep(at, file, block))
		} else if block != nil && !skip {
			found = append(found, blockSteps(at, block)...)
		}
		if block != nil {
			skip, file, block = false, "", nil
		}
		if name, isComment := strings.CutPrefix(line, "<!-- file: "); isComment {
			file = strings.TrimSuffix(name, " -->")
		}
		if reason, isComment := strings.CutPrefix(line, "<!-- not run:"); isComment {
			if skip = true; len(reason) < len("  -->")+8 {
				return nil, fmt.Errorf("line %d: for what reason?", i+1)
			}
		}
	}
	return found, nil
}

// fileStep writes a file.
func fileStep(line int, name string, block []string) step {
	text := strings.TrimRight(strings.Join(block, "\n"), "\n")
	return step{line, fmt.Sprintf("mkdir -p %q\ncat >%q <<'END-OF-%s'\n%s\nEND-OF-%s", filepath.Dir(name), name, filepath.Base(name), text, filepath.Base(name)), nil}
}

func blockSteps(line int, block []string) []step {
	var found []step
	var plain []string
	for i, text := range block {
		typed, isTyped := strings.CutPrefix(text, "$ ")
		switch {
		case isTyped:
			found = append(found, step{line + i, typed, []string{}})
		case len(found) == 0:
			plain = append(plain, text)
		case text != "":
			found[len(found)-1].shows = append(found[len(found)-1].shows, text)
		}
	}
	if joined := strings.TrimSpace(strings.Join(plain, "\n")); joined != "" {
		found = append([]step{{line, joined, nil}}, found...)
	}
	return found
}

// mark separates the output of one step from the next one's.
const mark = "\x1e"

// pageScript makes one bash script of the steps, so that variables last. A step whose
// output is shown may fail, as the page may show an error.
func pageScript(all []step) string {
	var script strings.Builder
	script.WriteString("set -euo pipefail\nexec 2>&1\n")
	for i, s := range all {
		fmt.Fprintf(&script, "printf '\\n%%s%%d\\n' '%s' %d\n", mark, i)
		if s.shows != nil {
			fmt.Fprintf(&script, "set +e\n%s\nset -e\n", s.command)
		} else {
			script.WriteString(s.command + "\n")
		}
	}
	return script.String()
}

// runPage runs everything that a page has for the shell, in its order, and holds what
// it shows against what comes out. NAME=VALUE replaces what the page assigns to NAME.
// Files land in the current directory; those in JSON that the page writes are checked
// for their form.
func runPage(s *script, ts *testscript.TestScript, _ bool, args []string) error {
	text, err := pageText(args[0])
	if err != nil {
		return err
	}
	for _, assignment := range args[1:] {
		if text, err = assign(text, assignment); err != nil {
			return err
		}
	}
	all, err := steps(text)
	if err != nil || len(all) == 0 {
		return fmt.Errorf("%d steps: %w", len(all), err)
	}
	runErr := ts.Exec("bash", "-c", pageScript(all))
	outputs := strings.Split(ts.ReadFile("stdout"), "\n"+mark)[1:]
	for i, output := range outputs {
		_, output, _ = strings.Cut(output, "\n")
		if shown := all[i].shows; shown != nil && !matches(shown, lines(output)) {
			return fmt.Errorf("%s:%d: %s\nthe page shows:\n%s\nit printed:\n%s", args[0], all[i].line, all[i].command,
				strings.Join(shown, "\n"), output)
		}
	}
	if last := len(outputs) - 1; runErr != nil && last >= 0 {
		return fmt.Errorf("%s:%d: %s\n%w\n%s", args[0], all[last].line, all[last].command, runErr, outputs[last])
	}
	ts.Logf("%d steps of %s", len(outputs), args[0])
	return errors.Join(runErr, checkPolicies(ts.MkAbs(".")))
}

func lines(text string) []string {
	text = strings.TrimSpace(text)
	if text == "" {
		return []string{}
	}
	return strings.Split(text, "\n")
}

// assign replaces the value that a page's block gives to a variable.
func assign(text, assignment string) (string, error) {
	name, value, _ := strings.Cut(assignment, "=")
	line := regexp.MustCompile(`(?m)^(    (?:export )?` + regexp.QuoteMeta(name) + `=)\S+`)
	if !line.MatchString(text) {
		return "", fmt.Errorf("the page sets no %s", name)
	}
	return line.ReplaceAllString(text, "${1}"+strings.ReplaceAll(value, "$", "$$")), nil
}

// matches holds lines against those that a page shows, in which "…" stands for
// anything, and a line of it for any lines.
func matches(shown, printed []string) bool {
	if len(shown) == 0 {
		return len(printed) == 0
	}
	if shown[0] == "…" {
		return matches(shown[1:], printed) || len(printed) > 0 && matches(shown, printed[1:])
	}
	return len(printed) > 0 && matchesLine(shown[0], printed[0]) && matches(shown[1:], printed[1:])
}

func matchesLine(shown, printed string) bool {
	pieces := strings.Split(shown, "…")
	for i := range pieces {
		pieces[i] = regexp.QuoteMeta(pieces[i])
	}
	return regexp.MustCompile("^" + strings.Join(pieces, ".*") + "$").MatchString(strings.TrimRight(printed, " "))
}

// checkPolicies looks at the policy documents that a page has written.
func checkPolicies(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		var policy struct {
			Version   string
			Statement []struct {
				Effect    string
				Action    any
				Resource  any
				Principal any
			}
		}
		if err := json.Unmarshal(text, &policy); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		for i, s := range policy.Statement {
			if s.Effect != "Allow" || s.Action == nil || (s.Resource == nil) == (s.Principal == nil) {
				return fmt.Errorf("%s: statement %d is no IAM policy's", file, i)
			}
		}
		if policy.Version != "2012-10-17" || len(policy.Statement) == 0 {
			return fmt.Errorf("%s is no IAM policy", file)
		}
	}
	return err
}

// runSaid holds a page against the last stderr: each text must be in both.
func runSaid(_ *script, ts *testscript.TestScript, _ bool, args []string) error {
	page, err := pageText(args[0])
	if err != nil {
		return err
	}
	stderr := ts.ReadFile("stderr")
	for _, text := range args[1:] {
		if !strings.Contains(page, text) {
			return fmt.Errorf("%s does not mention %q", args[0], text)
		}
		if !strings.Contains(stderr, text) {
			return fmt.Errorf("stderr lacks %q:\n%s", text, stderr)
		}
	}
	return nil
}

// runAWSAdmins writes a credentials file with the keys of an administrator of either
// account, as the profiles default and other.
func runAWSAdmins(s *script, ts *testscript.TestScript, _ bool, args []string) error {
	var text strings.Builder
	for _, admin := range []struct{ profile, account string }{{"default", Account}, {"other", OtherAccount}} {
		id, secret, err := s.stand.AddUser(admin.account, "admin-of-iam")
		if err != nil {
			return err
		}
		fmt.Fprintf(&text, "[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\n", admin.profile, id, secret)
	}
	file := ts.MkAbs(args[0])
	s.search.allow(file)
	return os.WriteFile(file, []byte(text.String()), 0o600)
}
