package shell

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// nushell writes a record for Nushell's load-env, which has no eval. Nushell hands no
// program a variable that is null.
func nushell(set []variable, unset []string) (string, error) {
	var members []string
	for _, name := range unset {
		members = append(members, fmt.Sprintf("%s:null", jsonQuote(name)))
	}
	for _, v := range set {
		if !utf8.ValidString(v.Value) {
			return "", fmt.Errorf("value of variable %q is not UTF-8, which Nushell demands", v.Name)
		}
		members = append(members, fmt.Sprintf("%s:%s", jsonQuote(v.Name), jsonQuote(v.Value)))
	}
	return "{" + strings.Join(members, ",") + "}\n", nil
}
