package credentials

// Variable is one environment variable to set.
type Variable struct{ Name, Value string }

// Environ is the variables that hand the credentials to a program, in the order
// in which people read them. AWS_SESSION_TOKEN and AWS_ACCOUNT_ID are left out
// when there is none: an empty session token breaks signatures.
func (c Credentials) Environ() []Variable {
	vars := []Variable{
		{"AWS_ACCESS_KEY_ID", c.AccessKeyID},
		{"AWS_SECRET_ACCESS_KEY", c.SecretAccessKey},
	}
	if c.SessionToken != "" {
		vars = append(vars, Variable{"AWS_SESSION_TOKEN", c.SessionToken})
	}
	vars = append(vars, Variable{"AWS_CREDENTIAL_EXPIRATION", c.Lease.Expiration()})
	if account := c.AccountID(); account != "" {
		vars = append(vars, Variable{"AWS_ACCOUNT_ID", account})
	}
	return vars
}

// Own is the names of the variables that Environ may set.
func Own() []string {
	return []string{
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
		"AWS_CREDENTIAL_EXPIRATION", "AWS_ACCOUNT_ID",
	}
}

// Foreign is the names of the variables that make a program look for its
// credentials elsewhere, or take these for somebody else's.
func Foreign() []string {
	return []string{
		"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SECURITY_TOKEN", "AWS_SESSION_EXPIRATION",
		"AWS_CREDENTIAL_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
	}
}

// Cleared is the names of the variables that must be gone from an environment
// before it is given credentials.
func Cleared() []string {
	return append(Foreign(), Own()...)
}
