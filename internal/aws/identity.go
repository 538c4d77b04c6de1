package aws

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"vaws/internal/credentials"
)

// ErrUnreachable says that AWS gave no answer at all.
var ErrUnreachable = errors.New("AWS cannot be reached")

// Refusal is AWS's own answer to a call that failed.
type Refusal struct {
	Status  int    // of HTTP
	Code    string // such as "InvalidClientTokenId"; may be empty
	Message string // one line
}

// Error is the code and the message, without anything that was sent.
func (r *Refusal) Error() string {
	return strings.TrimSpace(fmt.Sprintf("answer %d from AWS: %s %s", r.Status, r.Code, r.Message))
}

const identityCall = "Action=GetCallerIdentity&Version=2011-06-15"

// An answer takes some hundred bytes.
const maxAnswer = 64 << 10

// CallerIdentity calls sts:GetCallerIdentity, which needs no permission, and
// returns nil if AWS knows the credentials. The error is a *Refusal, or wraps
// ErrUnreachable or the context's error.
func CallerIdentity(ctx context.Context, e Endpoint, c credentials.Credentials, now time.Time) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL+"/", strings.NewReader(identityCall))
	if err != nil {
		return fmt.Errorf("AWS endpoint %q: %w", e.URL, err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	hash := sha256.Sum256([]byte(identityCall))
	keys := awssdk.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}
	if err := v4.NewSigner().SignHTTP(ctx, keys, req, hex.EncodeToString(hash[:]), "sts", e.Region, now); err != nil {
		return fmt.Errorf("signing a request to AWS: %w", err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return unreachable(ctx, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return unreachable(ctx, err)
	}
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	return refusal(resp.StatusCode, body)
}

// client follows no redirects: a signature is for one host.
var client = &http.Client{
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Timeout:       10 * time.Second,
}

func unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w: %w", ErrUnreachable, err)
}

// refusal reads the error of a query API.
func refusal(status int, body []byte) error {
	var answer struct {
		Code    string `xml:"Error>Code"`
		Message string `xml:"Error>Message"`
	}
	if err := xml.Unmarshal(body, &answer); err != nil {
		return &Refusal{Status: status, Message: "not in the form that AWS answers"}
	}
	return &Refusal{status, answer.Code, strings.Join(strings.Fields(answer.Message), " ")}
}
