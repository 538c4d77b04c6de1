package profile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"vaws/internal/credentials"
	"vaws/internal/hint"
)

// The names of the settings. As a flag a setting is spelt "--role-arn", as a
// variable "VAWS_ROLE_ARN", as a key of the AWS config "vaws_role_arn". On the
// command line those that begin with Auth belong to the log-in commands alone:
// Auth is their METHOD, AuthSecretFile their --secret-file.
const (
	Address     = "address"
	Namespace   = "namespace"
	Mount       = "mount"
	Endpoint    = "endpoint"
	TTL         = "ttl"
	RoleARN     = "role-arn"
	SessionName = "session-name"
	Region      = "region"

	Auth           = "auth" // the method
	AuthMount      = "auth-mount"
	AuthRole       = "auth-role"
	AuthNamespace  = "auth-namespace" // "/" is the root
	AuthSecretFile = "auth-secret-file"
	AuthSecretEnv  = "auth-secret-env"
	authAudience   = "auth-audience"

	role       = "role"
	caCert     = "ca-cert"
	clientCert = "client-cert"
	clientKey  = "client-key"
)

var (
	// flagSettings can be given on the command line of every command that has a
	// target, and as a VAWS_* variable.
	flagSettings = []string{Address, Namespace, Mount, Endpoint, TTL, RoleARN, SessionName, Region}
	// keySettings can be given in the AWS config. The region has a key there
	// already: "region".
	keySettings = []string{
		role, Mount, Endpoint, TTL, RoleARN, SessionName, Address, Namespace,
		Auth, AuthMount, AuthRole, AuthNamespace, AuthSecretFile, AuthSecretEnv, authAudience,
		caCert, clientCert, clientKey,
	}
	// authSettings make sense only together. Each can be a VAWS_* variable, too.
	authSettings = []string{Auth, AuthMount, AuthRole, AuthNamespace, AuthSecretFile, AuthSecretEnv, authAudience}
	// keysOfOneVault are those that mean something at one address only.
	keysOfOneVault = append([]string{Namespace, caCert, clientCert, clientKey}, authSettings...)
)

// KeyNames are the vaws_* keys of the AWS config, which docs/configuration.md explains.
func KeyNames() []string {
	var names []string
	for _, setting := range keySettings {
		names = append(names, keyName(setting))
	}
	return names
}

// VariableNames are the VAWS_* variables that stand for a setting.
func VariableNames() []string {
	var names []string
	for _, setting := range slices.Concat(flagSettings, authSettings) {
		names = append(names, variableName(setting))
	}
	return names
}

// Variable is a VAWS_* variable, and the key of the AWS config that says the same.
type Variable struct{ Name, Key string }

// LoginVariables are those that say how to log in.
func LoginVariables() []Variable {
	var all []Variable
	for _, setting := range authSettings {
		all = append(all, Variable{variableName(setting), keyName(setting)})
	}
	return all
}

// keyPrefix begins every key that vaws reads in the AWS config.
const keyPrefix = "vaws_"

func flagName(setting string) string {
	switch setting {
	case Auth:
		return "METHOD"
	case AuthSecretFile, AuthSecretEnv:
		setting = strings.TrimPrefix(setting, "auth-")
	}
	return "--" + setting
}

func variableName(setting string) string {
	return "VAWS_" + strings.ToUpper(strings.ReplaceAll(setting, "-", "_"))
}

func keyName(setting string) string {
	return keyPrefix + strings.ReplaceAll(setting, "-", "_")
}

// settingsOf takes the vaws_* keys of a section.
func settingsOf(s section) (map[string]string, error) {
	values := map[string]string{}
	for key, value := range s.options {
		if !strings.HasPrefix(key, keyPrefix) {
			continue
		}
		i := slices.IndexFunc(keySettings, func(setting string) bool { return keyName(setting) == key })
		if i < 0 {
			return nil, unknownKey(s.path, s.lines[key], key, key)
		}
		if value == "" {
			return nil, hint.Errorf("remove the line, or give it a value", "%s:%d: %s is empty", s.path, s.lines[key], key)
		}
		values[keySettings[i]] = value
	}
	return values, nil
}

// unknownKey offers the keys that the meant one is near to.
func unknownKey(path string, line int, key, meant string) error {
	known := KeyNames()
	err := fmt.Errorf("%s:%d: unknown key %q", path, line, key)
	if advice := hint.DidYouMean(meant, known); advice != "" {
		return hint.Wrap(err, advice)
	}
	return hint.Wrap(err, "the keys are "+strings.Join(known, ", "))
}

// The least that AWS gives is 15 minutes
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html).
const minTTL = 15 * time.Minute

// parseTTL is ParseDuration for what AWS is asked for.
func parseTTL(text string) (time.Duration, error) {
	ttl, err := ParseDuration(text)
	if err == nil && ttl < minTTL {
		return 0, hint.Errorf(durationForm+", for AWS 15m at least", "%q is less than AWS gives", text)
	}
	return ttl, err
}

const durationForm = `a duration reads "15m", "1h" or "3600" (seconds)`

// ParseDuration reads a duration in whole seconds as Vault does: "900", "15m",
// "1h30m", "1d". It is never negative.
func ParseDuration(text string) (time.Duration, error) {
	d, err := parseFraction(text)
	if err == nil && d%time.Second != 0 {
		return 0, hint.Errorf(durationForm, "%q is not in whole seconds", text)
	}
	return d, err
}

// parseFraction is ParseDuration for what need not be in whole seconds.
func parseFraction(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if seconds, numErr := strconv.ParseUint(text, 10, 31); numErr == nil {
		d, err = time.Duration(seconds)*time.Second, nil
	} else if days, found := strings.CutSuffix(text, "d"); found && len(days) <= 4 {
		n, numErr := strconv.ParseUint(days, 10, 16)
		d, err = time.Duration(n)*24*time.Hour, numErr
	}
	if err != nil || d < 0 {
		return 0, hint.Errorf(durationForm, "%q is not a duration", text)
	}
	return d, nil
}

// consistsOf reports whether text is made of letters, digits, underscores and
// the extra characters alone, and is between least and most long. Package-level
// regular expressions would be compiled on every start.
func consistsOf(text, extra string, least, most int) bool {
	for _, r := range text {
		if !isWord(r) && !strings.ContainsRune(extra, r) {
			return false
		}
	}
	return len(text) >= least && len(text) <= most
}

func isWord(r rune) bool {
	return r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
}

func isControl(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 }

// checkRole follows Vault's own rule for a role's name: GenericNameWithAtRegex
// in sdk/framework/path.go.
func checkRole(name string) error {
	if !consistsOf(name, ".@-", 1, 512) || !isWord(rune(name[0])) || !isWord(rune(name[len(name)-1])) {
		return hint.Errorf("a role is made of letters, digits and _ . @ - and begins and ends with a letter or digit",
			"%q is not the name of a Vault role", name)
	}
	return nil
}

// checkPath checks a mount or a namespace. Vault would take more characters;
// what needs escaping in a URL or a terminal is not worth the risk.
func checkPath(path string) error {
	for segment := range strings.SplitSeq(path, "/") {
		if !consistsOf(segment, ".@:+=,~-", 1, 512) || strings.Trim(segment, ".") == "" {
			return hint.Errorf(`a path in Vault reads "aws" or "team/aws"`, "%q is not a path in Vault", path)
		}
	}
	return nil
}

// checkSlashed is checkPath for a path that may have slashes at its ends.
func checkSlashed(path string) error {
	return checkPath(strings.Trim(path, "/"))
}

func checkEndpoint(endpoint string) error {
	switch endpoint {
	case credentials.EndpointSTS, credentials.EndpointCreds, credentials.EndpointStaticCreds:
		return nil
	}
	return hint.Errorf("the endpoints are sts, creds and static-creds", "%q is not an endpoint of Vault's AWS engine", endpoint)
}

// checkRoleARN follows AWS's form:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
func checkRoleARN(arn string) error {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) == 6 && parts[0] == "arn" && parts[2] == "iam" && parts[3] == "" &&
		consistsOf(parts[1], "-", 1, 32) && len(parts[4]) == 12 && strings.Trim(parts[4], "0123456789") == "" &&
		strings.HasPrefix(parts[5], "role/") && !strings.Contains(parts[5], " ") {
		return nil
	}
	return hint.Errorf("an AWS role's ARN reads arn:aws:iam::123456789012:role/admin", "%q is not the ARN of an AWS role", arn)
}

// checkSessionName follows AWS's rule for RoleSessionName:
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
func checkSessionName(name string) error {
	if consistsOf(name, "+=,.@-", 2, 64) {
		return nil
	}
	return hint.Errorf("a session's name is 2 to 64 letters, digits and _ + = , . @ -", "%q is not a session's name", name)
}

// CheckRegion refuses what cannot be the name of an AWS region.
func CheckRegion(name string) error { return checkRegion(name) }

func checkRegion(name string) error {
	if consistsOf(name, "-", 1, 32) && strings.ToLower(name) == name {
		return nil
	}
	return hint.Errorf("a region reads eu-central-1", "%q is not an AWS region", name)
}
