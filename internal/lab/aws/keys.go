package aws

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"time"
)

// accessKey is a key pair with what AWS knows about it.
type accessKey struct {
	id      string
	secret  string
	token   string    // empty for the keys of IAM users
	expires time.Time // zero: never
	who     principal

	created  time.Time
	inactive bool
	// usableFrom and refusals model IAM's eventual consistency.
	usableFrom time.Time
	refusals   int
}

// principal is who a key belongs to.
type principal struct {
	account string
	arn     string
	userID  string
	user    string // the IAM user's name, empty for others
}

// issueSession makes session credentials for who.
func (s *Server) issueSession(who principal, expires time.Time) *accessKey {
	key := &accessKey{
		id:      keyID("ASIA", who.account),
		secret:  randomText(40),
		token:   "IQoJb3JpZ2luX2Vj" + randomText(s.tokenLength-16),
		expires: expires,
		who:     who,
		created: s.now(),
	}
	s.keys[key.id] = key
	s.secrets = append(s.secrets, key.secret, key.token)
	return key
}

// createKey makes an access key of an IAM user.
func (s *Server) createKey(u *user) *accessKey {
	key := &accessKey{id: keyID("AKIA", u.id.account), secret: randomText(40), who: u.principal(), created: s.now()}
	s.keys[key.id] = key
	u.keys = append(u.keys, key)
	s.secrets = append(s.secrets, key.secret)
	return key
}

// keyID returns an access key ID, which carries its account: the base32 text
// after the prefix holds a one bit, 40 bits of account number and 7 further bits
// in its first six bytes.
func keyID(prefix, account string) string {
	number, _ := strconv.ParseUint(account, 10, 40)
	var raw [10]byte
	_, _ = rand.Read(raw[:])
	var head [8]byte
	binary.BigEndian.PutUint64(head[:], 1<<47|number<<7|uint64(raw[5]&0x7f))
	copy(raw[:6], head[2:])
	return prefix + base32.StdEncoding.EncodeToString(raw[:])
}

// uniqueID returns an identifier like a user's AIDA… or a role's AROA….
func uniqueID(prefix string) string {
	return prefix + rand.Text()[:17]
}

// randomText returns n characters of the base64 alphabet.
func randomText(n int) string {
	if n <= 0 {
		return ""
	}
	raw := make([]byte, n)
	_, _ = rand.Read(raw)
	return base64.RawStdEncoding.EncodeToString(raw)[:n]
}
