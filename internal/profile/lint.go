package profile

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"vaws/internal/hint"
)

// Examination looks for what keeps SDKs from the credentials that the AWS config
// promises them.
type Examination struct {
	Getenv  func(string) string
	Environ []string // for the names of variables
	Self    string   // path of this program; empty: not known
	Names   []string // the profiles to look at; empty: all
}

const aboutConfig = "AWS config"

// Config examines the AWS config: the file, and every profile that uses vaws.
func (x Examination) Config() []hint.Finding {
	path := ConfigPath(x.Getenv)
	data, err := x.read(path)
	if err != nil {
		return []hint.Finding{hint.IsWrong(aboutConfig, err)}
	}
	w, err := surveyConfig(path, data)
	if err != nil {
		return []hint.Finding{hint.IsWrong(aboutConfig, err)}
	}
	all := append(w.lintFile(data), w.lintStrangers()...)
	uses, others := 0, 0
	for _, s := range w.profiles {
		if !s.usesVaws() {
			if s.name != "default" { // which is for what has no profile
				others++
			}
			continue
		}
		uses++
		if x.wants(s.name) {
			all = append(all, x.lintProfile(w, s)...)
		}
	}
	if slices.ContainsFunc(all, func(f hint.Finding) bool { return f.About == aboutConfig }) {
		return all
	}
	fine := hint.IsFine(aboutConfig, "%s, where %d of %d profiles use vaws", path, uses, uses+others)
	if len(data) == 0 {
		fine = hint.IsFine(aboutConfig, "%s does not exist or is empty, so no profile uses vaws", path)
	}
	return append([]hint.Finding{fine}, all...)
}

// Uses is the function Uses for a file that may be anything.
func (x Examination) Uses() ([]Use, error) {
	if _, err := x.read(ConfigPath(x.Getenv)); err != nil {
		return nil, err
	}
	return Uses(x.Getenv)
}

func (x Examination) wants(profile string) bool {
	return len(x.Names) == 0 || slices.Contains(x.Names, profile)
}

func (s *surveyed) usesVaws() bool { return s.hasKeys() || meansVaws(s.options["credential_process"]) }

// meansVaws reports whether a command is meant to call vaws, however it is written.
func meansVaws(command string) bool {
	return parseCall(command).isVaws ||
		strings.Contains(command, "vaws") && strings.Contains(command, "credential-process")
}

// read reads the AWS config, if that is a file.
func (x Examination) read(path string) ([]byte, error) {
	chosen := x.Getenv("AWS_CONFIG_FILE") != ""
	if path == "" {
		return nil, hint.Errorf("export HOME, or AWS_CONFIG_FILE", "there is no home directory, so there is no AWS config")
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && !info.Mode().IsRegular(): // opening a pipe would wait
		return nil, hint.Errorf("put a file in its place, or name another one: export AWS_CONFIG_FILE=/path/to/config", "%s is not a file", path)
	case errors.Is(err, os.ErrNotExist) && chosen:
		return nil, hint.Errorf("run: unset AWS_CONFIG_FILE", "AWS_CONFIG_FILE names %q, which does not exist", path)
	}
	data, err := readFile(path)
	if err != nil {
		return nil, hint.Errorf("run: chmod u+r "+hint.Quote(path), "reading it: %w", err)
	}
	return data, nil
}

// edit is the hint for one change in the file, as a command of sed where there is one.
func edit(path, script, words string) string {
	if runtime.GOOS == "darwin" {
		return inPlace("sed -i ''", path, script, words)
	}
	return inPlace("sed -i", path, script, words)
}

// inPlace is the hint for a command that changes the file; words where there are no
// such commands.
func inPlace(command, path, script, words string) string {
	if runtime.GOOS == "windows" {
		return words
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // sed and perl would put a file in the link's place
	}
	return "run: " + command + " " + hint.Quote(script) + " " + hint.Quote(path)
}

// lintFile finds what makes the AWS CLI and boto3 refuse the whole file.
func (w *survey) lintFile(data []byte) []hint.Finding {
	var all []hint.Finding
	wrong := func(advice, format string, args ...any) {
		all = append(all, hint.IsWrong(aboutConfig, hint.Errorf(advice, format, args...)))
	}
	if bytes.HasPrefix(data, []byte("\uFEFF")) {
		wrong(inPlace("perl -i -pe", w.path, `s/^\xef\xbb\xbf// if $. == 1`, "save it as UTF-8 without one"),
			"%s begins with a byte-order mark, and so the AWS CLI and boto3 refuse it", w.path)
	}
	if w.outside > 0 {
		wrong(edit(w.path, fmt.Sprintf("%dd", w.outside), fmt.Sprintf("remove line %d", w.outside)),
			"%s:%d: a line before the first section, and so the AWS CLI and boto3 refuse the file", w.path, w.outside)
	}
	for _, r := range w.repeats {
		advice := edit(w.path, fmt.Sprintf("%dd", r.line), fmt.Sprintf("remove line %d", r.line))
		if !r.isSection {
			wrong(advice, "%s:%d: %s is set in line %d already, and so the AWS CLI and boto3 refuse the file", w.path, r.line, r.what, r.first)
			continue
		}
		wrong(fmt.Sprintf("put what is below line %d into the section at line %d", r.line, r.first),
			"%s:%d: the section %s begins in line %d already, and so the AWS CLI and boto3 refuse the file", w.path, r.line, r.what, r.first)
	}
	for _, s := range w.profiles {
		if s.err != nil && !s.usesVaws() {
			all = append(all, hint.IsWrong(aboutConfig, s.err))
		}
	}
	if err := w.lintVaws(); err != nil {
		all = append(all, hint.IsWrong(aboutConfig, err))
	}
	return all
}

// lintVaws examines the section [vaws].
func (w *survey) lintVaws() error {
	if w.vaws.err != nil {
		return w.vaws.err
	}
	if err := w.misspelt(w.vaws); err != nil {
		return err
	}
	return checkVawsSection(w.vaws.section)
}

// lintStrangers finds sections that lack the word "profile".
func (w *survey) lintStrangers() []hint.Finding {
	var all []hint.Finding
	for _, s := range w.strangers {
		if !meansVaws(s.callText()) && !s.hasKeys() {
			continue
		}
		advice := edit(w.path, fmt.Sprintf("%ds/.*/[profile %s]/", s.header, s.name), "write [profile "+s.name+"]")
		if !consistsOf(s.name, ".@-", 1, 512) {
			advice = "write [profile NAME]"
		}
		all = append(all, hint.IsWrong("profile "+s.name, hint.Errorf(advice,
			"%s:%d: [%s] is no profile without the word", w.path, s.header, s.name)))
	}
	return all
}

// callText is the credential_process of a section that has not been parsed.
func (s *surveyed) callText() string {
	for text := range strings.SplitSeq(s.text.String(), "\n") {
		if name, value, _ := (line{text: []byte(text)}).option(); name == "credential_process" {
			return value
		}
	}
	return ""
}

// lintProfile examines one profile that uses vaws. One finding says that it is fine.
func (x Examination) lintProfile(w *survey, s *surveyed) []hint.Finding {
	about, command := "profile "+s.name, s.options["credential_process"]
	var all []hint.Finding
	for _, err := range x.faults(w, s, command) {
		if err != nil {
			all = append(all, hint.IsWrong(about, err))
		}
	}
	switch {
	case len(all) > 0:
		return all
	case command == "":
		return []hint.Finding{hint.IsFine(about, "for vaws alone: it has no credential_process, and SDKs get nothing from it")}
	}
	if err := x.otherVaws(s, command); err != nil {
		return []hint.Finding{hint.IsDoubtful(about, err)}
	}
	return []hint.Finding{hint.IsFine(about, "%s", command)}
}

// faults are what keeps the profile from working; some of them may be nil.
func (x Examination) faults(w *survey, s *surveyed, command string) []error {
	if s.err != nil { // its options are not known
		return []error{s.err}
	}
	return []error{w.misspelt(s), x.lintCommand(s, command), x.shadowed(w, s), s.rival(), x.strayKeys(s, command)}
}

// misspelt is the first key of the section that vaws does not know.
func (w *survey) misspelt(s *surveyed) error {
	_, err := settingsOf(s.section)
	if err == nil {
		return nil
	}
	for _, key := range slices.Sorted(maps.Keys(s.lines)) {
		number := s.lines[key]
		if !strings.HasPrefix(key, keyPrefix) || slices.Contains(KeyNames(), key) {
			continue
		}
		if near := hint.Nearest(key, KeyNames()); len(near) == 1 && consistsOf(key, "-", 1, 64) {
			return hint.Errorf(edit(w.path, fmt.Sprintf("%ds/%s/%s/", number, key, near[0]), "write "+near[0]),
				"%s:%d: unknown key %q, which may be meant to be %s", w.path, number, key, near[0])
		}
	}
	return err
}

// rivals are the options of the profile that SDKs may take before credential_process.
func (s *surveyed) rivals() []string {
	var all []string
	for _, option := range elsewhere {
		if s.options[option] != "" {
			all = append(all, option)
		}
	}
	return all
}

// rival says what some SDKs prefer to the profile's credential_process: botocore
// roles and SSO (create_credential_resolver in botocore/credentials.py), the Go SDK
// keys, too (resolveCredsFromProfile in aws-sdk-go-v2/config/resolve_credentials.go).
func (s *surveyed) rival() error {
	all := s.rivals()
	if len(all) == 0 || s.options["credential_process"] == "" {
		return nil
	}
	number := s.lines[all[0]]
	return hint.Errorf(edit(s.path, fmt.Sprintf("%dd", number), fmt.Sprintf("remove line %d", number)),
		"%s:%d: SDKs get credentials by %s before they look at credential_process", s.path, number, all[0])
}

// shadowed looks for keys of the same name in the credentials file, which SDKs prefer.
func (x Examination) shadowed(w *survey, s *surveyed) error {
	path := CredentialsPath(x.Getenv)
	number, found := hasKeys(path, s.name)
	if !found || s.options["credential_process"] == "" {
		return nil
	}
	return hint.Errorf(fmt.Sprintf("remove the section [%s] from %s, or give it another name", s.name, path),
		"%s:%d: the keys there come before credential_process in %s", path, number, w.path)
}

// strayKeys finds keys that no call of vaws looks at, because it names something else.
func (x Examination) strayKeys(s *surveyed, command string) error {
	c := parseCall(command)
	if !c.isVaws || c.name == s.name || c.name == "" || !s.hasKeys() {
		return nil
	}
	_, rest, _ := strings.Cut(command, "credential-process")
	return hint.Errorf(x.setProcess(s.name, strings.TrimSpace(strings.Replace(rest, c.name, s.name, 1))),
		"%s:%d: it asks for %q, so the vaws_* keys of this section are not read", s.path, s.lines["credential_process"], c.name)
}
