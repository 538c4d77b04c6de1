package vault

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"

	"vaws/internal/credentials"
)

// errNothingThere is an answer without content, which is what Vault gives for a
// path that leads nowhere.
var errNothingThere = errors.New("nothing at this path in Vault")

const (
	// AWS's tokens are 4096 bytes at the most, and it warns that they may grow:
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp.html
	maxSessionToken = 16 << 10
	// What AWS gives at the most (GetSessionToken, GetFederationToken):
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_request.html
	maxSTSLife = 36 * time.Hour
	// Years are somebody's mistake.
	maxLife = 10 * 365 * 24 * time.Hour
	// Static credentials without a date are read again after this time, and
	// those whose rotation is due, after this one.
	staticLife  = 15 * time.Minute
	overdueLife = time.Minute
)

// parse makes credentials of an answer to a request that was sent at began. Any
// answer that clients could misread is an error.
func parse(secret *api.Secret, r credentials.Request, began time.Time) (credentials.Credentials, error) {
	var f fields = secret.Data
	c := credentials.Credentials{
		AccessKeyID:     f.text("access_key"),
		SecretAccessKey: f.text("secret_key"),
		SessionToken:    f.text("session_token"),
		ARN:             f.text("arn"),
	}
	if c.SessionToken == "" {
		c.SessionToken = f.text("security_token") // all that OpenBao's plugin has
	}
	switch {
	case !isPrintable(c.AccessKeyID, 128):
		return credentials.Credentials{}, errors.New("the answer of Vault has no access key ID that AWS could have made")
	case !isPrintable(c.SecretAccessKey, 128):
		return credentials.Credentials{}, errors.New("the answer of Vault has no secret access key that AWS could have made")
	case c.SessionToken != "" && !isPrintable(c.SessionToken, maxSessionToken):
		return credentials.Credentials{}, errors.New("the answer of Vault has no session token that AWS could have made")
	}
	if !isPrintable(c.ARN, 2048) || c.AccountID() == "" {
		c.ARN = ""
	}
	err := f.lease(&c, secret, r.Endpoint, began)
	return c, err
}

// lease sets the kind and the lease.
func (f fields) lease(c *credentials.Credentials, secret *api.Secret, endpoint string, began time.Time) error {
	c.Lease = credentials.Lease{ID: secret.LeaseID, Issued: began}
	vaultLife := time.Duration(secret.LeaseDuration) * time.Second
	if secret.LeaseDuration < 0 || vaultLife > maxLife {
		return fmt.Errorf("the answer of Vault has a lease of %d seconds", secret.LeaseDuration)
	}
	c.Lease.VaultEnd = began.Add(vaultLife)
	switch {
	case c.SessionToken == "" && strings.HasPrefix(c.AccessKeyID, "ASIA"):
		return errors.New("the answer of Vault has temporary credentials without their session token")
	case endpoint == credentials.EndpointStaticCreds:
		c.Kind = credentials.Static
		c.Lease.VaultEnd = time.Time{}
		return f.rotation(&c.Lease)
	case c.SessionToken == "":
		c.Kind, c.Unsettled = credentials.IAMUser, true
		c.Lease.Expiry = c.Lease.VaultEnd
	default:
		c.Kind = credentials.STS
		life, err := f.ttl(vaultLife)
		if err != nil {
			return err
		}
		c.Lease.Expiry = began.Add(life)
	}
	if !c.Lease.Expiry.After(began) {
		return errors.New("the answer of Vault has a lease that is over already")
	}
	return nil
}

// ttl is what remains of STS credentials. A mount's maximum or a batch token
// shortens the lease in Vault, not the credentials. Where there is no ttl, as in
// the answers of old versions, the lease is all that is known.
func (f fields) ttl(lease time.Duration) (time.Duration, error) {
	value, given := f["ttl"]
	if !given {
		return min(lease, maxSTSLife), nil
	}
	number, _ := value.(json.Number)
	seconds, err := number.Int64()
	if life := time.Duration(seconds) * time.Second; err == nil && seconds > 0 && seconds <= int64(maxSTSLife/time.Second) {
		return life, nil
	}
	return 0, fmt.Errorf("the answer of Vault has a ttl of %s seconds", clip(fmt.Sprint(value)))
}

// rotation sets the expiry of static credentials: Vault's next rotation.
func (f fields) rotation(l *credentials.Lease) error {
	text := f.text("expiration")
	if text == "" {
		l.Expiry = l.Issued.Add(staticLife)
		return nil
	}
	next, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || next.Sub(l.Issued) > maxLife {
		return fmt.Errorf("the answer of Vault has the expiration %q", clip(text))
	}
	// Vault rotates once a minute what is due; until then the old key works.
	l.Expiry = next
	if earliest := l.Issued.Add(overdueLife); !next.Truncate(time.Second).After(l.Issued) {
		l.Expiry = earliest
	}
	return nil
}

// fields is the data of an answer.
type fields map[string]any

// text is a field's value if it is a text, else empty.
func (f fields) text(name string) string {
	text, _ := f[name].(string)
	return text
}

// isPrintable reports whether text is between one and most ASCII characters, and
// all of them can be seen.
func isPrintable(text string, most int) bool {
	return text != "" && len(text) <= most &&
		!strings.ContainsFunc(text, func(r rune) bool { return r < 0x21 || r > 0x7e })
}
