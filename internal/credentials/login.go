package credentials

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Login names one way to log in to a Vault: by which method, mounted where, as
// which role. It holds no secret. One without a method stands for whatever log-in a
// person last chose at that address and namespace.
type Login struct {
	Address   string // Vault's, normalised
	Namespace string // of the auth method; without slashes at its ends, empty for the root
	Method    string // such as "oidc"; may be empty
	Mount     string // of the auth method: "oidc", "team/okta"
	Role      string // in Vault; of an AppRole its role ID; may be empty
}

// String is the log-in in a message: "oidc on sso as dev". An AppRole's role ID is
// left out.
func (l Login) String() string {
	text := l.Method
	if l.Mount != l.Method {
		text += " on " + l.Mount
	}
	if l.Role != "" && l.Method != "approle" {
		text += " as " + l.Role
	}
	return text
}

// Key is the log-in's identity: 64 hexadecimal digits, made as Request.Key is.
func (l Login) Key() string {
	return digestOf("login", l.Address, l.Namespace, l.Method, l.Mount, l.Role)
}

// Token is a token of Vault and what is known of its life. It is a secret like
// Credentials.
type Token struct {
	Login     Login // that it came from
	Value     string
	Expiry    time.Time     // zero: never, or not known
	Life      time.Duration // when it was new; zero where Expiry is
	Renewable bool
	Refused   *Failure // the last attempt to log in anew, if Vault refused it since then
}

// Valid reports whether the token is not known to have ended at now.
func (t Token) Valid(now time.Time) bool {
	return t.Value != "" && (t.Expiry.IsZero() || now.Before(t.Expiry))
}

// Ageing reports whether less than half of the life that the token had when it was
// new remains at now, so that it should be renewed or replaced.
func (t Token) Ageing(now time.Time) bool {
	return !t.Expiry.IsZero() && t.Expiry.Sub(now) < t.Life/2
}

// Digest names the token without telling it: Lease.Token has it.
func (t Token) Digest() string { return TokenDigest(t.Value) }

// TokenDigest is the digest of a token's value: 16 hexadecimal digits.
func TokenDigest(value string) string {
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:8])
}
