package profile

import (
	"net/netip"
	"net/url"
	"strings"

	"vaws/internal/hint"
)

var defaultPorts = map[string]string{"http": "80", "https": "443"}

// normalise gives every spelling of one Vault's address the same form: scheme
// and host in lower case, no default port, no slash at the end.
func normalise(address string) (string, error) {
	u, err := url.Parse(address)
	switch {
	case strings.ContainsAny(address, "@?#"):
		// What stands there may be a password, and is not repeated.
		return "", hint.Errorf(addressForm, "Vault's address has a user name, a query or a fragment")
	case !strings.Contains(address, "://"):
		return "", hint.Errorf("say how to speak to it: https://"+printable(address), "Vault's address %q is not an address", address)
	case err != nil || printable(address) != address:
		return "", hint.Errorf(addressForm, "Vault's address %q is not an address", address)
	case u.Scheme == "unix" && u.Path != "" && u.Host == "":
		return "unix://" + u.Path, nil
	case defaultPorts[u.Scheme] == "" || u.Hostname() == "":
		return "", hint.Errorf(addressForm, "Vault's address %q is not an address", address)
	}
	if base := strings.TrimRight(u.Path, "/"); strings.HasSuffix(base, "/v1") || strings.HasSuffix(base, "/ui") {
		return "", hint.Errorf(addressForm, "Vault's address %q goes on behind the server's", address)
	}
	host := strings.ToLower(u.Host)
	host = strings.TrimSuffix(strings.TrimSuffix(host, ":"), ":"+defaultPorts[u.Scheme])
	return u.Scheme + "://" + host + strings.TrimRight(u.EscapedPath(), "/"), nil
}

// isLoopback reports whether a host is this machine, by its address or by a name
// that never stands for another one (RFC 6761, section 6.3).
func isLoopback(host string) bool {
	name := strings.TrimSuffix(strings.ToLower(host), ".")
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

const addressForm = `an address reads "https://vault.example.com:8200"`

// printable is the address without what would need quotes in the commands that
// hints show.
func printable(address string) string {
	return strings.Map(func(r rune) rune {
		if isWord(r) || strings.ContainsRune(".:/[]~-", r) {
			return r
		}
		return -1
	}, address)
}
