package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

var faultCommands = map[string]command{
	"fault":  {usage: "AREA WHAT EXPECT [within=10s] [times=N] [as=TEXT] COMMAND ARG…", least: 4, run: runFault},
	"judged": {usage: "FILE N [as=TEXT]", least: 2, run: runJudged},
	"tried":  {usage: "AREA WHAT RESULT [within=10s]", least: 3, run: runTried},
}

// trial is a command run in the midst of a fault, and what must come of it.
type trial struct {
	row     faultRow
	want    string // credentials, error or either
	pattern *regexp.Regexp
	times   int
	as      string // is in the ARN of who the credentials are
	command []string
}

func parseTrial(args []string) (trial, error) {
	t := trial{row: faultRow{area: args[0], what: args[1], within: 10 * time.Second}, times: 1, as: "::" + Account + ":assumed-role/ec2-admin/"}
	if err := t.row.check(); err != nil {
		return t, err
	}
	want, pattern, hasPattern := strings.Cut(args[2], ":")
	if want != "credentials" && (want != "error" && want != "either" || !hasPattern) {
		return t, fmt.Errorf("%q is none of credentials, credentials:REGEXP, error:REGEXP and either:REGEXP", args[2])
	}
	var err error
	t.want = want
	if hasPattern {
		if t.pattern, err = regexp.Compile(pattern); err != nil {
			return t, err
		}
	}
	for t.command = args[3:]; len(t.command) > 0; t.command = t.command[1:] {
		name, value, _ := strings.Cut(t.command[0], "=")
		switch name {
		case "within":
			t.row.within, err = time.ParseDuration(value)
		case "times":
			t.times, err = strconv.Atoi(value)
		case "as":
			t.as = value
		default:
			return t, nil
		}
		if err != nil {
			return t, err
		}
	}
	return t, errors.New("no command")
}

func runFault(s *script, ts *testscript.TestScript, _ bool, args []string) error {
	t, err := parseTrial(args)
	if err != nil {
		return err
	}
	s.faults++
	prefix := ts.MkAbs(fmt.Sprintf("fault-%d", s.faults))
	for i := 1; i <= t.times; i++ {
		s.search.allow(fmt.Sprintf("%s.%d.out", prefix, i))
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	// Its own status tells of one command, which judge asks more of.
	ran := ts.Exec(self, append([]string{parallelWord, t.row.within.String(), strconv.Itoa(t.times), prefix}, t.command...)...)
	said := map[string]bool{}
	for i := 1; i <= t.times; i++ {
		result, err := readOutcome(fmt.Sprintf("%s.%d", prefix, i))
		if err != nil {
			return errors.Join(ran, err)
		}
		text, err := t.judge(s, result)
		if err != nil {
			return fmt.Errorf("copy %d of %d: %w\nstatus %d\n%s", i, t.times, err, result.status, result.stderr)
		}
		said[text] = true
	}
	t.row.result = t.result(said)
	s.rows = append(s.rows, t.row)
	if t.times > 1 {
		return nil
	}
	return ts.Exec("sh", "-c", "cat $0.out && cat $0.err >&2", prefix+".1")
}

// result is what the row says. Which of two outcomes there were is not the same
// each time, so that a row for either always tells of both.
func (t trial) result(said map[string]bool) string {
	if t.want == "either" {
		return "credentials, or `" + plainPattern(t.pattern) + "`"
	}
	for text := range said {
		return text
	}
	return ""
}

// plainPattern is a regular expression as a text to read.
func plainPattern(re *regexp.Regexp) string { return strings.ReplaceAll(re.String(), `\`, "") }

// outcome is what one copy of the command left.
type outcome struct {
	status         int
	stdout, stderr string
}

func readOutcome(prefix string) (outcome, error) {
	status, err := os.ReadFile(prefix + ".status")
	if err != nil {
		return outcome{}, fmt.Errorf("it was never run: %w", err)
	}
	stdout, err := os.ReadFile(prefix + ".out")
	if err != nil {
		return outcome{}, err
	}
	stderr, err := os.ReadFile(prefix + ".err")
	if err != nil {
		return outcome{}, err
	}
	code, err := strconv.Atoi(strings.TrimSpace(string(status)))
	return outcome{code, string(stdout), string(stderr)}, err
}

// judge says in words for the table what came out, or why it may not.
func (t trial) judge(s *script, o outcome) (string, error) {
	if o.status == overdue {
		return "", fmt.Errorf("it had not ended after %v", t.row.within)
	}
	if strings.Contains(o.stderr, "goroutine ") {
		return "", errors.New("it crashed")
	}
	if o.status == 0 && t.want != "error" {
		return t.judgeCredentials(s, o)
	}
	if t.want == "credentials" {
		return "", errors.New("no credentials")
	}
	return t.judgeError(o)
}

// judgeCredentials holds the answer against what AWS knows of its keys.
func (t trial) judgeCredentials(s *script, o outcome) (string, error) {
	var c struct {
		Version                                  int
		AccessKeyID                              string `json:"AccessKeyId"`
		SecretAccessKey, SessionToken, AccountID string
		Expiration                               time.Time
	}
	decoder := json.NewDecoder(strings.NewReader(o.stdout))
	if err := decoder.Decode(&c); err != nil || decoder.More() || c.Version != 1 {
		return "", fmt.Errorf("not an answer for credential_process: %q, version %d, %v", o.stdout, c.Version, err)
	}
	arn, expires, err := s.stand.Examine(c.AccessKeyID, c.SecretAccessKey, c.SessionToken)
	switch {
	case err != nil:
		return "", err
	case !strings.Contains(arn, t.as):
		return "", fmt.Errorf("the credentials are of %s", arn)
	case !c.Expiration.After(time.Now()):
		return "", fmt.Errorf("they say that they expired at %v", c.Expiration)
	case !expires.IsZero() && c.Expiration.After(expires):
		return "", fmt.Errorf("they say %v and expire at %v", c.Expiration, expires)
	case t.pattern == nil || t.want == "either":
		return "credentials", nil
	}
	match, err := t.find(o.stderr, "vaws: warning: ")
	return "credentials, and the warning `" + match + "`", err
}

func (t trial) judgeError(o outcome) (string, error) {
	if o.status == 0 {
		return "", errors.New("exit status 0")
	}
	if o.stdout != "" {
		return "", fmt.Errorf("an error, and on stdout %q", o.stdout)
	}
	first, rest, _ := strings.Cut(o.stderr, "vaws: error: ")
	if strings.Contains(first, "vaws: hint: ") || !strings.Contains(rest, "vaws: hint: ") {
		return "", errors.New("no hint follows the error")
	}
	match, err := t.find(o.stderr, "vaws: error: ")
	return "error: `" + match + "`", err
}

// find returns what the pattern matches in a line that begins with start.
func (t trial) find(stderr, start string) (string, error) {
	for line := range strings.Lines(stderr) {
		text, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), start)
		if ok && t.pattern.MatchString(text) {
			return t.pattern.FindString(text), nil
		}
	}
	return "", fmt.Errorf("no line %q matches %s", start, t.pattern)
}

// runJudged holds every line of a file as strictly as fault does.
func runJudged(s *script, ts *testscript.TestScript, _ bool, args []string) error {
	t, err := parseTrial(append([]string{faultAreas[0], "", "credentials"}, append(args[2:], "command")...))
	if err != nil {
		return err
	}
	answers := strings.Split(strings.TrimSpace(ts.ReadFile(args[0])), "\n")
	for i, answer := range answers {
		if _, err := t.judgeCredentials(s, outcome{stdout: answer}); err != nil {
			return fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	return compareCount(len(answers), args[1])
}

func runTried(s *script, _ *testscript.TestScript, _ bool, args []string) error {
	row := faultRow{area: args[0], what: args[1], result: args[2], within: 10 * time.Second}
	if len(args) > 3 {
		text, ok := strings.CutPrefix(args[3], "within=")
		within, err := time.ParseDuration(text)
		if err != nil || !ok || len(args) > 4 {
			return errors.New("unexpected arguments")
		}
		row.within = within
	}
	s.rows = append(s.rows, row)
	return row.check()
}
