package profile

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"

	"vaws/internal/hint"
)

// Use is a profile of the AWS config that uses vaws.
type Use struct {
	Profile string
	Path    string // of the AWS config
	Line    int    // of the section's header
	Called  bool   // by SDKs: its credential_process calls vaws
	// Target is what they get. Its name is that of the call, which may be another
	// than the profile's.
	Target Target
	Err    error // why there is no target
}

// Uses returns the profiles of the AWS config that use vaws, in the file's order:
// those whose credential_process calls it, or that have vaws_* keys. An error is one of
// the whole file.
func Uses(getenv func(string) string) ([]Use, error) {
	path := ConfigPath(getenv)
	data, err := readRegular(path)
	if err != nil {
		return nil, hint.Errorf("check AWS_CONFIG_FILE and the file's mode", "reading the AWS config: %w", err)
	}
	w, err := surveyConfig(path, data)
	if err == nil {
		err = w.vaws.err
	}
	if err != nil {
		return nil, err
	}
	return w.uses(getenv), nil
}

// survey is a whole AWS config, read in one pass.
type survey struct {
	path      string
	vaws      *surveyed
	profiles  []*surveyed // in the file's order
	byName    map[string]*surveyed
	strangers []*surveyed // sections that are neither a profile nor [vaws]
	repeats   []repeat
	address   soleAddress
	outside   int // number of a line before the first section; 0: there is none
}

// surveyed is a section with what is wrong with its lines.
type surveyed struct {
	section
	name string
	text bytes.Buffer // the lines that vaws reads
	seen map[string]int
	err  error
}

// repeat is a section or an option that is there already. Python's configparser, and
// so the AWS CLI and boto3, then refuse the whole file.
type repeat struct {
	what        string // "[profile dev]", or an option's name
	first, line int
	isSection   bool
}

// surveyConfig reads all sections. An error is one of the file's form.
func surveyConfig(path string, data []byte) (*survey, error) {
	w := &survey{path: path, byName: map[string]*surveyed{}, vaws: newSurveyed(path, "vaws")}
	others := map[string]*surveyed{}
	var current *surveyed
	err := scan(path, data, func(l line) error {
		if l.isHeader {
			current = w.enter(l, others)
		}
		if !l.isHeader && !l.continues {
			w.address.add(l)
		}
		if current != nil {
			w.take(current, l)
		} else if w.outside == 0 {
			w.outside = l.number
		}
		return nil
	})
	for _, s := range append([]*surveyed{w.vaws}, w.profiles...) {
		if s.err == nil && s.isVaws() {
			s.err = s.parse(s.text.Bytes())
		}
	}
	return w, err
}

func newSurveyed(path, name string) *surveyed {
	return &surveyed{section: section{path: path}, name: name, seen: map[string]int{}}
}

// enter returns the section that the header begins or goes on with.
func (w *survey) enter(l line, others map[string]*surveyed) *surveyed {
	known, label := others[l.section], "["+l.section+"]"
	switch {
	case l.isProfile:
		known, label = w.byName[l.section], "[profile "+l.section+"]"
	case l.section == "vaws":
		known = w.vaws
	}
	if known != nil && known.header > 0 {
		w.repeats = append(w.repeats, repeat{label, known.header, l.number, true})
	}
	if known != nil {
		return known
	}
	s := newSurveyed(w.path, l.section)
	if l.isProfile {
		w.profiles, w.byName[l.section] = append(w.profiles, s), s
	} else {
		w.strangers, others[l.section] = append(w.strangers, s), s
	}
	return s
}

// take adds a line to its section. The first fault of a section is kept.
func (w *survey) take(s *surveyed, l line) {
	if name, _, ok := l.option(); ok && !l.isHeader && !l.continues {
		if first := s.seen[name]; first > 0 {
			w.repeats = append(w.repeats, repeat{name, first, l.number, false})
		} else {
			s.seen[name] = l.number
		}
	}
	if !l.isProfile && s != w.vaws {
		l.isProfile = true // what may stand in a section of other programs is not for [vaws] to say
	}
	if err := s.add(l, &s.text); s.err == nil {
		s.err = err
	}
}

// isVaws reports whether the section has anything that vaws reads for itself.
func (s *surveyed) isVaws() bool {
	return s.header > 0 && bytes.Contains(bytes.ToLower(s.text.Bytes()), []byte("vaws"))
}

// config is what readConfig would find for a profile.
func (w *survey) config(name string) (awsConfig, error) {
	conf := awsConfig{vaws: w.vaws.section, profile: section{path: w.path}, address: w.address}
	s := w.byName[name]
	if s == nil {
		return conf, nil
	}
	if s.err == nil && s.options == nil { // one that has nothing to do with vaws
		s.err = s.parse(s.text.Bytes())
	}
	conf.profile = s.section
	return conf, s.err
}

func (w *survey) uses(getenv func(string) string) []Use {
	var all []Use
	for _, s := range w.profiles {
		call := parseCall(s.options["credential_process"])
		if !call.isVaws && !s.hasKeys() {
			continue
		}
		u := Use{Profile: s.name, Path: w.path, Line: s.header, Called: call.isVaws}
		if u.Err = s.err; u.Err == nil {
			u.Target, u.Err = w.target(s, call, getenv)
		}
		all = append(all, u)
	}
	return all
}

// hasKeys reports whether any option looks like one for vaws.
func (s *surveyed) hasKeys() bool {
	for name := range s.seen {
		if strings.HasPrefix(name, keyPrefix) {
			return true
		}
	}
	return false
}

// target is what the profile's call of vaws would get; without one, what the profile
// stands for.
func (w *survey) target(s *surveyed, c call, getenv func(string) string) (Target, error) {
	name := cmp.Or(c.name, s.name)
	if c.isVaws && c.name == "" {
		return Target{}, hint.Errorf("write it: credential_process = vaws credential-process "+s.name,
			"%s:%d: the call of vaws names no profile or role", s.path, s.lines["credential_process"])
	}
	if err := checkName(name); err != nil {
		return Target{}, err
	}
	conf, err := w.config(name)
	if err != nil {
		return Target{}, fmt.Errorf("profile %q: %w", name, err)
	}
	return resolveIn(conf, Query{Name: name, Flags: c.flags, Getenv: getenv})
}
