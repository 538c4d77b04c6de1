package cache

import (
	"encoding/json"
	"fmt"
	"time"

	"vaws/internal/credentials"
)

// formatVersion changes with the layout of the file or the payload. A file of
// another version is neither read nor swept as if it were understood.
const formatVersion = 1

// header is what may be read without the key: enough to list entries and to
// sweep them, and no secret.
type header struct {
	Version   int       `json:"vaws"`
	KeyID     string    `json:"key"`
	Type      string    `json:"type"` // credentials.Kind, failureType or tokenType
	Address   string    `json:"address"`
	Namespace string    `json:"namespace,omitempty"`
	Mount     string    `json:"mount"` // of a token: the auth method's
	Role      string    `json:"role,omitempty"`
	Expires   time.Time `json:"expires,omitzero"` // zero: not known to end
	LeaseEnd  time.Time `json:"lease_end,omitzero"`
}

const (
	failureType = "failure"
	tokenType   = "token"
)

// failureLife is longer than any caller looks back to a failure.
const failureLife = time.Minute

func credentialsHeader(r credentials.Request, c credentials.Credentials) header {
	h := requestHeader(r, string(c.Kind), c.Lease.Expiry)
	h.LeaseEnd = c.Lease.VaultEnd.UTC()
	return h
}

func failureHeader(r credentials.Request, f credentials.Failure) header {
	return requestHeader(r, failureType, f.Time.Add(failureLife))
}

// tokenHeader leaves out the role: an AppRole's role ID is half of its log-in.
func tokenHeader(l credentials.Login, t credentials.Token) header {
	return header{
		Version: formatVersion,
		Type:    tokenType,
		Address: l.Address, Namespace: l.Namespace, Mount: l.Mount,
		Expires: t.Expiry.UTC(),
	}
}

func requestHeader(r credentials.Request, kind string, expires time.Time) header {
	return header{
		Version: formatVersion,
		Type:    kind,
		Address: r.Address, Namespace: r.Namespace, Mount: r.Mount, Role: r.Role,
		Expires: expires.UTC(),
	}
}

func parseHeader(line []byte) (header, error) {
	var h header
	if err := json.Unmarshal(line, &h); err != nil {
		return header{}, fmt.Errorf("reading the header: %w", err)
	}
	if h.Version != formatVersion {
		return header{}, fmt.Errorf("format version %d", h.Version)
	}
	return h, nil
}
