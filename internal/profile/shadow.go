package profile

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"vaws/internal/hint"
)

const aboutEnvironment = "environment"

// Environment examines the variables that come before what a profile says, and those
// for vaws that it does not know. Which come before which: create_credential_resolver
// in botocore/credentials.py, resolveCredentialChain in aws-sdk-go-v2/config.
func (x Examination) Environment(now time.Time) []hint.Finding {
	var all []hint.Finding
	for _, err := range []error{
		x.expired(now), x.halfKeys(), x.keysBesideProfile(), x.leftoverToken(), x.identityBesideProfile(),
		x.twoProfiles(), x.missingProfile(), x.container(),
	} {
		if err != nil {
			all = append(all, hint.IsWrong(aboutEnvironment, err))
		}
	}
	for _, err := range x.strangeVariables() {
		all = append(all, hint.IsDoubtful(aboutEnvironment, err))
	}
	if len(all) > 0 {
		return all
	}
	return []hint.Finding{hint.IsFine(aboutEnvironment, "no variable comes before the profiles")}
}

// chosenProfile is the profile that the environment names, and by which variable.
// botocore asks AWS_DEFAULT_PROFILE first (BOTOCORE_DEFAUT_SESSION_VARIABLES in
// botocore/configprovider.py), the other SDKs know only AWS_PROFILE.
func (x Examination) chosenProfile() (variable, name string) {
	for _, variable := range []string{"AWS_PROFILE", "AWS_DEFAULT_PROFILE"} {
		if name := x.Getenv(variable); name != "" {
			return variable, name
		}
	}
	return "", ""
}

const unsetKeys = "run: unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN"

func (x Examination) keysBesideProfile() error {
	variable, name := x.chosenProfile()
	if name == "" || x.Getenv("AWS_ACCESS_KEY_ID") == "" {
		return nil
	}
	return hint.Errorf(unsetKeys, "AWS_ACCESS_KEY_ID is used, and not the profile %q that %s names", name, variable)
}

// expired finds what "vaws env" has left behind.
func (x Examination) expired(now time.Time) error {
	end, err := time.Parse(time.RFC3339, x.Getenv("AWS_CREDENTIAL_EXPIRATION"))
	if err != nil || now.Before(end) || x.Getenv("AWS_ACCESS_KEY_ID") == "" {
		return nil
	}
	return hint.Errorf(`run: eval "$(vaws env --unset)"`, "its credentials expired at %s", end.Local().Format("2006-01-02 15:04"))
}

func (x Examination) halfKeys() error {
	if x.Getenv("AWS_ACCESS_KEY_ID") == "" || x.Getenv("AWS_SECRET_ACCESS_KEY") != "" {
		return nil
	}
	return hint.Errorf("run: unset AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY, and SDKs go no further")
}

// leftoverToken finds a session token that cannot belong to the key beside it. The
// keys of users begin with AKIA
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html).
func (x Examination) leftoverToken() error {
	if x.Getenv("AWS_SESSION_TOKEN") == "" || !strings.HasPrefix(x.Getenv("AWS_ACCESS_KEY_ID"), "AKIA") {
		return nil
	}
	return hint.Errorf("run: unset AWS_SESSION_TOKEN", "AWS_SESSION_TOKEN is not of the key beside it, and AWS refuses the two together")
}

func (x Examination) identityBesideProfile() error {
	variable, name := x.chosenProfile()
	if name == "" || x.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE") == "" || x.Getenv("AWS_ROLE_ARN") == "" {
		return nil
	}
	return hint.Errorf("run: unset AWS_WEB_IDENTITY_TOKEN_FILE AWS_ROLE_ARN",
		"AWS_WEB_IDENTITY_TOKEN_FILE is used, and not the profile %q that %s names", name, variable)
}

func (x Examination) twoProfiles() error {
	one, other := x.Getenv("AWS_PROFILE"), x.Getenv("AWS_DEFAULT_PROFILE")
	if one == "" || other == "" || one == other {
		return nil
	}
	return hint.Errorf("run: unset AWS_DEFAULT_PROFILE", "AWS_PROFILE is %q and AWS_DEFAULT_PROFILE %q: SDKs differ in which they take", one, other)
}

// missingProfile finds a chosen profile that neither of the AWS files has.
func (x Examination) missingProfile() error {
	variable, name := x.chosenProfile()
	if name == "" {
		return nil
	}
	known := Names(ConfigPath(x.Getenv))
	if slices.Contains(known, name) {
		return nil
	}
	if _, found := hasKeys(CredentialsPath(x.Getenv), name); found {
		return nil
	}
	err := fmt.Errorf("%s names the profile %q, which does not exist", variable, name)
	if near := hint.Nearest(name, known); len(near) > 0 {
		return hint.Wrap(err, fmt.Sprintf("run: export %s=%s", variable, hint.Quote(near[0])))
	}
	return hint.Wrap(err, "run: unset "+variable)
}

const (
	fullURI     = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
	relativeURI = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
)

// container examines what leads to an endpoint such as that of "vaws serve".
func (x Examination) container() error {
	full, relative := x.Getenv(fullURI), x.Getenv(relativeURI)
	variable, name := x.chosenProfile()
	switch {
	case full == "":
		return nil
	case relative != "":
		return hint.Errorf("run: unset "+relativeURI, "%s comes before %s", relativeURI, fullURI)
	case isDead(full):
		return hint.Errorf("run: unset "+fullURI+" AWS_CONTAINER_AUTHORIZATION_TOKEN",
			"%s leads to a port of this machine where nothing listens", fullURI)
	case name != "":
		return hint.Errorf("run: unset "+variable, "the profile %q that %s names comes before the endpoint in %s", name, variable, fullURI)
	}
	for _, path := range []string{CredentialsPath(x.Getenv), ConfigPath(x.Getenv)} {
		if _, changed, err := WithoutDefault(path); err == nil && changed {
			return hint.Errorf("give the section another name, or use: vaws exec --server NAME",
				"the credentials of [default] in %s come before the endpoint in %s", path, fullURI)
		}
	}
	return nil
}

// isDead reports whether nothing listens at an address of this machine.
func isDead(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Port() == "" || !isLoopback(u.Hostname()) {
		return false
	}
	conn, err := net.DialTimeout("tcp", u.Host, time.Second)
	if err == nil {
		conn.Close()
	}
	return err != nil
}

// strangeVariables finds misspelt VAWS_* variables.
func (x Examination) strangeVariables() []error {
	known := []string{"VAWS_CACHE", "VAWS_CACHE_KEY_FILE", "VAWS_DEBUG", "VAWS_SET_REGION"}
	known = append(known, VariableNames()...)
	var all []error
	for _, entry := range x.Environ {
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, "VAWS_") || slices.Contains(known, name) {
			continue
		}
		if near := hint.Nearest(name, known); len(near) > 0 && consistsOf(name, "", 1, 64) {
			all = append(all, hint.Errorf("run: unset "+name, "vaws does not know the variable %s: did you mean %s?", name, strings.Join(near, ", ")))
		}
	}
	return all
}
