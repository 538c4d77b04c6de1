package credentials

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// Endpoints of Vault's AWS secrets engine that give out credentials.
const (
	EndpointSTS         = "sts"
	EndpointCreds       = "creds"
	EndpointStaticCreds = "static-creds"
)

// Request names one set of credentials. Two requests that are equal may be
// given the same answer; any difference means another one. It holds no secret.
type Request struct {
	Address    string // Vault's, normalised: "https://vault.example.com:8200"
	Namespace  string // without slashes at its ends; empty for the root
	Mount      string // of the AWS secrets engine: "aws", "team/aws"
	Endpoint   string // one of the Endpoint constants; empty: whichever works
	Role       string // Vault's
	AuthMethod string // of the log-in whose token must be used; empty: any token
	AuthMount  string
	AuthRole   string
	// AuthNamespace is where the auth method is mounted; empty for the root.
	AuthNamespace string

	TTL         time.Duration // whole seconds; zero: the role's own
	RoleARN     string        // one of the role's, where it has several
	SessionName string        // of the assumed role
}

// Login is the log-in whose token the request is to be sent with; its method is
// empty if any will do.
func (r Request) Login() Login {
	if r.AuthMethod == "" {
		return Login{Address: r.Address, Namespace: r.Namespace}
	}
	return Login{r.Address, r.AuthNamespace, r.AuthMethod, r.AuthMount, r.AuthRole}
}

// Path is the role as people write it: MOUNT/ROLE, or MOUNT/ENDPOINT/ROLE where the
// endpoint was chosen.
func (r Request) Path() string {
	if r.Endpoint == "" {
		return r.Mount + "/" + r.Role
	}
	return r.Mount + "/" + r.Endpoint + "/" + r.Role
}

// Key is the request's identity: 64 hexadecimal digits, the SHA-256 of its
// fields. Each is preceded by its length, so that no two requests run together.
func (r Request) Key() string {
	return digestOf(
		r.Address, r.Namespace, r.Mount, r.Endpoint, r.Role,
		r.AuthMethod, r.AuthNamespace, r.AuthMount, r.AuthRole,
		r.TTL.String(), r.RoleARN, r.SessionName,
	)
}

func digestOf(fields ...string) string {
	h := sha256.New()
	for _, field := range fields {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(field)))
		h.Write(size[:])
		h.Write([]byte(field))
	}
	return hex.EncodeToString(h.Sum(nil))
}
