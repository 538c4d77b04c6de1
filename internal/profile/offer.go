package profile

import (
	"bytes"
	"slices"
	"strings"
)

// Offered lists the profiles of the AWS config at path that vaws can get credentials
// for, as far as their section tells, in the file's order; none if the file cannot be
// read.
func Offered(path string) []string {
	var names []string
	var o offer
	visitLines(path, func(l line) {
		if !l.isHeader {
			o.add(l)
			return
		}
		if o.holds() {
			names = append(names, o.name)
		}
		o = offer{isProfile: l.isProfile, name: l.section}
	})
	if o.holds() {
		names = append(names, o.name)
	}
	return names
}

// offer is what a section says about where its credentials come from.
type offer struct {
	isProfile bool
	name      string
	vaws      bool // says that they come from vaws
	others    bool // or from elsewhere
}

func (o *offer) add(l line) {
	if !o.isProfile || o.vaws || l.continues || !tells(l.text) {
		return
	}
	if bytes.HasPrefix(l.text, []byte("credential_process = vaws ")) { // as most of them are
		o.vaws = true
		return
	}
	name, value, ok := l.option()
	switch {
	case !ok:
	case strings.HasPrefix(name, keyPrefix):
		o.vaws = true
	case name == "credential_process":
		o.vaws = callsVaws(value)
		o.others = o.others || !o.vaws
	case slices.Contains(elsewhere, name):
		o.others = true
	}
}

// tells reports whether a line can be an option that says anything here: keyPrefix,
// credential_process and those of elsewhere begin so. A shell waits for 2,000 profiles
// to be read.
func tells(text []byte) bool {
	if len(text) < 2 {
		return false
	}
	switch [2]byte{text[0] | 0x20, text[1] | 0x20} { // in lower case
	case [2]byte{'v', 'a'}, [2]byte{'c', 'r'}, [2]byte{'r', 'o'}, [2]byte{'s', 'o'},
		[2]byte{'w', 'e'}, [2]byte{'s', 's'}, [2]byte{'l', 'o'}, [2]byte{'a', 'w'}:
		return true
	}
	return false
}

func callsVaws(command string) bool {
	if !strings.ContainsAny(command, `"'`) {
		program, _, _ := strings.Cut(command, " ")
		return isVaws(program)
	}
	words, _ := splitWords(command)
	return len(words) > 0 && isVaws(words[0])
}

// holds takes a profile that says nothing for one that is named after a role, but for
// the default one.
func (o *offer) holds() bool {
	return o.isProfile && (o.vaws || !o.others && o.name != "default")
}
