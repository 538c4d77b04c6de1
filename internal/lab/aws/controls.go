package aws

import (
	"slices"
	"time"
)

// failure is a fault that is still due some times.
type failure struct {
	fault fault
	times int // negative: for ever
}

// Fail makes the next calls of action (for example "AssumeRole") fail with the
// given error code, HTTP status and message, before they are authenticated.
// Negative times means until ResetFailures.
func (s *Server) Fail(action string, times int, code string, status int, message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures[action] = &failure{times: times, fault: fault{code: code, status: status, message: message}}
}

// ResetFailures forgets what Fail, Delay and DenyRole asked for.
func (s *Server) ResetFailures() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.failures)
	clear(s.delays)
	clear(s.denied)
}

// Delay makes every call of action wait for d before it is answered. Zero ends
// that.
func (s *Server) Delay(action string, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delays[action] = d
}

// DenyRole makes AssumeRole of the role ARN fail with AccessDenied.
func (s *Server) DenyRole(arn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denied[arn] = true
}

// Calls returns how many calls of action came in since the start or the last
// ResetCalls, whatever became of them. Vault itself calls GetCallerIdentity once
// for each mount whose root configuration is new to it.
func (s *Server) Calls(action string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[action]
}

// ResetCalls sets every count to zero.
func (s *Server) ResetCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.calls)
}

// SetLifetime caps how long the session credentials issued from now on really
// live, below what AWS allows; their Expiration says so, and Vault's data.ttl
// follows it. Zero ends that.
func (s *Server) SetLifetime(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lifetimeCap = d
}

// SetMaxSession sets the MaxSessionDuration of every role (default 12 h, the
// longest that AWS allows).
func (s *Server) SetMaxSession(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.maxSession = d
}

// SetTokenLength sets the length of session tokens issued from now on, in
// characters.
func (s *Server) SetTokenLength(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokenLength = n
}

// SetKeyDelay makes IAM access keys created from now on unknown
// (InvalidClientTokenId) until d has passed, as IAM's are for some seconds.
func (s *Server) SetKeyDelay(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keyDelay = d
}

// SetKeyRefusals makes IAM access keys created from now on unknown
// (InvalidClientTokenId) for their first n uses: SetKeyDelay without a clock.
func (s *Server) SetKeyRefusals(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keyRefusals = n
}

// SetMFACode sets the code that GetSessionToken accepts (default 123456).
func (s *Server) SetMFACode(code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mfaCode = code
}

// MFACode returns the code that GetSessionToken accepts.
func (s *Server) MFACode() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mfaCode
}

// Secrets returns every secret access key and session token issued so far, the
// expired and the deleted ones too, for searches of what must not hold them.
func (s *Server) Secrets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.secrets)
}

// Users returns the names of the IAM users that exist in an account, sorted.
func (s *Server) Users(account string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for id := range s.users {
		if id.account == account {
			names = append(names, id.name)
		}
	}
	slices.Sort(names)
	return names
}

// Expiry returns when an access key ID stops working, and false for keys that
// are unknown or do not expire.
func (s *Server) Expiry(accessKeyID string) (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, ok := s.keys[accessKeyID]
	if !ok || key.expires.IsZero() {
		return time.Time{}, false
	}
	return key.expires, true
}

// AddUser creates an IAM user with one access key that works at once, as an
// administrator would for Vault's root configuration.
func (s *Server) AddUser(account, name string) (accessKeyID, secretAccessKey string, err error) {
	if err := checkAccount(account); err != nil {
		return "", "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u, f := s.createUser(account, name, "/")
	if f != nil {
		return "", "", f
	}
	key := s.createKey(u)
	return key.id, key.secret, nil
}

// CreateUser creates an IAM user without an access key.
func (s *Server) CreateUser(account, name string) error {
	if err := checkAccount(account); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, f := s.createUser(account, name, "/"); f != nil {
		return f
	}
	return nil
}

// AddSession returns credentials of a session of the named user, as
// GetSessionToken would.
func (s *Server) AddSession(account, name string, life time.Duration) (accessKeyID, secretAccessKey, token string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.users[userID{account, name}]
	if u == nil {
		return "", "", "", noSuchUser(name)
	}
	key := s.issueSession(u.principal(), s.now().Add(life))
	return key.id, key.secret, key.token, nil
}
