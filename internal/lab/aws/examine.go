package aws

import (
	"errors"
	"fmt"
	"time"
)

// Examine returns whose credentials these are, and until when they work (zero:
// until they are deleted). It is an error if AWS would refuse them now.
func (s *Server) Examine(accessKeyID, secret, token string) (arn string, expires time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, ok := s.keys[accessKeyID]
	switch {
	case !ok || key.inactive:
		return "", time.Time{}, fmt.Errorf("AWS does not know the key %q", accessKeyID)
	case secret != key.secret || token != key.token:
		return "", time.Time{}, errors.New("the secret or the session token is not the key's")
	case !key.expires.IsZero() && !s.now().Before(key.expires):
		return "", time.Time{}, fmt.Errorf("the key expired at %v", key.expires)
	case s.now().Before(key.usableFrom) || key.refusals > 0:
		return "", time.Time{}, errors.New("the key does not work yet")
	}
	return key.who.arn, key.expires, nil
}
