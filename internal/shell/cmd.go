package shell

import (
	"fmt"
	"strings"
)

// cmd writes for cmd.exe, whose set takes all between the first quote and the last
// one on the line.
func cmd(set []variable, unset []string) (string, error) {
	var b strings.Builder
	for _, name := range unset {
		fmt.Fprintf(&b, "set \"%s=\"\n", name)
	}
	for _, v := range set {
		if v.Value == "" || strings.ContainsFunc(v.Value, notForCmd) {
			return "", fmt.Errorf("value of variable %q is empty or holds one of %% ! \" or what is not ASCII, which cmd cannot be given", v.Name)
		}
		fmt.Fprintf(&b, "set \"%s=%s\"\n", v.Name, v.Value)
	}
	return b.String(), nil
}

// notForCmd finds what cmd reads in one way in a batch file and in another in "for
// /f", or in the way of the console's code page.
func notForCmd(r rune) bool {
	return r < ' ' || r > '~' || r == '%' || r == '!' || r == '"'
}
