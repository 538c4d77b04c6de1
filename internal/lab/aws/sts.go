package aws

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var stsOperations = map[string]operation{
	"AssumeRole":         (*Server).assumeRole,
	"GetFederationToken": (*Server).getFederationToken,
	"GetSessionToken":    (*Server).getSessionToken,
	"GetCallerIdentity":  (*Server).getCallerIdentity,
}

const (
	minSession      = 900 // seconds, for every kind of session
	maxAssumed      = 43200
	maxFederation   = 129600
	defaultAssumed  = 3600
	defaultOther    = 43200
	chainedSession  = time.Hour
	expirationStyle = "2006-01-02T15:04:05Z"
)

var (
	roleARNPattern     = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+$`)
	sessionNamePattern = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
	federationPattern  = regexp.MustCompile(`^[\w+=,.@-]{2,32}$`)
)

type xmlCredentials struct {
	AccessKeyID     string `xml:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string
}

func (k *accessKey) toXML() xmlCredentials {
	return xmlCredentials{k.id, k.secret, k.token, k.expires.UTC().Format(expirationStyle)}
}

type assumedRoleUser struct {
	AssumedRoleID string `xml:"AssumedRoleId"`
	ARN           string `xml:"Arn"`
}

type federatedUser struct {
	FederatedUserID string `xml:"FederatedUserId"`
	ARN             string `xml:"Arn"`
}

func (s *Server) assumeRole(r *request) (any, *fault) {
	roleARN, session := r.form.Get("RoleArn"), r.form.Get("RoleSessionName")
	if !roleARNPattern.MatchString(roleARN) {
		return nil, faultValidation(roleARN, "roleArn", "Member must satisfy regular expression pattern of a role's ARN")
	}
	if !sessionNamePattern.MatchString(session) {
		return nil, faultValidation(session, "roleSessionName", `Member must satisfy regular expression pattern: [\w+=,.@-]*`)
	}
	life, f := duration(r, defaultAssumed, maxAssumed)
	if f != nil {
		return nil, f
	}
	if f := s.checkAssume(r, roleARN, life); f != nil {
		return nil, f
	}
	account, role := accountOf(roleARN), roleARN[strings.LastIndex(roleARN, "/")+1:]
	roleID := uniqueID("AROA")
	who := principal{
		account: account,
		arn:     fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s", account, role, session),
		userID:  roleID + ":" + session,
	}
	key := s.issueSession(who, s.expiry(r, life))
	return struct {
		Credentials     xmlCredentials
		AssumedRoleUser assumedRoleUser
	}{key.toXML(), assumedRoleUser{who.userID, who.arn}}, nil
}

func (s *Server) checkAssume(r *request, roleARN string, life time.Duration) *fault {
	if s.denied[roleARN] {
		return faultDenied("User: %s is not authorized to perform: sts:AssumeRole on resource: %s", r.key.who.arn, roleARN)
	}
	if life > s.maxSession {
		return &fault{"ValidationError", http.StatusBadRequest, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."}
	}
	if chained := strings.Contains(r.key.who.arn, ":assumed-role/"); chained && life > chainedSession {
		return &fault{"ValidationError", http.StatusBadRequest, "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."}
	}
	return nil
}

func (s *Server) getFederationToken(r *request) (any, *fault) {
	if r.key.token != "" {
		return nil, faultDenied("Cannot call GetFederationToken with session credentials")
	}
	name := r.form.Get("Name")
	if !federationPattern.MatchString(name) {
		return nil, faultValidation(name, "name", `Member must satisfy regular expression pattern: [\w+=,.@-]*`)
	}
	life, f := duration(r, defaultOther, maxFederation)
	if f != nil {
		return nil, f
	}
	account := r.key.who.account
	who := principal{
		account: account,
		arn:     fmt.Sprintf("arn:aws:sts::%s:federated-user/%s", account, name),
		userID:  account + ":" + name,
	}
	key := s.issueSession(who, s.expiry(r, life))
	return struct {
		Credentials   xmlCredentials
		FederatedUser federatedUser
	}{key.toXML(), federatedUser{who.userID, who.arn}}, nil
}

func (s *Server) getSessionToken(r *request) (any, *fault) {
	if r.key.token != "" {
		return nil, faultDenied("Cannot call GetSessionToken with session credentials")
	}
	if f := s.checkMFA(r); f != nil {
		return nil, f
	}
	life, f := duration(r, defaultOther, maxFederation)
	if f != nil {
		return nil, f
	}
	key := s.issueSession(r.key.who, s.expiry(r, life))
	return struct{ Credentials xmlCredentials }{key.toXML()}, nil
}

func (s *Server) checkMFA(r *request) *fault {
	serial, code := r.form.Get("SerialNumber"), r.form.Get("TokenCode")
	switch {
	case serial == "" && code == "":
		return nil
	case serial == "" || code == "":
		return faultDenied("MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.")
	case code != s.mfaCode:
		return faultDenied("MultiFactorAuthentication failed with invalid MFA one time pass code.")
	}
	return nil
}

func (s *Server) getCallerIdentity(r *request) (any, *fault) {
	who := r.key.who
	return struct {
		ARN     string `xml:"Arn"`
		UserID  string `xml:"UserId"`
		Account string
	}{who.arn, who.userID, who.account}, nil
}

// duration reads DurationSeconds and holds it to AWS's bounds.
func duration(r *request, standard, longest int) (time.Duration, *fault) {
	value := r.form.Get("DurationSeconds")
	if value == "" {
		return time.Duration(standard) * time.Second, nil
	}
	seconds, err := strconv.Atoi(value)
	switch {
	case err != nil:
		return 0, faultValidation(value, "durationSeconds", "Member must be an integer")
	case seconds < minSession:
		return 0, faultValidation(value, "durationSeconds", fmt.Sprintf("Member must have value greater than or equal to %d", minSession))
	case seconds > longest:
		return 0, faultValidation(value, "durationSeconds", fmt.Sprintf("Member must have value less than or equal to %d", longest))
	}
	return time.Duration(seconds) * time.Second, nil
}

// expiry returns when a session of the requested life ends, which SetLifetime
// may have shortened. AWS states it in whole seconds.
func (s *Server) expiry(r *request, life time.Duration) time.Time {
	if s.lifetimeCap > 0 && s.lifetimeCap < life {
		life = s.lifetimeCap
	}
	return r.now.Add(life).Truncate(time.Second)
}
