package aws

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"html"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

const (
	account = "111122223333"
	other   = "444455556666"
)

// clock is a settable time source.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func start(t *testing.T, o Options) *Server {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// config returns a client configuration for the given keys, without retries.
func config(s *Server, id, secret, token string) aws.Config {
	return aws.Config{
		Region:       "eu-central-1",
		BaseEndpoint: aws.String(s.URL()),
		Credentials:  credentials.NewStaticCredentialsProvider(id, secret, token),
		Retryer:      func() aws.Retryer { return aws.NopRetryer{} },
	}
}

func addUser(t *testing.T, s *Server, name string) aws.Config {
	t.Helper()
	id, secret, err := s.AddUser(account, name)
	if err != nil {
		t.Fatal(err)
	}
	return config(s, id, secret, "")
}

func assume(t *testing.T, cfg aws.Config, roleARN string) *sts.AssumeRoleOutput {
	t.Helper()
	out, err := sts.NewFromConfig(cfg).AssumeRole(context.Background(), &sts.AssumeRoleInput{
		RoleArn: &roleARN, RoleSessionName: aws.String("tester"), DurationSeconds: aws.Int32(900),
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var apiErr smithy.APIError
	if !errors.As(err, &apiErr) {
		t.Fatalf("got %v, want %s", err, code)
	}
	if apiErr.ErrorCode() != code {
		t.Fatalf("got %v, want %s", err, code)
	}
}

func TestEveryServiceAcceptsTheSDK(t *testing.T) {
	s := start(t, Options{})
	ctx := context.Background()
	role := assume(t, addUser(t, s, "vault"), "arn:aws:iam::"+other+":role/path/admin")
	c := role.Credentials
	cfg := config(s, *c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)

	identity, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := "arn:aws:sts::" + other + ":assumed-role/admin/tester"; *identity.Arn != want || *role.AssumedRoleUser.Arn != want {
		t.Errorf("caller %s, assumed %s, want %s", *identity.Arn, *role.AssumedRoleUser.Arn, want)
	}
	vpcs, err := ec2.NewFromConfig(cfg).DescribeVpcs(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := VPCs(other); len(vpcs.Vpcs) != 2 || *vpcs.Vpcs[0].VpcId != want[0] || *vpcs.Vpcs[1].VpcId != want[1] {
		t.Errorf("VPCs %v, want %v", vpcs.Vpcs, want)
	}
	if VPCs(account) == VPCs(other) {
		t.Error("the VPCs of two accounts are the same")
	}
	buckets, err := s3.NewFromConfig(cfg).ListBuckets(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(buckets.Buckets) != 1 || *buckets.Buckets[0].Name != "bucket-of-"+other {
		t.Errorf("buckets %v", buckets.Buckets)
	}
}

func TestRefusesWrongKeys(t *testing.T) {
	s := start(t, Options{})
	user := addUser(t, s, "vault")
	long, err := user.Credentials.Retrieve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	c := assume(t, user, "arn:aws:iam::"+account+":role/admin").Credentials

	for name, tc := range map[string]struct{ id, secret, token, sts, ec2, s3 string }{
		"bad secret":            {*c.AccessKeyId, long.SecretAccessKey, *c.SessionToken, "SignatureDoesNotMatch", "AuthFailure", "SignatureDoesNotMatch"},
		"bad secret of a user":  {long.AccessKeyID, *c.SecretAccessKey, "", "SignatureDoesNotMatch", "AuthFailure", "SignatureDoesNotMatch"},
		"missing token":         {*c.AccessKeyId, *c.SecretAccessKey, "", "InvalidClientTokenId", "AuthFailure", "InvalidAccessKeyId"},
		"cut token":             {*c.AccessKeyId, *c.SecretAccessKey, (*c.SessionToken)[:999], "InvalidClientTokenId", "AuthFailure", "InvalidAccessKeyId"},
		"token with a user key": {long.AccessKeyID, long.SecretAccessKey, *c.SessionToken, "InvalidClientTokenId", "AuthFailure", "InvalidAccessKeyId"},
		"unknown key":           {"AKIAAAAAAAAAAAAAAAAA", long.SecretAccessKey, "", "InvalidClientTokenId", "AuthFailure", "InvalidAccessKeyId"},
	} {
		t.Run(name, func(t *testing.T) {
			checkRefused(t, config(s, tc.id, tc.secret, tc.token), tc.sts, tc.ec2, tc.s3)
		})
	}
}

func checkRefused(t *testing.T, cfg aws.Config, stsCode, ec2Code, s3Code string) {
	t.Helper()
	ctx := context.Background()
	_, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, nil)
	wantCode(t, err, stsCode)
	_, err = ec2.NewFromConfig(cfg).DescribeVpcs(ctx, nil)
	wantCode(t, err, ec2Code)
	_, err = s3.NewFromConfig(cfg).ListBuckets(ctx, nil)
	wantCode(t, err, s3Code)
}

func TestExpiry(t *testing.T) {
	c := &clock{time.Now()}
	s := start(t, Options{Now: c.now})
	s.SetLifetime(time.Minute)
	keys := assume(t, addUser(t, s, "vault"), "arn:aws:iam::"+account+":role/admin").Credentials
	if at, ok := s.Expiry(*keys.AccessKeyId); !ok || !at.Equal(*keys.Expiration) {
		t.Errorf("Expiry %v %t, the answer says %v", at, ok, keys.Expiration)
	}
	if left := keys.Expiration.Sub(c.t); left > time.Minute || left < 58*time.Second {
		t.Errorf("life %v, want a minute", left)
	}
	cfg := config(s, *keys.AccessKeyId, *keys.SecretAccessKey, *keys.SessionToken)
	c.t = c.t.Add(58 * time.Second)
	if _, err := sts.NewFromConfig(cfg).GetCallerIdentity(context.Background(), nil); err != nil {
		t.Errorf("before expiry: %v", err)
	}
	c.t = c.t.Add(2 * time.Second)
	checkRefused(t, cfg, "ExpiredToken", "RequestExpired", "ExpiredToken")
}

// send signs a GetCallerIdentity with the SDK's signer at the given time, lets
// change tamper with it, and returns the answer.
func send(t *testing.T, s *Server, cfg aws.Config, at time.Time, change func(*http.Request)) (int, string) {
	t.Helper()
	ctx := context.Background()
	body := []byte("Action=GetCallerIdentity&Version=2011-06-15")
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL()+"/a%20path/?b=2&a=1%2B1", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	keys, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, keys, r, hex.EncodeToString(sum[:]), "sts", "us-east-1", at); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

func TestRefusesTampering(t *testing.T) {
	s := start(t, Options{})
	cfg := addUser(t, s, "vault")
	now := time.Now()
	setBody := func(text string) func(*http.Request) {
		return func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(text))
			r.ContentLength = int64(len(text))
		}
	}
	for name, tc := range map[string]struct {
		at     time.Time
		change func(*http.Request)
		status int
		answer string
	}{
		"untouched":       {now, nil, 200, "<Account>" + account + "</Account>"},
		"body":            {now, setBody("Action=GetCallerIdentity&Version=2011-06-16"), 403, "SignatureDoesNotMatch"},
		"query":           {now, func(r *http.Request) { r.URL.RawQuery = "a=2" }, 403, "SignatureDoesNotMatch"},
		"path":            {now, func(r *http.Request) { r.URL.Path, r.URL.RawPath = "/", "" }, 403, "SignatureDoesNotMatch"},
		"method":          {now, func(r *http.Request) { r.Method = "PUT" }, 403, "SignatureDoesNotMatch"},
		"header":          {now, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 403, "SignatureDoesNotMatch"},
		"host":            {now, func(r *http.Request) { r.Host = "sts.amazonaws.com" }, 403, "SignatureDoesNotMatch"},
		"region":          {now, replaceAuth("us-east-1", "us-west-2"), 403, "SignatureDoesNotMatch"},
		"no region":       {now, replaceAuth("us-east-1", "nowhere"), 403, "valid region"},
		"service":         {now, replaceAuth("/sts/", "/iam/"), 403, "SignatureDoesNotMatch"},
		"scope's date":    {now, replaceAuth(now.UTC().Format("20060102"), "20200101"), 403, "Date in Credential scope"},
		"unsigned header": {now, func(r *http.Request) { r.Header.Set("X-Amz-Target", "x") }, 403, "not signed"},
		"unsigned host":   {now, replaceAuth(";host;", ";"), 400, "IncompleteSignature"},
		"no signature":    {now, func(r *http.Request) { r.Header.Del("Authorization") }, 403, "MissingAuthenticationToken"},
		"6 min late":      {now.Add(-6 * time.Minute), nil, 403, "Signature expired"},
		"6 min early":     {now.Add(6 * time.Minute), nil, 403, "Signature not yet current"},
		"4 min late":      {now.Add(-4 * time.Minute), nil, 200, account},
	} {
		t.Run(name, func(t *testing.T) {
			status, answer := send(t, s, cfg, tc.at, tc.change)
			if status != tc.status || !strings.Contains(answer, tc.answer) {
				t.Errorf("got %d %s, want %d with %q", status, answer, tc.status, tc.answer)
			}
		})
	}
}

func replaceAuth(old, with string) func(*http.Request) {
	return func(r *http.Request) {
		header := r.Header.Get("Authorization")
		r.Header.Set("Authorization", strings.ReplaceAll(header, old, with))
	}
}

func TestDurationBounds(t *testing.T) {
	s := start(t, Options{})
	user := addUser(t, s, "vault")
	for _, seconds := range []string{"899", "43201"} {
		body := "Action=AssumeRole&Version=2011-06-15&RoleSessionName=tester&RoleArn=arn:aws:iam::" + account + ":role/admin&DurationSeconds=" + seconds
		err := post(t, s, user, body)
		if err == nil || !strings.Contains(err.Error(), "1 validation error detected: Value '"+seconds+"' at 'durationSeconds'") {
			t.Errorf("%s seconds: %v", seconds, err)
		}
	}
}

// post sends a body past the SDK's own validation of parameters.
func post(t *testing.T, s *Server, cfg aws.Config, body string) error {
	t.Helper()
	ctx := context.Background()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL(), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(ctx, keys, r, hex.EncodeToString(sum[:]), "sts", "us-east-1", time.Now()); err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, _ := io.ReadAll(resp.Body)
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	return errors.New(html.UnescapeString(string(answer)))
}

func TestSessionsOfSessions(t *testing.T) {
	s := start(t, Options{})
	ctx := context.Background()
	user := addUser(t, s, "vault")
	out, err := sts.NewFromConfig(user).GetSessionToken(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	session := config(s, *out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken)
	if _, err := sts.NewFromConfig(user).GetFederationToken(ctx, &sts.GetFederationTokenInput{Name: aws.String("fed")}); err != nil {
		t.Fatal(err)
	}
	_, err = sts.NewFromConfig(session).GetFederationToken(ctx, &sts.GetFederationTokenInput{Name: aws.String("fed")})
	wantCode(t, err, "AccessDenied")
	if !strings.Contains(err.Error(), "Cannot call GetFederationToken with session credentials") {
		t.Error(err)
	}
}

func TestMFA(t *testing.T) {
	s := start(t, Options{})
	s.SetMFACode("654321")
	client := sts.NewFromConfig(addUser(t, s, "vault"))
	serial := aws.String("arn:aws:iam::" + account + ":mfa/vault")
	for code, ok := range map[string]bool{"654321": true, "123456": false} {
		_, err := client.GetSessionToken(context.Background(), &sts.GetSessionTokenInput{SerialNumber: serial, TokenCode: &code})
		if (err == nil) != ok {
			t.Errorf("code %s: %v", code, err)
		}
	}
	_, err := client.GetSessionToken(context.Background(), &sts.GetSessionTokenInput{SerialNumber: serial})
	wantCode(t, err, "AccessDenied")
}

func TestNewUserKeysTakeTime(t *testing.T) {
	c := &clock{time.Now()}
	s := start(t, Options{Now: c.now})
	s.SetKeyDelay(10 * time.Second)
	s.SetKeyRefusals(1)
	ctx := context.Background()
	admin := iam.NewFromConfig(addUser(t, s, "vault"), func(o *iam.Options) { o.Region = "us-east-1" })
	name := aws.String("minted")
	if _, err := admin.CreateUser(ctx, &iam.CreateUserInput{UserName: name}); err != nil {
		t.Fatal(err)
	}
	out, err := admin.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: name})
	if err != nil {
		t.Fatal(err)
	}
	minted := sts.NewFromConfig(config(s, *out.AccessKey.AccessKeyId, *out.AccessKey.SecretAccessKey, ""))
	_, err = minted.GetCallerIdentity(ctx, nil)
	wantCode(t, err, "InvalidClientTokenId")
	c.t = c.t.Add(11 * time.Second)
	_, err = minted.GetCallerIdentity(ctx, nil)
	wantCode(t, err, "InvalidClientTokenId")
	if _, err = minted.GetCallerIdentity(ctx, nil); err != nil {
		t.Error(err)
	}
	_, err = admin.DeleteUser(ctx, &iam.DeleteUserInput{UserName: name})
	wantCode(t, err, "DeleteConflict")
	if _, err := admin.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: name, AccessKeyId: out.AccessKey.AccessKeyId}); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.DeleteUser(ctx, &iam.DeleteUserInput{UserName: name}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(s.Users(account), " "); got != "vault" {
		t.Errorf("users %q", got)
	}
	_, err = minted.GetCallerIdentity(ctx, nil)
	wantCode(t, err, "InvalidClientTokenId")
}

func TestInjectedFailures(t *testing.T) {
	s := start(t, Options{})
	client := sts.NewFromConfig(addUser(t, s, "vault"))
	s.Fail("GetCallerIdentity", 1, "Throttling", 400, "Rate exceeded")
	_, err := client.GetCallerIdentity(context.Background(), nil)
	wantCode(t, err, "Throttling")
	if _, err = client.GetCallerIdentity(context.Background(), nil); err != nil {
		t.Error(err)
	}
	if n := s.Calls("GetCallerIdentity"); n != 2 {
		t.Errorf("%d calls counted, want 2", n)
	}
}

func TestTokenLengthAndSecrets(t *testing.T) {
	s := start(t, Options{TokenLength: 4096})
	c := assume(t, addUser(t, s, "vault"), "arn:aws:iam::"+account+":role/admin").Credentials
	if n := len(*c.SessionToken); n != 4096 {
		t.Errorf("token of %d characters, want 4096", n)
	}
	all := strings.Join(s.Secrets(), "\n")
	for _, secret := range []string{*c.SecretAccessKey, *c.SessionToken} {
		if !strings.Contains(all, secret) {
			t.Error("Secrets lacks one that was issued")
		}
	}
}
