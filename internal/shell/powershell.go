package shell

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// powershell writes for PowerShell, Windows' own and the newer one. Each line is a
// statement by itself, as Invoke-Expression is given them when nothing puts them
// together before.
func powershell(set []variable, unset []string) (string, error) {
	var b strings.Builder
	for _, name := range unset {
		fmt.Fprintf(&b, "Remove-Item Env:%s -ErrorAction Ignore;\n", name)
	}
	for _, v := range set {
		switch {
		case v.Value == "": // which would remove it
			return "", fmt.Errorf("value of variable %q is empty, which PowerShell cannot hold", v.Name)
		case !utf8.ValidString(v.Value):
			return "", fmt.Errorf("value of variable %q is not UTF-8, which PowerShell demands", v.Name)
		}
		fmt.Fprintf(&b, "$env:%s = %s;\n", v.Name, powershellQuote(v.Value))
	}
	return b.String(), nil
}

// powershellQuote puts s into single quotes, between which only the quote is special
// (about_Quoting_Rules), and PowerShell takes some others for it. Those, and whatever
// the console's code page could change on its way or a pipeline's end of line, stand
// outside as numbers.
func powershellQuote(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\'':
			b.WriteString("''")
		case r > 0xffff:
			fmt.Fprintf(&b, "'+[char]::ConvertFromUtf32(0x%x)+'", r)
		case r < ' ' || r > '~':
			fmt.Fprintf(&b, "'+[char]0x%x+'", r)
		default:
			b.WriteRune(r)
		}
	}
	return "'" + b.String() + "'"
}
