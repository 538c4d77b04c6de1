package shell

import (
	"fmt"
	"strings"
)

// posix writes for sh, bash, zsh, dash and ksh.
func posix(set []variable, unset []string) (string, error) {
	var b strings.Builder
	for _, name := range unset {
		fmt.Fprintf(&b, "unset %s;\n", name)
	}
	for _, v := range set {
		fmt.Fprintf(&b, "export %s=%s;\n", v.Name, posixQuote(v.Value))
	}
	return b.String(), nil
}

// posixQuote puts s into single quotes, between which nothing is special but
// the quote itself. No two quotes meet where one ends and the next begins: zsh
// takes a pair for one quote when RC_QUOTES is set.
func posixQuote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
