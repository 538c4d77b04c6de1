package profile

import (
	"net/url"
	"strings"

	"vaws/internal/hint"
)

var defaultPorts = map[string]string{"http": "80", "https": "443"}

// normalise gives every spelling of one Vault's address the same form: scheme
// and host in lower case, no default port, no slash at the end.
func normalise(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || strings.ContainsFunc(address, isControl) {
		return "", addressError(address, "is not an address")
	}
	if u.Scheme == "unix" && u.Path != "" && u.Host == "" {
		return "unix://" + u.Path, nil
	}
	switch {
	case u.User != nil:
		return "", addressError(u.Redacted(), "contains a user name")
	case u.RawQuery != "" || u.Fragment != "":
		return "", addressError(address, "has a query or a fragment")
	case defaultPorts[u.Scheme] == "" || u.Hostname() == "":
		return "", addressError(address, "is not an address")
	}
	host := strings.ToLower(u.Host)
	host = strings.TrimSuffix(strings.TrimSuffix(host, ":"), ":"+defaultPorts[u.Scheme])
	return u.Scheme + "://" + host + strings.TrimRight(u.EscapedPath(), "/"), nil
}

func addressError(address, problem string) error {
	return hint.Errorf(`an address reads "https://vault.example.com:8200"`, "Vault's address %q %s", address, problem)
}
