package aws

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"vaws/internal/credentials"
)

// ErrUnreachable says that AWS has not answered once.
var ErrUnreachable = errors.New("AWS cannot be reached")

// Refusal is AWS's own answer to a call that failed.
type Refusal struct {
	Status  int    // of HTTP
	Code    string // such as "InvalidClientTokenId"; may be empty
	Message string // one line
}

// Error is the code and the message, without anything that was sent.
func (r *Refusal) Error() string {
	return fmt.Sprintf("answer %d from AWS: %s", r.Status, strings.TrimSpace(r.Code+" "+r.Message))
}

const identityCall = "Action=GetCallerIdentity&Version=2011-06-15"

// An answer takes some hundred bytes.
const maxAnswer = 64 << 10

// Identity asks AWS for the ARN of whom the credentials are. The error is a *Refusal
// if AWS answered.
func Identity(ctx context.Context, e Endpoint, c credentials.Credentials, now time.Time) (arn string, err error) {
	client, err := newClient(e.CABundle)
	if err != nil {
		return "", err
	}
	defer client.CloseIdleConnections()
	return callerIdentity(ctx, client, e, c, now)
}

// callerIdentity calls sts:GetCallerIdentity, which needs no permission. It fails
// unless AWS knows the credentials.
func callerIdentity(ctx context.Context, client *http.Client, e Endpoint, c credentials.Credentials, now time.Time) (arn string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL+"/", strings.NewReader(identityCall))
	if err != nil {
		return "", fmt.Errorf("AWS endpoint %q: %w", e.URL, err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	hash := sha256.Sum256([]byte(identityCall))
	keys := awssdk.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}
	if err := v4.NewSigner().SignHTTP(ctx, keys, req, hex.EncodeToString(hash[:]), "sts", e.Region, now); err != nil {
		return "", fmt.Errorf("signing a request to AWS: %w", err)
	}
	status, body, err := do(client, req)
	if err != nil || status != http.StatusOK {
		return "", cmp.Or(err, refusal(status, body))
	}
	return element(body, "Arn"), nil
}

// do sends the request and reads the answer.
func do(client *http.Client, req *http.Request) (status int, body []byte, err error) {
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("no answer: %w", err)
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return 0, nil, fmt.Errorf("no whole answer: %w", err)
	}
	return resp.StatusCode, body, nil
}

// newClient follows no redirects: a signature is for one host. It trusts the
// authorities in the bundle, if there is one, as the SDKs do with AWS_CA_BUNDLE.
func newClient(bundle string) (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if bundle != "" {
		pem, err := os.ReadFile(bundle)
		if err != nil {
			return nil, fmt.Errorf("reading AWS_CA_BUNDLE: %w", err)
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(pem)
		transport.TLSClientConfig = &tls.Config{RootCAs: roots}
	}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       10 * time.Second,
	}, nil
}

// refusal reads the error of a query API. Two elements are all that is wanted of
// it; encoding/xml would be a hundredth of the binary.
func refusal(status int, body []byte) error {
	code, message := element(body, "Code"), element(body, "Message")
	if code == "" {
		return &Refusal{Status: status, Message: "not in the form that AWS answers"}
	}
	return &Refusal{status, code, message}
}

// element is the text of the first element with that name, on one line; empty if
// there is none.
func element(body []byte, name string) string {
	_, rest, _ := strings.Cut(string(body), "<"+name+">")
	text, _, found := strings.Cut(rest, "</"+name+">")
	if !found {
		return ""
	}
	return strings.Join(strings.Fields(text), " ")
}
