package profile

import (
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
	if !o.isProfile || o.vaws || l.continues || !strings.ContainsRune(tellers, rune(l.text[0]|0x20)) {
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

// tellers are the letters that an option begins with that tells anything: keyPrefix,
// credential_process and those of elsewhere. To look at no other option makes
// completion half as long.
const tellers = "vcrswla"

func callsVaws(command string) bool {
	if !strings.ContainsAny(command, `"'`) {
		program, _, _ := strings.Cut(command, " ")
		return isVaws(program)
	}
	words := splitWords(command)
	return len(words) > 0 && isVaws(words[0])
}

// holds takes a profile that says nothing for one that is named after a role, but for
// the default one.
func (o *offer) holds() bool {
	return o.isProfile && (o.vaws || !o.others && o.name != "default")
}
