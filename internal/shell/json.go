package shell

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// object writes one JSON object of the variables that are set, on one line.
func object(set []variable, _ []string) (string, error) {
	members := make([]string, len(set))
	for i, v := range set {
		if !utf8.ValidString(v.Value) {
			return "", fmt.Errorf("value of variable %q is not UTF-8, which JSON demands", v.Name)
		}
		members[i] = fmt.Sprintf("%s:%s", jsonQuote(v.Name), jsonQuote(v.Value))
	}
	return "{" + strings.Join(members, ",") + "}\n", nil
}

// jsonQuote leaves <, > and & readable, unlike json.Marshal.
func jsonQuote(s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err) // a string always encodes
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
