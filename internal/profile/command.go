package profile

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"vaws/internal/hint"
)

// lintCommand examines a credential_process as SDKs start it: the AWS CLI and boto3
// without a shell, most others with one.
func (x Examination) lintCommand(s *surveyed, command string) error {
	at := fmt.Sprintf("%s:%d", s.path, s.lines["credential_process"])
	mend := x.meant(s, command)
	if !meansVaws(command) {
		return nil
	}
	words, err := lintQuotes(command, at, mend)
	if err != nil {
		return err
	}
	if err := x.lintProgram(words, at, mend); err != nil {
		return err
	}
	return lintWords(words, at, mend)
}

// lintQuotes returns the words of the command, if everybody reads the same ones.
func lintQuotes(command, at, mend string) ([]string, error) {
	words, closed := splitWords(command)
	switch {
	case !closed:
		return nil, hint.Errorf(mend, "%s: a quote is not closed", at)
	case strings.HasPrefix(words[0], "~"):
		return nil, hint.Errorf(mend, "%s: the AWS CLI and boto3 do not expand the ~ of %q", at, words[0])
	case strings.Contains(words[0], "$") || runtime.GOOS == "windows" && strings.Contains(words[0], "%"):
		return nil, hint.Errorf(mend, "%s: the AWS CLI and boto3 do not expand the variable in %q", at, words[0])
	case runtime.GOOS != "windows" && strings.Contains(command, `\`):
		return nil, hint.Errorf(mend, "%s: it has a backslash, which not everybody reads alike; use quotes", at)
	}
	return words, nil
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
	words, _ := splitWords(command)
	program, err := exec.LookPath(words[0])
	if err != nil || x.Self == "" || IsSameFile(program, x.Self) {
		return nil
	}
	return hint.Errorf(x.meant(s, command),
		"%s:%d: it calls %s, and this is %s", s.path, s.lines["credential_process"], program, x.Self)
}

// IsSameFile reports whether two paths lead to the same file.
func IsSameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// program is this program by the path that outlives an upgrade: the one on PATH, if
// that leads here.
func (x Examination) program() string {
	found, err := exec.LookPath("vaws")
	if err == nil && filepath.IsAbs(found) && (x.Self == "" || IsSameFile(found, x.Self)) {
		return found
	}
	if x.Self == "" {
		return "vaws"
	}
	return x.Self
}

// meant is the advice that makes the profile call this program.
func (x Examination) meant(s *surveyed, command string) string {
	rest := s.name
	if strings.ContainsAny(rest, " ") {
		rest = `"` + rest + `"`
	}
	if c := parseCall(command); c.closed && len(c.words) > 0 && c.name != "" {
		_, rest, _ = strings.Cut(command, "credential-process")
		rest = strings.TrimSpace(rest)
	}
	return x.setProcess(s.name, rest)
}

// setProcess is the command that has a profile call this program with these words,
// which are quoted already.
func (x Examination) setProcess(profile, words string) string {
	program, err := QuoteProgram(x.program())
	if err != nil {
		return onPath
	}
	return "run: aws configure set credential_process " + hint.Quote(program+" credential-process "+words) + " --profile " + hint.Quote(profile)
}

// call is a credential_process that calls vaws.
type call struct {
	isVaws bool
	name   string
	flags  map[string]string // those that choose the target
	words  []string          // all that follows "credential-process"
	closed bool              // every quote is
}

func parseCall(command string) call {
	words, closed := splitWords(command)
	if len(words) == 0 || !isVaws(words[0]) {
		return call{}
	}
	c := call{isVaws: true, flags: map[string]string{}, closed: closed}
	if i := slices.Index(words, "credential-process"); i >= 0 {
		c.words = words[i+1:]
	}
	for rest := words[1:]; len(rest) > 0; rest = rest[1:] {
		word := rest[0]
		flag, value, joined := strings.Cut(strings.TrimPrefix(word, "--"), "=")
		switch {
		case !strings.HasPrefix(word, "-"):
			if word != "credential-process" {
				c.name = word
			}
		case flag == "debug" || flag == "refresh":
		default:
			if !joined && len(rest) > 1 {
				value, rest = rest[1], rest[1:]
			}
			if slices.Contains(flagSettings, flag) {
				c.flags[flag] = value
			}
		}
	}
	return c
}

func isVaws(program string) bool {
	name := path.Base(strings.ReplaceAll(program, `\`, "/"))
	return strings.TrimSuffix(strings.ToLower(name), ".exe") == "vaws"
}

// QuoteProgram writes the path of vaws as a credential_process can name it, which some
// SDKs give to a shell and others split by themselves.
func QuoteProgram(path string) (string, error) {
	if !isVaws(path) {
		return "", hint.Errorf(onPath, "%q is not named vaws", path)
	}
	special := "\"$`\\!"
	if runtime.GOOS == "windows" {
		special = "\"%"
	}
	switch {
	case strings.ContainsAny(path, special) || strings.ContainsFunc(path, isControl) || strings.Contains(path, " #") || strings.Contains(path, " ;"):
		return "", hint.Errorf(onPath, "the path %q cannot be written into an AWS config", path)
	case consistsOf(path, `/\:.+@~-`, 1, 4096):
		return path, nil
	}
	return `"` + path + `"`, nil
}

const onPath = "put vaws into a directory of your PATH, such as /usr/local/bin"

// splitWords splits a command line at its spaces, except between quotes. Backslashes
// stand for themselves, as in the paths of Windows. closed is false if a quote is not.
func splitWords(command string) (words []string, closed bool) {
	var word strings.Builder
	var quote rune
	inWord := false
	for _, r := range command {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote, inWord = r, true
		case quote == 0 && (r == ' ' || r == '\t'):
			if inWord {
				words = append(words, word.String())
			}
			word.Reset()
			inWord = false
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, quote == 0
}
