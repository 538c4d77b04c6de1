package profile

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"vaws/internal/hint"
)

// lintCommand examines a credential_process as SDKs start it: the AWS CLI and boto3
// without a shell, most others with one.
func (x Examination) lintCommand(s *surveyed, command string) error {
	words := splitWords(command)
	at := fmt.Sprintf("%s:%d", s.path, s.lines["credential_process"])
	mend := x.meant(s, command)
	switch {
	case !meansVaws(command):
		return nil
	case strings.Count(command, `"`)%2 == 1 || strings.Count(command, "'")%2 == 1:
		return hint.Errorf(mend, "%s: a quote is not closed", at)
	case strings.HasPrefix(words[0], "~"):
		return hint.Errorf(mend, "%s: the AWS CLI and boto3 do not expand the ~ of %q", at, words[0])
	case strings.Contains(words[0], "$") || runtime.GOOS == "windows" && strings.Contains(words[0], "%"):
		return hint.Errorf(mend, "%s: the AWS CLI and boto3 do not expand the variable in %q", at, words[0])
	case runtime.GOOS != "windows" && strings.Contains(command, `\`):
		return hint.Errorf(mend, "%s: it has a backslash, which not everybody reads alike; use quotes", at)
	}
	if err := x.lintProgram(words, at, mend); err != nil {
		return err
	}
	return lintWords(words, at, mend)
}

// lintProgram examines whether SDKs find the program.
func (x Examination) lintProgram(words []string, at, mend string) error {
	program := words[0]
	if !strings.ContainsAny(program, `/\`) {
		if _, err := exec.LookPath(program); err != nil {
			return hint.Errorf(mend, "%s: %q is not on PATH", at, program)
		}
		return nil
	}
	if !filepath.IsAbs(program) {
		return hint.Errorf(mend, "%s: %q is another program in every directory", at, program)
	}
	info, err := os.Stat(program)
	switch {
	case err != nil && hasBlank(words):
		return hint.Errorf(mend, "%s: the path of the program has a space and no quotes around it", at)
	case err != nil:
		return hint.Errorf(mend, "%s: there is no program %q", at, program)
	case !info.Mode().IsRegular():
		return hint.Errorf(mend, "%s: %q is not a program", at, program)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o111 == 0:
		return hint.Errorf("run: chmod +x "+hint.Quote(program), "%s: %q is not executable", at, program)
	}
	return nil
}

// hasBlank reports whether the program is found if some of the words belong together.
func hasBlank(words []string) bool {
	for i := 2; i <= len(words); i++ {
		if info, err := os.Stat(strings.Join(words[:i], " ")); err == nil && info.Mode().IsRegular() {
			return true
		}
	}
	return false
}

// lintWords examines what follows the program.
func lintWords(words []string, at, mend string) error {
	switch i := slices.Index(words, "credential-process"); {
	case i < 0:
		return hint.Errorf(mend, "%s: the command of vaws that SDKs understand is credential-process", at)
	case !slices.ContainsFunc(words[i+1:], func(word string) bool { return !strings.HasPrefix(word, "-") }):
		return hint.Errorf(mend, "%s: it names no profile or role", at)
	}
	return nil
}

// otherVaws finds a program that is another one than this.
func (x Examination) otherVaws(s *surveyed, command string) error {
	if !meansVaws(command) {
		return nil
	}
	program, err := exec.LookPath(splitWords(command)[0])
	if err != nil || x.Self == "" || isSameFile(program, x.Self) {
		return nil
	}
	return hint.Errorf(x.meant(s, command),
		"%s:%d: it calls %s, and this is %s", s.path, s.lines["credential_process"], program, x.Self)
}

func isSameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// program is this program by the path that outlives an upgrade: the one on PATH, if
// that leads here.
func (x Examination) program() string {
	found, err := exec.LookPath("vaws")
	if err == nil && filepath.IsAbs(found) && (x.Self == "" || isSameFile(found, x.Self)) {
		return found
	}
	if x.Self == "" {
		return "vaws"
	}
	return x.Self
}

// meant is the command that makes the profile call this program.
func (x Examination) meant(s *surveyed, command string) string {
	program := x.program()
	if strings.Contains(program, " ") {
		program = `"` + program + `"`
	}
	rest := s.name
	if strings.ContainsAny(rest, " ") {
		rest = `"` + rest + `"`
	}
	if c := parseCall(command); len(c.words) > 0 && c.name != "" && strings.Count(command, `"`)%2 == 0 && strings.Count(command, "'")%2 == 0 {
		_, rest, _ = strings.Cut(command, "credential-process")
		rest = strings.TrimSpace(rest)
	}
	return setProcess(s.name, program+" credential-process "+rest)
}
