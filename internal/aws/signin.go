package aws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"vaws/internal/credentials"
)

// Console is a session in the AWS console that a browser can be signed in to.
type Console struct {
	ARN     string // whose session it is; of an assumed role or a federated user
	Region  string // empty: the one that the browser was in last
	Service string // whose page to show, such as "ec2" or "ec2/v2/home"; empty: the first page
	// Duration of the session; zero: as long as the credentials live. AWS takes one
	// for assumed roles only, from 15 minutes to 12 hours.
	Duration time.Duration
	// URL is where the profile's AWS is, if not where AWS itself is.
	URL    string
	Getenv func(string) string
}

// Bounds of Console.Duration, and how long what SignIn returns can be used
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html).
const (
	MinSession     = 15 * time.Minute
	MaxSession     = 12 * time.Hour
	SignInValidFor = 15 * time.Minute
)

// partitions have a sign-in and a console each, by the names that ARNs give them.
var partitions = []struct{ name, signIn, console string }{
	{"aws", "https://signin.aws.amazon.com", "https://console.aws.amazon.com"},
	{"aws-us-gov", "https://signin.amazonaws-us-gov.com", "https://console.amazonaws-us-gov.com"},
	{"aws-cn", "https://signin.amazonaws.cn", "https://console.amazonaws.cn"},
}

// SignIn gets the address at which a browser is signed in to the console. It is as
// secret as the credentials. The error is a *Refusal if AWS answered.
func (c Console) SignIn(ctx context.Context, creds credentials.Credentials) (string, error) {
	base, destination, err := c.where()
	if err != nil {
		return "", err
	}
	client, err := newClient(c.Getenv("AWS_CA_BUNDLE"))
	if err != nil {
		return "", err
	}
	defer client.CloseIdleConnections()
	token, err := c.token(ctx, client, base, creds)
	if err != nil {
		return "", err
	}
	query := url.Values{"Action": {"login"}, "Issuer": {"vaws"}, "Destination": {destination}, "SigninToken": {token}}
	return base + "?" + query.Encode(), nil
}

// where is the federation endpoint of the session's partition, and the page in its
// console.
func (c Console) where() (base, destination string, err error) {
	partition, _, _ := strings.Cut(strings.TrimPrefix(c.ARN, "arn:"), ":")
	for _, p := range partitions {
		if p.name != partition {
			continue
		}
		base = p.signIn
		if own := configured("SIGNIN", c.URL, c.Getenv); own != "" {
			base = own
		}
		return base + "/federation", p.console + c.page(), nil
	}
	return "", "", fmt.Errorf("the console of AWS's partition %q is not known", partition)
}

// page is a path in the console. Services differ in the rest of theirs, but "home"
// leads to the first page of each.
func (c Console) page() string {
	page := c.Service
	if page == "" {
		page = "console"
	}
	if !strings.Contains(page, "/") {
		page += "/home"
	}
	if c.Region != "" {
		page += "?region=" + url.QueryEscape(c.Region)
	}
	return "/" + page
}

// token trades the credentials for a sign-in token. They travel in the body, as AWS's
// own toolkits for IDEs send them: a query would end up in logs.
func (c Console) token(ctx context.Context, client *http.Client, base string, creds credentials.Credentials) (string, error) {
	session, err := json.Marshal(map[string]string{
		"sessionId": creds.AccessKeyID, "sessionKey": creds.SecretAccessKey, "sessionToken": creds.SessionToken,
	})
	if err != nil {
		return "", err
	}
	form := url.Values{"Action": {"getSigninToken"}, "Session": {string(session)}}
	if c.Duration > 0 {
		form.Set("SessionDuration", strconv.Itoa(int(c.Duration/time.Second)))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base, strings.NewReader(form.Encode()))
	if err != nil {
		return "", fmt.Errorf("AWS endpoint %q: %w", base, err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, body, err := do(client, req)
	if err != nil {
		return "", err
	}
	if status != http.StatusOK { // with a page for people, which says no more
		return "", &Refusal{Status: status, Message: "no sign-in token"}
	}
	var answer struct{ SigninToken string }
	if json.Unmarshal(body, &answer) != nil || answer.SigninToken == "" {
		return "", errors.New("the answer of AWS has no sign-in token")
	}
	return answer.SigninToken, nil
}
