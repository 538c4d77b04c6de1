package shell

import (
	"fmt"
	"strings"
)

// fish writes for fish.
func fish(set []variable, unset []string) (string, error) {
	var b strings.Builder
	if len(unset) > 0 {
		fmt.Fprintf(&b, fishUnset, strings.Join(unset, " "))
	}
	for _, v := range set {
		fmt.Fprintf(&b, "set -gx %s %s;\n", v.Name, fishQuote(v.Value))
	}
	return b.String(), nil
}

// fishUnset erases global variables, which is what inherited ones are. A
// universal one belongs to all the user's fish sessions: it is not erased, and
// cannot be hidden (fish 3.6 exports it from behind a global one that is not
// exported), but a program would take it for part of the new environment, so
// fish says that it is there. The if leaves the status 0 when it is not.
const fishUnset = `begin; for name in %s;
set -eg $name;
if set -qUx $name;
echo "vaws: warning: universal variable $name stays set: run \"set -eU $name\"" >&2;
end; end; end;
`

// fishQuote puts s into single quotes, between which a backslash and the quote
// are special (https://fishshell.com/docs/current/language.html#quotes). Bytes
// beyond ASCII stand outside them as escapes: in a locale such as GBK, fish
// would take one for the first half of a character, and the backslash or the
// quote behind it for the second.
func fishQuote(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		switch {
		case c == '\\' || c == '\'':
			b.WriteString(`\` + string(c))
		case c >= 0x80:
			fmt.Fprintf(&b, `'\X%02x'`, c)
		default:
			b.WriteByte(c)
		}
	}
	return "'" + b.String() + "'"
}
