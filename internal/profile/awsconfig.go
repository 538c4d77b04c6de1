package profile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"gopkg.in/ini.v1"

	"vaws/internal/hint"
)

// section is what a section of the AWS config sets. Option names are in lower
// case, as botocore reads them.
type section struct {
	path    string
	header  int // line of the (first) header; 0: there is no such section
	options map[string]string
	lines   map[string]int // of the options

	last string // name of the option that was added last
}

// awsConfig is the part of an AWS config that a call needs.
type awsConfig struct {
	vaws    section // [vaws]
	profile section // [profile NAME], or [default] where NAME is "default"
	address soleAddress
}

// ConfigPath is the AWS config file that SDKs read: AWS_CONFIG_FILE, else
// ~/.aws/config; empty without a home directory.
func ConfigPath(getenv func(string) string) string {
	return awsFile(getenv("AWS_CONFIG_FILE"), "config")
}

func awsFile(chosen, name string) string {
	if chosen != "" {
		return expandHome(chosen)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".aws", name)
}

// expandHome replaces a leading ~/ as the SDKs do for AWS_CONFIG_FILE.
func expandHome(path string) string {
	rest, found := strings.CutPrefix(path, "~/")
	home, err := os.UserHomeDir()
	if !found || err != nil {
		return path
	}
	return filepath.Join(home, rest)
}

// readConfig reads what the AWS config at path says of the profile. A file that
// does not exist says nothing.
func readConfig(path, profile string) (awsConfig, error) {
	data, err := readFile(path)
	if err != nil {
		return awsConfig{}, hint.Errorf("check AWS_CONFIG_FILE and the file's mode", "reading the AWS config: %w", err)
	}
	return parseConfig(path, data, profile)
}

// readFile reads one of the user's AWS files. One that does not exist is empty.
func readFile(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	// ENOTDIR: HOME=/dev/null, as daemons have it
	if path == "" || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	return data, err
}

// ErrNotFile is the error of Uses for an AWS config that is a pipe or the like.
var ErrNotFile = errors.New("not a file")

// readRegular is readFile for commands that list what there is. It refuses what would
// keep them waiting, or give without end: pipes and devices, but for the empty one.
func readRegular(path string) ([]byte, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() && path != os.DevNull {
		return nil, fmt.Errorf("%s: %w", path, ErrNotFile)
	}
	return readFile(path)
}

// parseConfig hands ini.v1 the two sections in question and no more: it takes
// 11 to 15 ms for 2,000 profiles, lets [profile a.b] inherit from [profile a],
// and its errors name no line.
func parseConfig(path string, data []byte, profile string) (awsConfig, error) {
	conf := awsConfig{vaws: section{path: path}, profile: section{path: path}}
	var vaws, wanted bytes.Buffer
	var in *section // that the line is of, and nil where nobody cares
	var out *bytes.Buffer
	err := scan(path, data, func(l line) error {
		switch {
		case l.isHeader && l.section == "vaws":
			in, out = &conf.vaws, &vaws
		case l.isHeader && l.isProfile && l.section == profile:
			in, out = &conf.profile, &wanted
		case l.isHeader:
			in = nil
		case !l.continues:
			conf.address.add(l)
		}
		if in == nil {
			return nil
		}
		return in.add(l, out)
	})
	if err != nil {
		return awsConfig{}, err
	}
	if err := conf.vaws.parse(vaws.Bytes()); err != nil {
		return awsConfig{}, err
	}
	return conf, conf.profile.parse(wanted.Bytes())
}

// add takes one line of the section: its header, or an option.
func (s *section) add(l line, out *bytes.Buffer) error {
	if l.isHeader {
		if s.header == 0 {
			s.header = l.number
		}
		return nil
	}
	name, value, ok := l.option()
	if l.continues {
		return s.checkContinuation(l, name)
	}
	if !ok || name == "" {
		return hint.Errorf("a line in a section reads: name = value",
			"%s:%d: neither an option nor a section", s.path, l.number)
	}
	s.last = name
	if !isRead(name) {
		return s.checkForeign(l, name)
	}
	if err := checkQuote(value); err != nil {
		return fmt.Errorf("%s:%d: %s: %w", s.path, l.number, name, err)
	}
	if s.lines == nil {
		s.lines = map[string]int{}
	}
	s.lines[name] = l.number
	out.Write(append(bytes.Clone(l.text), '\n'))
	return nil
}

// checkContinuation refuses lines that look like vaws's own, but that the SDKs,
// and so vaws, take for part of the value above them.
func (s *section) checkContinuation(l line, name string) error {
	if !strings.HasPrefix(name, keyPrefix) && !strings.HasPrefix(s.last, keyPrefix) {
		return nil
	}
	return hint.Errorf("write each option from the line's beginning",
		"%s:%d: the space before it makes this line part of %s above", s.path, l.number, s.last)
}

// checkForeign refuses in [vaws], which is nobody else's, what lacks the prefix.
func (s *section) checkForeign(l line, name string) error {
	if l.isProfile {
		return nil
	}
	return unknownKey(s.path, l.number, name, keyPrefix+name)
}

// isRead reports whether vaws reads an option. The others never reach ini.v1.
func isRead(name string) bool {
	return strings.HasPrefix(name, keyPrefix) || name == "region" || name == "endpoint_url" ||
		name == "credential_process" || slices.Contains(elsewhere, name)
}

// checkQuote refuses the quotes that ini.v1 takes for the beginning of several
// lines, and AWS takes for nothing at all.
func checkQuote(value string) error {
	if strings.HasPrefix(value, "`") || strings.HasPrefix(value, `"""`) {
		return hint.Errorf("write the value without quotes", "a value cannot begin with such a quote")
	}
	return nil
}

// soleAddress is the one address of Vault that a config names. Which others there
// are is of no interest, and so little is done for each line: there may be thousands.
type soleAddress struct {
	line    []byte // that named it
	normal  string
	several bool
}

var addressKey = []byte(keyName(Address))

func (a *soleAddress) add(l line) {
	if a.several || len(l.text) < len(addressKey) || l.text[0]|0x20 != addressKey[0] || bytes.Equal(l.text, a.line) {
		return
	}
	if !bytes.EqualFold(l.text[:len(addressKey)], addressKey) {
		return
	}
	name, value, _ := l.option()
	if name != string(addressKey) {
		return
	}
	if normal, err := normalise(value); err == nil {
		value = normal
	}
	a.several = a.line != nil && value != a.normal
	a.line, a.normal = l.text, value
}

// get is the address, or nothing if there is none or are several.
func (a soleAddress) get() string {
	if a.several {
		return ""
	}
	return a.normal
}

// parse reads the collected options with ini.v1, set to AWS's dialect: raw
// values, no continuation by backslash, comments after a space.
func (s *section) parse(data []byte) error {
	if len(data) == 0 {
		return nil
	}
	file, err := ini.LoadSources(ini.LoadOptions{
		InsensitiveKeys:          true,
		IgnoreContinuation:       true,
		SpaceBeforeInlineComment: true,
		PreserveSurroundedQuote:  true,
		KeyValueDelimiters:       optionDelimiters,
		ChildSectionDelimiter:    "\x00",
	}, data)
	if err != nil {
		return fmt.Errorf("%s: the section at line %d cannot be read", s.path, s.header) // ini.v1's words may quote a secret
	}
	s.options = map[string]string{}
	for _, key := range file.Section("").Keys() {
		s.options[key.Name()] = key.Value()
	}
	return nil
}

// CredentialsPath is the file of plain keys that SDKs read:
// AWS_SHARED_CREDENTIALS_FILE, else ~/.aws/credentials; empty without a home
// directory.
func CredentialsPath(getenv func(string) string) string {
	return awsFile(getenv("AWS_SHARED_CREDENTIALS_FILE"), "credentials")
}

// hasKeys reports whether the credentials file at path has keys for the profile,
// and in which line.
func hasKeys(path, profile string) (number int, found bool) {
	data, err := readFile(path)
	if err != nil || !bytes.Contains(data, []byte(profile)) {
		return 0, false
	}
	_ = scan(path, data, func(l line) error {
		if name, _, _ := l.option(); l.section == profile && name == "aws_access_key_id" {
			number, found = l.number, true
		}
		return nil
	})
	return number, found
}

// Keys finds the profiles for which the credentials file at path has keys, and where.
func Keys(path string) func(profile string) (where string, found bool) {
	lines := map[string]int{}
	visitLines(path, func(l line) {
		if name, _, _ := l.option(); name == "aws_access_key_id" {
			lines[l.section] = l.number
		}
	})
	return func(profile string) (string, bool) {
		number, found := lines[profile]
		return fmt.Sprintf("%s:%d", path, number), found
	}
}

// Names lists the profiles of the AWS config at path, in the file's order; none
// if it cannot be read.
func Names(path string) []string {
	var names []string
	visitLines(path, func(l line) {
		if l.isHeader && l.isProfile {
			names = append(names, l.section)
		}
	})
	return names
}

// visitLines calls visit for the lines of a file as far as it can be read.
func visitLines(path string, visit func(line)) {
	data, err := readRegular(path)
	if err != nil {
		return
	}
	_ = scan(path, data, func(l line) error {
		visit(l)
		return nil
	})
}
