package endpoint

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

const (
	tokenBytes = 32
	// A given token may be a password or a UUID, but not a word.
	shortestToken = 16
)

// tokenOr returns the given token if it is fit for a header, or a random one if
// none is given.
func tokenOr(given string) (string, error) {
	switch {
	case given == "":
		return NewToken(), nil
	case len(given) < shortestToken:
		return "", fmt.Errorf("the token has only %d characters: at least %d are needed", len(given), shortestToken)
	case strings.TrimSpace(given) != given || strings.ContainsFunc(given, unprintable):
		return "", errors.New("the token has characters that do not pass through an HTTP header")
	}
	return given, nil
}

// NewToken returns 256 random bits in hexadecimal.
func NewToken() string {
	random := make([]byte, tokenBytes)
	rand.Read(random) // never fails
	return hex.EncodeToString(random)
}

func unprintable(r rune) bool { return r < ' ' || r > '~' }

// guard turns away who must not have credentials.
type guard struct {
	hosts map[string]bool // what a Host header may be
	token [sha256.Size]byte
}

func newGuard(port int, token string) guard {
	hosts := map[string]bool{}
	for _, host := range []string{loopback, "localhost", "[::1]"} {
		hosts[host+":"+strconv.Itoa(port)] = true
		if port == 80 {
			hosts[host] = true // clients leave the default port out
		}
	}
	return guard{hosts, sha256.Sum256([]byte(token))}
}

// refuses returns the reply for who is turned away. What is served is never
// looked at, so that a stranger cannot try paths.
func (g guard) refuses(r *http.Request) (reply, bool) {
	switch {
	case !g.hosts[strings.ToLower(r.Host)]:
		// A page in a browser reaches this port under a name of its own.
		return refusal(http.StatusForbidden, "Forbidden", "the Host header is not this server's"), true
	case len(r.Header.Values("Origin")) > 0:
		return refusal(http.StatusForbidden, "Forbidden", "not for web pages"), true
	case r.Method != http.MethodGet:
		return refusal(http.StatusMethodNotAllowed, "MethodNotAllowed", "only GET is allowed"), true
	case !g.knows(r.Header.Values("Authorization")):
		return refusal(http.StatusUnauthorized, "Unauthorized", "unauthorized"), true
	}
	return reply{}, false
}

// knows reports whether the header is the token, as SDKs send it: as it is,
// without a scheme. Hashes have the same length, whatever is compared.
func (g guard) knows(header []string) bool {
	if len(header) != 1 {
		return false
	}
	sent := sha256.Sum256([]byte(header[0]))
	return subtle.ConstantTimeCompare(sent[:], g.token[:]) == 1
}
