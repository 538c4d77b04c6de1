package profile

import (
	"bytes"
	"fmt"
	"slices"
)

// accessories are the options that mean something only beside those of
// elsewhere, or hold the secrets that belong to them
// (https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html;
// aws_security_token is botocore's old name).
var accessories = []string{
	"aws_secret_access_key", "aws_session_token", "aws_security_token", "aws_account_id", "aws_credential_expiration",
	"credential_process", "external_id", "mfa_serial", "mfa_process", "role_session_name", "duration_seconds", "duration",
	"sso_role_name", "sso_region", "sso_registration_scopes",
}

// WithoutDefault returns the AWS config or credentials file at path as an SDK
// has to find it that is to get its credentials from a container endpoint: the
// default profile has lost what gives it credentials, which the SDKs prefer.
// Everything else is as it was, byte for byte. changed is false if nothing had
// to go, and if there is no such file.
func WithoutDefault(path string) (filtered []byte, changed bool, err error) {
	data, err := readFile(path)
	if err != nil {
		return nil, false, fmt.Errorf("reading the AWS files: %w", err)
	}
	goes, err := defaultCredentials(path, data)
	if err != nil {
		return nil, false, err
	}
	return withoutLines(data, goes), len(goes) > 0, nil
}

// defaultCredentials finds the lines to leave out, by their numbers.
func defaultCredentials(path string, data []byte) (goes map[int]bool, err error) {
	goes = map[int]bool{}
	last := false // whether the option above goes
	err = scan(path, data, func(l line) error {
		inDefault := !l.isHeader && isDefault(l)
		if !l.continues {
			last = inDefault && givesCredentials(l)
		}
		// Some SDKs read an option where others see the value above go on.
		if last || inDefault && givesCredentials(l) {
			goes[l.number] = true
		}
		return nil
	})
	return goes, err
}

// isDefault reports whether the line is of the default profile, or of what Python's
// configparser takes for the defaults of all sections.
func isDefault(l line) bool { return l.isProfile && l.section == "default" || l.section == "DEFAULT" }

func givesCredentials(l line) bool {
	name, _, _ := l.option()
	return slices.Contains(elsewhere, name) || slices.Contains(accessories, name)
}

func withoutLines(data []byte, goes map[int]bool) []byte {
	var rest []byte
	number := 0
	for line := range bytes.Lines(data) {
		number++
		if !goes[number] {
			rest = append(rest, line...)
		}
	}
	return rest
}
