// Package profile turns what the user says (NAME, flags, variables, the AWS
// config) into the one target that is meant: which credentials, of which Vault,
// with whose token.
package profile

import (
	"cmp"
	"net/url"
	"time"

	"vaws/internal/credentials"
)

// Target is what a command works on. It holds no secret.
type Target struct {
	Name    string // as the user gave it
	Request credentials.Request
	// Ambient says that the surroundings of one Vault (VAULT_TOKEN, the token
	// helper) are for this target's address.
	Ambient bool
	Home    string        // the address that the surroundings are for; may be empty
	Via     string        // address of a Vault Agent to go through; empty: none
	Proxy   string        // HTTP proxy for Vault alone; empty: HTTPS_PROXY and its like
	Timeout time.Duration // of a request to Vault (VAULT_CLIENT_TIMEOUT); zero: not said
	TLS     TLS
	Login   Login
	Region  AWSRegion
	// EndpointURL is where the profile's AWS is, if not where AWS itself is.
	EndpointURL string
}

// Plain reports whether what is sent to the target's Vault leaves this machine
// unencrypted.
func (t Target) Plain() bool {
	u, err := url.Parse(cmp.Or(t.Via, t.Request.Address))
	return err == nil && u.Scheme == "http" && !isLoopback(u.Hostname())
}

// TLS is how to know Vault and how to be known by it. Paths are files'; those of
// ClientCert and ClientKey are both set or both empty.
type TLS struct {
	CACert, CAPath string // whom to trust; empty: the system's authorities
	CACertPEM      string // instead of CACert
	ClientCert     string
	ClientKey      string
	ServerName     string
	SkipVerify     bool
}

// Login is what a log-in needs beside the method, mount, role and namespace, which
// Request names. All of it may be empty.
type Login struct {
	// SecretFile is the path of a file that holds the secret: absolute, unless it
	// was typed. A typed "-" stands for stdin.
	SecretFile string
	SecretEnv  string // name of a variable that holds the secret
	Audience   string // of a JWT that the log-in asks GitHub Actions for
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
	Name   string            // for ResolveLogin a profile's, or empty
	Flags  map[string]string // by the setting's name; those not given are absent
	Getenv func(string) string
}
