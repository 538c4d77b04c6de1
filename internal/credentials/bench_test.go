package credentials

import (
	"strings"
	"testing"
	"time"
)

// The answer to an SDK, with a session token as long as AWS's.
func BenchmarkProcessJSON(b *testing.B) {
	c := Credentials{
		Kind: STS, AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: "secret/key", SessionToken: strings.Repeat("session+token/", 70),
		ARN:   "arn:aws:sts::123456789012:assumed-role/deploy/vaws",
		Lease: Lease{Issued: start, Expiry: start.Add(time.Hour)},
	}
	for b.Loop() {
		c.ProcessJSON()
	}
}

// The name of a cache entry.
func BenchmarkRequestKey(b *testing.B) {
	r := Request{Address: "https://vault.example.com:8200", Namespace: "team", Mount: "aws", Endpoint: "sts", Role: "deploy"}
	for b.Loop() {
		r.Key()
	}
}
