package profile

import (
	"fmt"
	"strings"

	"vaws/internal/hint"
)

// elsewhere are the options that give a profile its credentials without vaws
// (https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html).
var elsewhere = []string{
	"role_arn", "source_profile", "credential_source", "web_identity_token_file",
	"sso_session", "sso_start_url", "sso_account_id", "login_session", "aws_access_key_id",
}

// checkProfile refuses a profile that means something else to the SDKs than
// what vaws would make of it.
func checkProfile(q Query, s section, keys layer) error {
	call := parseCall(s.options["credential_process"])
	switch {
	case !call.isVaws:
		return checkElsewhere(q, s, keys)
	case !call.agrees(q, flagSettings):
		return otherCall(q, s, "say what the profile says: vaws exec "+quoted(call.words))
	}
	return nil
}

// checkElsewhere refuses a profile that does not want anything of vaws.
func checkElsewhere(q Query, s section, keys layer) error {
	if len(keys.values) > 0 {
		return nil
	}
	for _, option := range append(elsewhere, "credential_process") {
		if s.options[option] == "" {
			continue
		}
		return hint.Errorf(fmt.Sprintf("to get it from Vault, add to its section, at line %d: vaws_role = ROLE", s.header),
			"%s:%d: profile %q gets its credentials elsewhere: %s", s.path, s.lines[option], q.Name, option)
	}
	credentials := CredentialsPath(q.Getenv)
	if number, found := hasKeys(credentials, q.Name); found {
		return hint.Errorf(fmt.Sprintf("to get it from Vault, add a section [profile %s] with vaws_role = ROLE to the AWS config", q.Name),
			"%s:%d: %q has keys there", credentials, number, q.Name)
	}
	return nil
}

// agrees reports whether a profile's credential_process asks for the same as the
// query does, as far as these settings go: "vaws exec NAME" and "AWS_PROFILE=NAME
// aws" must never differ.
func (c call) agrees(q Query, settings []string) bool {
	for _, setting := range settings {
		if value, given := c.flags[setting]; given && q.Flags[setting] != value {
			return false
		}
	}
	return c.name == q.Name
}

// quoted is the words as a shell's command line.
func quoted(words []string) string {
	var all []string
	for _, word := range words {
		all = append(all, hint.Quote(word))
	}
	return strings.Join(all, " ")
}

func otherCall(q Query, s section, advice string) error {
	return hint.Errorf(advice,
		"%s:%d: profile %q stands for another call of vaws", s.path, s.lines["credential_process"], q.Name)
}
