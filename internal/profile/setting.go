package profile

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"vaws/internal/credentials"
	"vaws/internal/hint"
)

// The names of the settings. As a flag a setting is spelt "--role-arn", as a
// variable "VAWS_ROLE_ARN", as a key of the AWS config "vaws_role_arn".
const (
	Address     = "address"
	Namespace   = "namespace"
	Mount       = "mount"
	Endpoint    = "endpoint"
	TTL         = "ttl"
	RoleARN     = "role-arn"
	SessionName = "session-name"
	Region      = "region"

	role           = "role"
	auth           = "auth"
	authMount      = "auth-mount"
	authRole       = "auth-role"
	authSecretFile = "auth-secret-file"
	authSecretEnv  = "auth-secret-env"
)

var (
	// flagSettings can be given on the command line and as a VAWS_* variable.
	flagSettings = []string{Address, Namespace, Mount, Endpoint, TTL, RoleARN, SessionName, Region}
	// keySettings can be given in the AWS config. The region has a key there
	// already: "region".
	keySettings = []string{
		role, Mount, Endpoint, TTL, RoleARN, SessionName, Address, Namespace,
		auth, authMount, authRole, authSecretFile, authSecretEnv,
	}
	// authSettings make sense only together.
	authSettings = []string{auth, authMount, authRole, authSecretFile, authSecretEnv}
)

// keyPrefix begins every key that vaws reads in the AWS config.
const keyPrefix = "vaws_"

func flagName(setting string) string { return "--" + setting }

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
			return nil, unknownKey(s, key)
		}
		values[keySettings[i]] = value
	}
	return values, nil
}

func unknownKey(s section, key string) error {
	var known []string
	for _, setting := range keySettings {
		known = append(known, keyName(setting))
	}
	err := fmt.Errorf("%s:%d: unknown key %q", s.path, s.lines[key], key)
	if advice := hint.DidYouMean(key, known); advice != "" {
		return hint.Wrap(err, advice)
	}
	return hint.Wrap(err, "the keys are "+strings.Join(known, ", "))
}

// The least that AWS gives is 15 minutes
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html).
const minTTL = 15 * time.Minute

var days = regexp.MustCompile(`^(\d{1,5})d$`)

// parseTTL reads a duration as Vault does: "900", "15m", "1h30m", "1d".
func parseTTL(text string) (time.Duration, error) {
	const advice = `a ttl reads "15m", "1h" or "3600" (seconds), 15m at least`
	ttl, err := time.ParseDuration(text)
	if seconds, numErr := strconv.ParseUint(text, 10, 31); numErr == nil {
		ttl, err = time.Duration(seconds)*time.Second, nil
	} else if d := days.FindStringSubmatch(text); d != nil {
		n, _ := strconv.Atoi(d[1]) // at most five digits
		ttl, err = time.Duration(n)*24*time.Hour, nil
	}
	switch {
	case err != nil:
		return 0, hint.Errorf(advice, "%q is not a duration", text)
	case ttl%time.Second != 0:
		return 0, hint.Errorf(advice, "%q is not in whole seconds", text)
	case ttl < minTTL:
		return 0, hint.Errorf(advice, "%q is less than AWS gives", text)
	}
	return ttl, nil
}

var (
	// Vault's own rule for a role's name: GenericNameWithAtRegex in
	// sdk/framework/path.go.
	roleName = regexp.MustCompile(`^\w(([\w.@-]+)?\w)?$`)
	// What mounts and namespaces are made of. Vault would take more; what needs
	// escaping in a URL or a terminal is not worth the risk.
	pathSegment = regexp.MustCompile(`^[\w.@:+=,~-]+$`)
	// AWS's rules for RoleArn and RoleSessionName:
	// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
	roleARN     = regexp.MustCompile(`^arn:[\w-]+:iam::\d{12}:role/[\x21-\x7e]{1,512}$`)
	sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
	regionName  = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
)

func isControl(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 }

func checkRole(name string) error {
	if !roleName.MatchString(name) {
		return hint.Errorf("a role is made of letters, digits and _ . @ - and begins and ends with a letter or digit",
			"%q is not the name of a Vault role", name)
	}
	return nil
}

// checkPath checks a mount or a namespace.
func checkPath(path string) error {
	for segment := range strings.SplitSeq(path, "/") {
		if !pathSegment.MatchString(segment) || strings.Trim(segment, ".") == "" {
			return hint.Errorf(`a path in Vault reads "aws" or "team/aws"`, "%q is not a path in Vault", path)
		}
	}
	return nil
}

func checkEndpoint(endpoint string) error {
	switch endpoint {
	case credentials.EndpointSTS, credentials.EndpointCreds, credentials.EndpointStaticCreds:
		return nil
	}
	return hint.Errorf("the endpoints are sts, creds and static-creds", "%q is not an endpoint of Vault's AWS engine", endpoint)
}

// checkMatch checks a value against a rule, and says what one looks like.
func checkMatch(rule *regexp.Regexp, what, example string) func(string) error {
	return func(value string) error {
		if !rule.MatchString(value) {
			return hint.Errorf(fmt.Sprintf("%s reads %q", what, example), "%q is not %s", value, what)
		}
		return nil
	}
}
