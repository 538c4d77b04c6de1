package aws

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"vaws/internal/credentials"
)

const (
	roleARN      = "arn:aws:sts::111122223333:assumed-role/ec2-admin/session"
	signinSecret = "VCQgs5qZZt3Q6fn8Tr5EXAMPLEmLnwB7JjUc"
)

var session = credentials.Credentials{AccessKeyID: "ASIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/secret", SessionToken: "IQoJb3JpZ2lu/+="}

// signIn asks a sign-in endpoint that answers so, and returns what it was sent.
func signIn(t *testing.T, c Console, answer http.HandlerFunc) (address string, sent url.Values, err error) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/federation" || r.URL.RawQuery != "" {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		r.ParseForm()
		sent = r.PostForm
		answer(w, r)
	}))
	defer server.Close()
	c.Getenv = func(name string) string { return map[string]string{"AWS_ENDPOINT_URL_SIGNIN": server.URL}[name] }
	address, err = c.SignIn(t.Context(), session)
	return strings.ReplaceAll(address, server.URL, "SIGNIN"), sent, err
}

func giveToken(w http.ResponseWriter, _ *http.Request) {
	json.NewEncoder(w).Encode(map[string]string{"SigninToken": signinSecret})
}

func TestSignIn(t *testing.T) {
	address, sent, err := signIn(t, Console{ARN: roleARN, Region: "eu-west-1", Service: "ec2", Duration: time.Hour}, giveToken)
	if err != nil {
		t.Fatal(err)
	}
	var keys map[string]string
	if err := json.Unmarshal([]byte(sent.Get("Session")), &keys); err != nil {
		t.Fatal(err)
	}
	if len(keys) != 3 || keys["sessionId"] != session.AccessKeyID || keys["sessionKey"] != session.SecretAccessKey || keys["sessionToken"] != session.SessionToken {
		t.Errorf("session %q", keys)
	}
	if len(sent) != 3 || sent.Get("Action") != "getSigninToken" || sent.Get("SessionDuration") != "3600" {
		t.Errorf("sent %q", sent)
	}
	want := "SIGNIN/federation?Action=login&Destination=https%3A%2F%2Fconsole.aws.amazon.com%2Fec2%2Fhome%3Fregion%3Deu-west-1&Issuer=vaws&SigninToken=" + signinSecret
	if address != want {
		t.Errorf("address %q, want %q", address, want)
	}
}

// A duration is refused for federated users, so there is none unless asked for.
func TestNoDurationIsSentUnlessThereIsOne(t *testing.T) {
	_, sent, err := signIn(t, Console{ARN: roleARN}, giveToken)
	if err != nil || sent.Has("SessionDuration") {
		t.Errorf("sent %q, err %v", sent, err)
	}
}

func TestWhereTheConsoleIs(t *testing.T) {
	none := func(string) string { return "" }
	for _, c := range []struct {
		console     Console
		base, place string
	}{
		{Console{ARN: roleARN}, "https://signin.aws.amazon.com/federation", "https://console.aws.amazon.com/console/home"},
		{Console{ARN: "arn:aws-us-gov:sts::1:federated-user/x", Region: "us-gov-west-1"}, "https://signin.amazonaws-us-gov.com/federation", "https://console.amazonaws-us-gov.com/console/home?region=us-gov-west-1"},
		{Console{ARN: "arn:aws-cn:sts::1:assumed-role/x/y", Service: "ec2/v2/home"}, "https://signin.amazonaws.cn/federation", "https://console.amazonaws.cn/ec2/v2/home"},
		{Console{ARN: roleARN, URL: "http://localhost:4566/", Service: "s3"}, "http://localhost:4566/federation", "https://console.aws.amazon.com/s3/home"},
	} {
		c.console.Getenv = none
		if base, place, err := c.console.where(); base != c.base || place != c.place || err != nil {
			t.Errorf("%v: %s %s %v", c.console, base, place, err)
		}
	}
	for _, arn := range []string{"", "arn:aws-iso:sts::1:assumed-role/x/y"} {
		if _, _, err := (Console{ARN: arn, Getenv: none}).where(); err == nil {
			t.Errorf("%q: no error", arn)
		}
	}
}

func TestRefusedSignIn(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"refused": func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, "<html>"+r.FormValue("Session"), http.StatusBadRequest)
		},
		"no token": func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"SigninToken":""}`)) },
		"no JSON":  func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`<html>`)) },
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusTemporaryRedirect)
		},
		"cut off": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "9") },
	} {
		_, _, err := signIn(t, Console{ARN: roleARN}, answer)
		if err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), session.SessionToken) {
			t.Errorf("%s: error %v", name, err)
		}
		if refusal := (*Refusal)(nil); (name == "refused") != (errors.As(err, &refusal) && refusal.Status == 400) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestIdentity(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte("<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>" + roleARN + "</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>"))
	}))
	defer server.Close()
	arn, err := Identity(t.Context(), Endpoint{URL: server.URL, Region: "eu-west-1"}, session, start)
	if arn != roleARN || err != nil {
		t.Errorf("%q, %v", arn, err)
	}
}
