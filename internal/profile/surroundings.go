package profile

import (
	"cmp"
	"fmt"
)

// vaultVariables are the settings that are taken from the variables of the vault
// CLI (https://developer.hashicorp.com/vault/docs/commands#environment-variables).
var vaultVariables = map[string]string{
	Address: "VAULT_ADDR", Namespace: "VAULT_NAMESPACE",
	caCert: "VAULT_CACERT", caPath: "VAULT_CAPATH", caBytes: "VAULT_CACERT_BYTES",
	clientCert: "VAULT_CLIENT_CERT", clientKey: "VAULT_CLIENT_KEY",
	serverName: "VAULT_TLS_SERVER_NAME", skipVerify: "VAULT_SKIP_VERIFY",
	timeout: "VAULT_CLIENT_TIMEOUT", proxy: "VAULT_PROXY_ADDR",
}

// What only VAULT_* variables set.
const (
	caPath     = "ca-path"
	caBytes    = "ca-bytes"
	serverName = "server-name"
	skipVerify = "skip-verify"
	timeout    = "timeout"
	proxy      = "proxy"
)

// home is the address that VAULT_TOKEN, the token helper and the rest of the
// surroundings belong to.
func home(getenv func(string) string, defaults layer, only string) string {
	for _, candidate := range []string{getenv("VAULT_ADDR"), defaults.values[Address], only, getenv("VAULT_AGENT_ADDR")} {
		if candidate == "" {
			continue
		}
		normal, err := normalise(candidate)
		if err != nil {
			return "" // an address that cannot be read is nobody's
		}
		return normal
	}
	return ""
}

// agent is the address of the Vault Agent to go through; empty if there is none.
func agent(getenv func(string) string) (string, error) {
	address := getenv("VAULT_AGENT_ADDR")
	if address == "" {
		return "", nil
	}
	normal, err := normalise(address)
	if err != nil {
		return "", fmt.Errorf("VAULT_AGENT_ADDR: %w", err)
	}
	return normal, nil
}

// settleAddress chooses the target's address.
func (s *sources) settleAddress(getenv func(string) string) error {
	via, err := agent(getenv)
	if err != nil {
		return err
	}
	s.address, err = s.layers().chooseAddress(cmp.Or(s.home, via), via != "")
	return err
}

// keepOwn drops what belongs to another Vault than the target's. Where neither an
// address goes with it nor one is home, keys of the AWS config belong to every Vault,
// variables to none.
func (s *sources) keepOwn() {
	if s.home != s.address {
		clear(s.vault.values)
	}
	if !s.isAt(cmp.Or(s.variables.values[Address], s.home)) {
		s.variables.drop(authSettings...)
	}
	all := cmp.Or(s.defaults.values[Address], s.home)
	own := cmp.Or(s.keys.values[Address], all)
	if own != "" && !s.isAt(own) {
		s.keys.drop(keysOfOneVault...)
	}
	if all != "" && !s.isAt(all) {
		s.defaults.drop(keysOfOneVault...)
	}
}

// isAt reports whether the target is at this address.
func (s *sources) isAt(address string) bool {
	normal, err := normalise(address)
	return err == nil && normal == s.address
}

// surround adds how to get to the target's Vault.
func (s *sources) surround(t *Target, getenv func(string) string) (err error) {
	if t.TLS, err = s.tls(); err != nil || !t.Ambient {
		return err
	}
	if t.Via, err = agent(getenv); err != nil {
		return err
	}
	t.Proxy = s.vault.values[proxy]
	return takeAs(layers{s.vault}, timeout, &t.Timeout, parseFraction)
}
