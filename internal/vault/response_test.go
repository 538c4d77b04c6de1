package vault

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"vaws/internal/credentials"
)

var began = time.Date(2026, 1, 2, 3, 4, 5, 600, time.UTC)

func answer(t *testing.T, body string) *api.Secret {
	t.Helper()
	secret, err := api.ParseSecret(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

const userKeys = `"access_key":"AKIAIOSFODNN7EXAMPLE","secret_key":"wJalrXUtnFEMI/K7MDENG"`

const keys = `"access_key":"ASIAIOSFODNN7EXAMPLE","secret_key":"wJalrXUtnFEMI/K7MDENG"`

func TestParse(t *testing.T) {
	for name, c := range map[string]struct {
		body, endpoint string
		kind           credentials.Kind
		life           time.Duration
	}{
		"assumed_role": {
			`{"lease_id":"aws/sts/r/1","lease_duration":60,"data":{` + keys + `,"session_token":"t","security_token":"t","ttl":3599}}`,
			"", credentials.STS, 3599 * time.Second},
		"before Vault had ttl": {
			`{"lease_duration":3600,"data":{` + keys + `,"security_token":"t"}}`, "sts", credentials.STS, time.Hour},
		"a lease of nothing beside a ttl": {
			`{"lease_duration":0,"data":{` + keys + `,"security_token":"t","ttl":900}}`, "sts", credentials.STS, 15 * time.Minute},
		"iam_user": {
			`{"lease_duration":2764800,"data":{` + userKeys + `,"session_token":null,"security_token":null}}`,
			"creds", credentials.IAMUser, 768 * time.Hour},
		"static": {
			`{"data":{` + userKeys + `,"expiration":"2026-01-02T04:04:05.123456789Z"}}`,
			"static-creds", credentials.Static, time.Hour + 123456189*time.Nanosecond},
		"static in another zone": {
			`{"data":{` + userKeys + `,"expiration":"2026-01-02T06:04:05+02:00"}}`,
			"static-creds", credentials.Static, time.Hour - 600*time.Nanosecond},
		"static without a date": {
			`{"data":{` + userKeys + `}}`, "static-creds", credentials.Static, 15 * time.Minute},
		"static that is due": {
			`{"data":{` + userKeys + `,"expiration":"2026-01-02T03:04:00Z"}}`, "static-creds", credentials.Static, time.Minute},
	} {
		got, err := parse(answer(t, c.body), credentials.Request{Endpoint: c.endpoint}, began)
		if err != nil || got.Kind != c.kind || got.Lease.Expiry.Sub(began) != c.life || !got.Lease.Issued.Equal(began) {
			t.Errorf("%s: kind %s, life %v, err %v", name, got.Kind, got.Lease.Expiry.Sub(began), err)
		}
		if (got.SessionToken != "") != (c.kind == credentials.STS) {
			t.Errorf("%s: session token %q", name, got.SessionToken)
		}
	}
}

func TestParseRefusesAbsurdAnswers(t *testing.T) {
	for name, body := range map[string]string{
		"empty":                  `{"data":{}}`,
		"no data":                `{"lease_id":"x"}`,
		"no access key":          `{"lease_duration":60,"data":{"secret_key":"x","session_token":"t"}}`,
		"access key is a number": `{"lease_duration":60,"data":{"access_key":1,"secret_key":"x","session_token":"t"}}`,
		"secret is empty":        `{"lease_duration":60,"data":{"access_key":"AKIAIOSFODNN7EXAMPLE","secret_key":""}}`,
		"newline in secret":      `{"lease_duration":60,"data":{"access_key":"AKIAIOSFODNN7EXAMPLE","secret_key":"a\nb"}}`,
		"quote-unquote key":      `{"lease_duration":60,"data":{"access_key":"AKIA IOSFODNN7EXAMPLE","secret_key":"ab"}}`,
		"token of a megabyte":    `{"lease_duration":60,"data":{` + keys + `,"session_token":"` + strings.Repeat("x", 1<<20) + `"}}`,
		"token not ASCII":        `{"lease_duration":60,"data":{` + keys + `,"session_token":"tökn"}}`,
		"negative ttl":           `{"lease_duration":60,"data":{` + keys + `,"session_token":"t","ttl":-1}}`,
		"ttl of nothing":         `{"lease_duration":60,"data":{` + keys + `,"session_token":"t","ttl":0}}`,
		"ttl of ages":            `{"lease_duration":60,"data":{` + keys + `,"session_token":"t","ttl":1e300}}`,
		"negative lease":         `{"lease_duration":-60,"data":{` + userKeys + `}}`,
		"lease of ages":          `{"lease_duration":9999999999,"data":{` + userKeys + `}}`,
		"ttl as text":            `{"lease_duration":60,"data":{` + keys + `,"session_token":"t","ttl":"3600"}}`,
		"ttl null":               `{"lease_duration":60,"data":{` + keys + `,"session_token":"t","ttl":null}}`,
		"ttl of two days":        `{"lease_duration":60,"data":{` + keys + `,"session_token":"t","ttl":172800}}`,
		"ASIA without a token":   `{"lease_duration":60,"data":{` + keys + `}}`,
		"user without a lease":   `{"lease_duration":0,"data":{` + userKeys + `}}`,
		"STS without an end":     `{"data":{` + keys + `,"session_token":"t"}}`,
	} {
		if got, err := parse(answer(t, body), credentials.Request{Endpoint: "sts"}, began); err == nil {
			t.Errorf("%s: taken for %+v", name, got)
		} else if strings.Contains(err.Error(), "wJalr") || len(err.Error()) > 200 {
			t.Errorf("%s: error %q", name, err)
		}
	}
	if _, err := parse(answer(t, `{"data":{`+keys+`}}`), credentials.Request{Endpoint: "static-creds"}, began); err == nil {
		t.Error("ASIA without a token was taken for static credentials")
	}
	for _, expiration := range []string{"tomorrow", "9999-01-01T00:00:00Z"} {
		if _, err := parse(answer(t, `{"data":{`+userKeys+`,"expiration":"`+expiration+`"}}`), credentials.Request{Endpoint: "static-creds"}, began); err == nil {
			t.Errorf("expiration %q was taken", expiration)
		}
	}
}

func TestARNThatIsNoneIsLeftOut(t *testing.T) {
	for arn, want := range map[string]string{
		"arn:aws:sts::123456789012:assumed-role/r/s": "arn:aws:sts::123456789012:assumed-role/r/s",
		"arn:aws:sts::1:x":                           "", "arn:aws:sts::123456789012:a b": "", "nonsense": "",
	} {
		got, err := parse(answer(t, `{"lease_duration":60,"data":{`+keys+`,"session_token":"t","arn":"`+arn+`"}}`), credentials.Request{}, began)
		if err != nil || got.ARN != want {
			t.Errorf("%q became %q, err %v", arn, got.ARN, err)
		}
	}
}
