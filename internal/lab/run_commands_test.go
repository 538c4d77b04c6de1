package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

var runCommands = map[string]command{
	"parallel": {usage: "N PREFIX COMMAND ARG…", least: 3, negatable: true, run: runParallel},
	"waitfor":  {usage: "DURATION COMMAND ARG…", least: 2, run: runWaitFor},
	"json":     {usage: "FILE KEY [VALUE]", least: 2, negatable: true, run: runJSON},
	"expiry":   {usage: "FILE <=DURATION | >=DURATION", least: 2, run: runExpiry},
	"jsonvar":  {usage: "FILE KEY VAR", least: 3, run: runJSONVar},
	"capture":  {usage: "VAR", least: 1, run: runCapture},
	"holds":    {usage: "FILE…", least: 1, run: runHolds},
	"secret":   simple("TEXT…", 1, func(s *script, args []string) error { s.search.add(args...); return nil }),
}

// parallelWord as its first argument makes the test binary run a command in
// parallel instead of the tests: as a program of the script it has the script's
// environment and directory, which testscript does not hand out.
const parallelWord = "lab-parallel"

func runParallel(s *script, ts *testscript.TestScript, negated bool, args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	for i := 1; i <= n; i++ {
		s.search.allow(ts.MkAbs(fmt.Sprintf("%s.%d.out", args[1], i)))
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	err = ts.Exec(self, append([]string{parallelWord, scriptPatience.String()}, args...)...)
	var status *exec.ExitError
	switch {
	case !negated:
		return err
	case errors.As(err, &status) && status.ExitCode() == allFailed:
		return nil
	case err == nil:
		return errors.New("unexpected success")
	default:
		return err
	}
}

// The exit status of the parallel program.
const (
	allSucceeded = 0
	allFailed    = 1
	someFailed   = 2
	notStarted   = 3
)

// overdue in a status file stands for a command that had to be killed.
const overdue = -9

// parallelMain takes DURATION N PREFIX COMMAND ARG…: it runs a command N times at
// once, with each copy's output in files, and kills what has not ended in time.
func parallelMain(args []string) int {
	within, err := time.ParseDuration(args[0])
	n, errNumber := strconv.Atoi(args[1])
	if err = errors.Join(err, errNumber); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return notStarted
	}
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	failed := make(chan bool, n)
	for i := 1; i <= n; i++ {
		words := slices.Clone(args[3:])
		for j := range words {
			words[j] = strings.ReplaceAll(words[j], "{}", strconv.Itoa(i))
		}
		copyOf, err := startCopy(ctx, fmt.Sprintf("%s.%d", args[2], i), words)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return notStarted
		}
		go func() { failed <- copyOf() }()
	}
	failures := 0
	for range n {
		if <-failed {
			failures++
		}
	}
	fmt.Printf("%d succeeded, %d failed\n", n-failures, failures)
	switch failures {
	case 0:
		return allSucceeded
	case n:
		return allFailed
	default:
		return someFailed
	}
}

// startCopy starts one copy; the function it returns waits for it and says
// whether it failed.
func startCopy(ctx context.Context, prefix string, args []string) (func() bool, error) {
	stdout, err := os.Create(prefix + ".out")
	if err != nil {
		return nil, err
	}
	stderr, err := os.Create(prefix + ".err")
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() bool {
		err := cmd.Wait()
		status := cmd.ProcessState.ExitCode()
		if ctx.Err() != nil {
			status = overdue
		}
		_ = stdout.Close()
		_ = stderr.Close()
		return os.WriteFile(prefix+".status", fmt.Appendln(nil, status), 0o600) != nil || err != nil
	}, nil
}

func runWaitFor(_ *script, ts *testscript.TestScript, _ bool, args []string) error {
	limit, err := time.ParseDuration(args[0])
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		err := ts.Exec(args[1], args[2:]...)
		if err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

// lookUp finds the value at a dotted path in the JSON of a file; numbers count
// in arrays.
func lookUp(ts *testscript.TestScript, file, path string) (value any, found bool, err error) {
	if err := json.Unmarshal([]byte(ts.ReadFile(file)), &value); err != nil {
		return nil, false, fmt.Errorf("%s: %w", file, err)
	}
	for key := range strings.SplitSeq(path, ".") {
		switch container := value.(type) {
		case map[string]any:
			value, found = container[key]
		case []any:
			i, err := strconv.Atoi(key)
			found = err == nil && i >= 0 && i < len(container)
			if found {
				value = container[i]
			}
		default:
			found = false
		}
		if !found {
			return nil, false, nil
		}
	}
	return value, true, nil
}

// plain writes strings as they are and everything else as JSON.
func plain(value any) string {
	if text, ok := value.(string); ok {
		return text
	}
	text, _ := json.Marshal(value)
	return string(text)
}

func runJSON(_ *script, ts *testscript.TestScript, negated bool, args []string) error {
	value, found, err := lookUp(ts, args[0], args[1])
	if err != nil {
		return err
	}
	matches := found
	if found && len(args) > 2 {
		if matches, err = matchText(plain(value), args[2]); err != nil {
			return err
		}
	}
	switch {
	case matches && negated:
		return fmt.Errorf("unexpected: %s", plain(value))
	case !matches && !negated && found:
		return fmt.Errorf("got %s", plain(value))
	case !matches && !negated:
		return errors.New("no such key")
	}
	return nil
}

// matchText compares with a text, or with a regular expression after "~".
func matchText(text, want string) (bool, error) {
	pattern, ok := strings.CutPrefix(want, "~")
	if !ok {
		return text == want, nil
	}
	re, err := regexp.Compile(pattern)
	return err == nil && re.MatchString(text), err
}

func runJSONVar(_ *script, ts *testscript.TestScript, _ bool, args []string) error {
	value, found, err := lookUp(ts, args[0], args[1])
	if err == nil && !found {
		err = errors.New("no such key")
	}
	if err != nil {
		return err
	}
	ts.Setenv(args[2], plain(value))
	return nil
}

// runExpiry holds the Expiration that vaws printed against AWS's own for the same
// key, and against a duration from now.
func runExpiry(s *script, ts *testscript.TestScript, _ bool, args []string) error {
	var printed struct {
		AccessKeyID string `json:"AccessKeyId"`
		Expiration  time.Time
	}
	if err := json.Unmarshal([]byte(ts.ReadFile(args[0])), &printed); err != nil {
		return err
	}
	if real, known := s.stand.Expiry(printed.AccessKeyID); known && printed.Expiration.After(real) {
		return fmt.Errorf("%v is later than AWS's own %v", printed.Expiration, real)
	}
	bound, err := time.ParseDuration(args[1][2:])
	if err != nil {
		return err
	}
	left := time.Until(printed.Expiration)
	if (args[1][:2] == "<=") != (left <= bound) {
		return fmt.Errorf("%v left, want %s", left, args[1])
	}
	return nil
}

func runCapture(_ *script, ts *testscript.TestScript, _ bool, args []string) error {
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
	return nil
}

func runHolds(s *script, ts *testscript.TestScript, _ bool, args []string) error {
	for _, file := range args {
		s.search.allow(ts.MkAbs(file))
	}
	return nil
}
