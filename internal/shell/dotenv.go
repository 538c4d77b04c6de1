package shell

import (
	"errors"
	"fmt"
	"strings"
)

// dotenv writes lines that "docker run --env-file", Compose, systemd and the libraries
// called dotenv read alike. They agree on values without quotes only, and on few
// characters of those: docker takes quotes for part of the value, others take what
// follows a # for a comment, and $ or a backslash for the beginning of something.
func dotenv(set []variable, unset []string) (string, error) {
	if len(set) == 0 && len(unset) > 0 {
		return "", errors.New("a dotenv file cannot take variables away")
	}
	var b strings.Builder
	for _, v := range set {
		if strings.ContainsFunc(v.Value, notForDotenv) {
			return "", fmt.Errorf("value of variable %q holds what programs read differently from a dotenv file", v.Name)
		}
		fmt.Fprintf(&b, "%s=%s\n", v.Name, v.Value)
	}
	return b.String(), nil
}

func notForDotenv(r rune) bool {
	letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	return !letter && !strings.ContainsRune("_./+=:@,-", r)
}
