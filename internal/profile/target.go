// Package profile turns what the user says (NAME, flags, variables, the AWS
// config) into the one target that is meant: which credentials, of which Vault,
// with whose token.
package profile

import (
	"vaws/internal/credentials"
)

// Target is what a command works on. It holds no secret.
type Target struct {
	Name    string // as the user gave it
	Request credentials.Request
	// Ambient says that the surroundings of one Vault (VAULT_TOKEN, the token
	// helper) are for this target's address.
	Ambient bool
	Home    string // the address that the surroundings are for; may be empty
	Via     string // address of a Vault Agent to go through; empty: none
	Proxy   string // HTTP proxy for Vault alone; empty: HTTPS_PROXY and its like
	TLS     TLS
	Login   Login
	Region  AWSRegion
	// EndpointURL is where the profile's AWS is, if not where AWS itself is.
	EndpointURL string
}

// TLS is how to know Vault and how to be known by it. Paths are files'.
type TLS struct {
	CACert, CAPath string // whom to trust; empty: the system's authorities
	CACertPEM      string // instead of CACert
	ClientCert     string
	ClientKey      string
	ServerName     string
	SkipVerify     bool
}

// Login is how to get a token of the target's own. Request names its method,
// mount and role.
type Login struct {
	SecretFile string // path of a file that holds the secret
	SecretEnv  string // name of a variable that holds the secret
}

// AWSRegion is the region that the user chose for the target.
type AWSRegion struct {
	Name string // empty: none
	// Insist says that it was typed for this call, and so goes before AWS_REGION and
	// AWS_DEFAULT_REGION.
	Insist bool
}

// Query is what the user asks for.
type Query struct {
	Name   string
	Flags  map[string]string // by the setting's name; those not given are absent
	Getenv func(string) string
}
