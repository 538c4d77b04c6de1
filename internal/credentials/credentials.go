// Package credentials holds what every other room speaks of: a set of AWS
// credentials, the lease it lives under, the request that it answers, and the
// provider that answers requests from a store or a source.
package credentials

import (
	"strings"
	"time"
)

// Kind is how a set of credentials came to be, as far as it decides how they
// end. Vault's four credential types and static roles fall into three.
type Kind string

const (
	// STS credentials (assumed_role, federation_token, session_token) carry a
	// session token and end by themselves; nothing can revoke or renew them.
	STS Kind = "sts"
	// IAMUser credentials belong to an IAM user that Vault made for this lease
	// and deletes with it.
	IAMUser Kind = "iam_user"
	// Static credentials belong to an IAM user that outlives them; Vault
	// replaces them on a schedule.
	Static Kind = "static"
)

// Credentials is one set of AWS credentials. It is a secret: it never reaches
// an error, a log or an unsealed file.
type Credentials struct {
	Kind            Kind
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string // empty for IAMUser and Static
	ARN             string // of the assumed role; empty when Vault did not say
	Lease           Lease
	Unsettled       bool // AWS has not been seen to accept them yet
}

// AccountID is the twelve-digit AWS account of the credentials' ARN, or empty.
func (c Credentials) AccountID() string {
	// arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE
	parts := strings.SplitN(c.ARN, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" || !isAccountID(parts[4]) {
		return ""
	}
	return parts[4]
}

// Principal is whom the credentials' ARN names: an assumed role's name, else kind and
// name such as "federated-user/build"; empty without an ARN.
func (c Credentials) Principal() string {
	if c.AccountID() == "" {
		return ""
	}
	resource := strings.SplitN(c.ARN, ":", 6)[5]
	if role, found := strings.CutPrefix(resource, "assumed-role/"); found {
		role, _, _ = strings.Cut(role, "/") // the rest is the session's name
		return role
	}
	return resource
}

func isAccountID(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

// Lease says how long credentials live.
type Lease struct {
	ID       string        // Vault's lease ID; empty for Static
	Issued   time.Time     // when the request that made them was sent
	Expiry   time.Time     // when they stop working, never later than AWS's own time
	VaultEnd time.Time     // when Vault ends the lease; zero for Static
	Granted  time.Duration // the life of a renewable lease when it was new; zero: not renewed yet
	Token    string        // digest of the Vault token with which an IAMUser's lease ends
}

// Rule decides when cached credentials are too old to hand out.
type Rule int

const (
	// Refreshable is for callers that come back for more: fresh while more than
	// the smaller of 16 minutes and half the lifetime remains, and a part of the
	// rest that differs from lease to lease (Lease.spread). botocore calls a
	// credential_process on every signed request once less than 15 minutes
	// remain (_advisory_refresh_timeout in botocore/credentials.py).
	Refreshable Rule = iota
	// HandOut is for callers that cannot be given new ones: fresh while more
	// than half the lifetime, or 12 hours, remains.
	HandOut
)

const (
	refreshAhead  = 16 * time.Minute
	longEnough    = 12 * time.Hour
	clockTolerant = time.Minute
)

// Remaining is how long the credentials still work at now. It is zero, too, for
// a lease from the future: the clock has been set back since, and its expiry
// cannot be trusted.
func (l Lease) Remaining(now time.Time) time.Duration {
	if l.Issued.After(now.Add(clockTolerant)) || !now.Before(l.Expiry) {
		return 0
	}
	return l.Expiry.Sub(now)
}

// Fresh reports whether credentials under l may be handed out at now without
// asking Vault. A renewed lease is measured by its life when it was new: near its
// maximum, renewals bring less and less.
func (l Lease) Fresh(rule Rule, now time.Time) bool {
	return l.Remaining(now) > l.reserve(rule)
}

// StaleAt is when credentials under l stop being fresh: the first caller after it has
// Vault asked.
func (l Lease) StaleAt(rule Rule) time.Time {
	return l.Expiry.Add(-l.reserve(rule))
}

// reserve is the lifetime that must be left for a caller of the rule.
func (l Lease) reserve(rule Rule) time.Duration {
	life := max(0, l.Expiry.Sub(l.Issued), l.Granted)
	if rule == HandOut {
		return min(life/2, longEnough)
	}
	least := min(life/2, refreshAhead)
	return least + l.spread(life-least)
}

// spread is up to an eighth of the time for which the lease would be fresh, and at
// most 16 minutes. Machines that all got their credentials when an outage ended
// would otherwise come back together after each lifetime. The fraction of the second
// in which the lease began is as good as random, and the same for every process.
func (l Lease) spread(fresh time.Duration) time.Duration {
	most := min(fresh/8, refreshAhead)
	return time.Duration(float64(most) * float64(l.Issued.Nanosecond()) / float64(time.Second))
}
