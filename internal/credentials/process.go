package credentials

import (
	"encoding/json"
	"time"
)

// expirationFormat is what every SDK parses: RFC 3339 in UTC, whole seconds
// (https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html).
// Formatting cuts the fraction off, so the printed time is never the later one.
const expirationFormat = "2006-01-02T15:04:05Z"

// Expiration formats the lease's expiry as SDKs expect it.
func (l Lease) Expiration() string {
	return l.Expiry.UTC().Format(expirationFormat)
}

// ProcessJSON is the answer to an SDK's credential_process, one line of JSON.
// SessionToken and AccountId are left out when there is none.
func (c Credentials) ProcessJSON() []byte {
	line, err := json.Marshal(struct {
		Version         int
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string `json:",omitempty"`
		Expiration      string
		AccountID       string `json:"AccountId,omitempty"`
	}{1, c.AccessKeyID, c.SecretAccessKey, c.SessionToken, c.Lease.Expiration(), c.AccountID()})
	if err != nil {
		panic(err) // strings and a number always encode
	}
	return append(line, '\n')
}

// Valid reports whether the credentials have what every client needs and have
// not expired at now, by the expiry that clients are told.
func (c Credentials) Valid(now time.Time) bool {
	told := c.Lease
	told.Expiry = told.Expiry.Truncate(time.Second)
	return c.AccessKeyID != "" && c.SecretAccessKey != "" && told.Remaining(now) > 0
}
