package vault

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"vaws/internal/credentials"
	"vaws/internal/hint"
)

// The secrets of the fuzzed calls, and what stands for them in an answer that repeats
// what it was sent.
const (
	sentToken  = "hvs.CAESItoken-of-the-call"
	sentSecret = "secret-id-of-the-call"
	sentCode   = "135790"
)

var echo = strings.NewReplacer("{token}", sentToken, "{secret}", sentSecret, "{code}", sentCode)

// FuzzAnswer answers a request for credentials. The first request gets a status, the
// lines of a header and a body, all that follow get the second status and body; kind chooses the
// endpoint, and whether a log-in comes first. Whatever the answers are, there are whole
// credentials that live no longer than the answers say, or an error in one printable
// line without a secret.
func FuzzAnswer(f *testing.F) {
	const json = "OK\r\nContent-Type: application/json"
	add := func(kind byte, status uint16, header, body string, later uint16, laterBody string) {
		f.Add(kind, status, header, body, later, laterBody)
	}
	const user = `{"lease_id":"aws/creds/r/1","lease_duration":3600,"data":{` + userKeys + `,"security_token":null}}`
	add(0, 200, json, good, 404, "")
	add(1, 200, json, user, 200, `{"data":{"ttl":60,"expire_time":"2026-01-02T03:05:05Z"}}`)
	add(1, 200, json, user, 200, `{"data":{"ttl":0,"expire_time":"2026-01-02T03:04:05Z"}}`)
	add(1, 200, json, user, 403, `{"errors":["permission denied"]}`)
	add(1, 200, json, user, 500, `{"errors":["lookup of {token}"]}`)
	add(2, 200, json, `{"data":{`+userKeys+`,"expiration":"2026-01-02T04:04:05.1Z"}}`, 404, "")
	add(2, 200, json, `{"data":{`+keys+`}}`, 404, "") // temporary, without their token
	add(0, 404, json, `{"errors":[]}`, 200, `{"data":{"keys":["r1","r2","{token}"]}}`)
	add(0, 400, json, `{"errors":["Role \"r\" not found {token}"]}`, 404, `{"errors":[]}`)
	add(0, 403, json, `{"errors":["1 error occurred:\n\t* permission denied\n\n"]}`, 403, `{"errors":["permission denied"]}`)
	add(0, 307, "OK\r\nLocation: http://{token}/v1/", "", 200, good)
	add(0, 429, "OK\r\nRetry-After: 1", `{"errors":["quota"]}`, 200, good)
	add(0, 502, "OK\r\nContent-Type: text/html", "<html>\x1b[31m{token}</html>", 200, good)
	add(0, 200, "OK\r\nContent-Length: 9999", good, 200, good)
	add(0, 200, "OK\r\nTransfer-Encoding: chunked", "5\r\n{\"dat\r\n0\r\n\r\n", 200, good)
	add(0, 200, "{token}\r\nContent-Encoding: gzip", "\x1f\x8b\x08", 200, good)
	add(0, 101, "OK\r\nUpgrade: x", "", 200, good)
	add(0, 400, json, `{"errors":["MultiFactorAuthentication {code}"]}`, 400, `{"errors":["x"]}`)
	add(0, 200, json, `{"wrap_info":{"token":"hvs.wrapped","ttl":60},"data":null}`, 200, good)
	add(0, 0, "", "HTTP/1.1 {token}", 0, "\x15\x03\x01")
	add(0, 400, json, `{"errors":["`+strings.Repeat("long ", 200)+`"]}`, 404, "")
	add(3, 200, json, `{"auth":{"client_token":"hvs.\n"}}`, 200, good)
	add(3, 200, json, `{"auth":{"client_token":"hvs.CAESIfresh","lease_duration":3600,"renewable":true}}`, 200, good)
	add(3, 400, json, `{"errors":["invalid role or secret ID {secret}"]}`, 200, good)
	add(3, 200, json, `{"auth":{"client_token":"hvs.\n","mfa_requirement":{"mfa_request_id":"x","mfa_constraints":{"a":{"any":[{"type":"totp","id":"i"}]}}}}}`, 200, good)

	server := newRawServer(f)
	f.Fuzz(func(t *testing.T, kind byte, status uint16, header, body string, later uint16, laterBody string) {
		first, second := rawAnswer(status, header, body), rawAnswer(later, json, laterBody)
		tokens := keeping{}
		r := fuzzedRequest(kind)
		secrets := []string{sentToken, sentCode}
		if r.AuthMethod != "" {
			secrets = append(secrets, sentSecret)
		}
		source, debugged := server.source(first, second, tokens)
		got, err := source.Mint(t.Context(), r)
		for _, token := range tokens {
			if token.Value != "" && !IsToken(token.Value) {
				t.Errorf("keeps the token %q", token.Value)
			}
			if len(token.Value) >= 6 {
				secrets = append(secrets, token.Value)
			}
		}
		if err != nil {
			checkWords(t, secrets, append(hint.Of(err), err.Error())...)
			if got != (credentials.Credentials{}) {
				t.Errorf("%+v beside the error %v", got, err)
			}
		} else if end := lastMoment(got, first, second); !got.Valid(began) || !isWhole(got) || got.Lease.Expiry.After(end) {
			t.Errorf("%+v, which end at %s, of %q and %q", got, end, first, second)
		}
		checkWords(t, secrets, strings.Split(debugged.String(), "\n")...)
	})
}

// FuzzLook answers, as FuzzAnswer does, those who look at what there is (status, list,
// configure, doctor) or end it (clear, logout); kind chooses among them.
func FuzzLook(f *testing.F) {
	const json = "OK\r\nContent-Type: application/json"
	for i, body := range []string{
		`{"initialized":true,"sealed":false,"version":"1.21.1\u001b{token}","server_time_utc":1}`,
		`{"data":{"policies":["default","{token}"],"ttl":60,"expire_time":"2026-01-02T03:05:05Z"}}`,
		`{"data":{"aws/sts/r":["update"],"aws/roles/r":["read"],"credential_type":"assumed_role\n{token}","role_arns":["a{token}","b"],"default_sts_ttl":1}}`,
		`{"data":{"secret":{"aws/":{"type":"aws"},"{token}/":{"type":"aws"},"x/":1}}}`,
		`{"data":{"keys":["r",1,"\u001b"]}}`,
		`{"data":{"aws/sts/r":["root"],"aws/creds/r":"deny"}}`,
		`{"lease_id":"aws/creds/r/1","lease_duration":60,"renewable":true}`,
		`{"data":{"sys/leases/revoke":["update"],"capabilities":["update"]}}`,
		`{"errors":["lease not found {token}"]}`,
		`{"errors":["batch tokens cannot be revoked {token}"]}`,
	} {
		f.Add(byte(i), uint16(200), json, body, uint16(404), `{"errors":[]}`)
		f.Add(byte(i), uint16(200), json, "", uint16(200), body)
		f.Add(byte(i), uint16(200), json, body, uint16(200), body)
		f.Add(byte(i), uint16(400), json, `{"errors":["{token}"]}`, uint16(403), body)
		f.Add(byte(i), uint16(403), json, `{"errors":["permission denied"]}`, uint16(200), body)
	}
	server := newRawServer(f)
	f.Fuzz(func(t *testing.T, kind byte, status uint16, header, body string, later uint16, laterBody string) {
		first, second := rawAnswer(status, header, body), rawAnswer(later, json, laterBody)
		source, debugged := server.source(first, second, keeping{})
		texts := look(t, source, kind, first, second)
		checkWords(t, []string{sentToken}, append(texts, strings.Split(debugged.String(), "\n")...)...)
	})
}

// look returns what is said.
func look(t *testing.T, s *Source, kind byte, answers ...[]byte) []string {
	var findings []hint.Finding
	var err error
	ctx := t.Context()
	user := credentials.Credentials{Kind: credentials.IAMUser, Lease: credentials.Lease{ID: "aws/creds/r/1", Token: credentials.TokenDigest(sentToken)}}
	switch kind % 11 {
	case 0:
		findings, _ = s.Examine(ctx, "team")
	case 1:
		findings = make([]hint.Finding, 1)
		findings[0], _ = s.ExamineToken(ctx, request)
	case 2:
		findings = s.ExamineRoles(ctx, []credentials.Request{request, fuzzedRequest(2)})
	case 3:
		_, err = s.Mounts(ctx, request)
	case 4:
		_, err = s.Roles(ctx, request, "aws")
	case 5:
		_, err = s.Usable(ctx, request, []credentials.Role{{Mount: "aws", Name: "r"}})
	case 6:
		var renewed credentials.Credentials
		if renewed, err = s.Renew(ctx, request, user); err == nil && renewed.Lease.Expiry.After(lastMoment(renewed, answers...)) {
			t.Errorf("renewed until %s by %q", renewed.Lease.Expiry, answers)
		}
	case 7:
		err = s.MayRevoke(ctx, request)
	case 8:
		err = s.Revoke(ctx, request, user.Lease)
	case 9:
		err = s.RevokeToken(ctx, credentials.Token{Value: sentToken})
	case 10:
		s.MakesUser(ctx, request)
	}
	texts := hint.Of(err)
	if err != nil {
		texts = append(texts, err.Error())
	}
	for _, f := range findings {
		texts = append(append(texts, f.Text), f.Hints...)
	}
	return texts
}

func fuzzedRequest(kind byte) credentials.Request {
	r := request
	switch kind % 4 {
	case 1:
		r.Endpoint = credentials.EndpointCreds
	case 2:
		r.Endpoint = credentials.EndpointStaticCreds
	case 3:
		r.AuthMethod, r.AuthMount, r.AuthRole = "approle", "approle", "role-id"
	}
	return r
}

// rawAnswer is the bytes of an answer, which ends with the connection. header begins with
// the status in words. Status 0 is an answer that is not one of HTTP.
func rawAnswer(status uint16, header, body string) []byte {
	if status == 0 {
		return []byte(echo.Replace(body))
	}
	return []byte(echo.Replace(fmt.Sprintf("HTTP/1.1 %03d %s\r\n\r\n%s", status%1000, header, body)))
}

// checkWords checks what a person is shown.
func checkWords(t *testing.T, secrets []string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if len(text) > 8<<10 || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("says %q", text)
		}
		if slices.ContainsFunc(secrets, func(secret string) bool { return strings.Contains(text, secret) }) {
			t.Errorf("tells a secret: %q", text)
		}
	}
}

// isWhole reports whether the credentials have what their kind takes.
func isWhole(c credentials.Credentials) bool {
	for _, text := range []string{c.AccessKeyID, c.SecretAccessKey, c.SessionToken} {
		if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return false
		}
	}
	isSTS := c.Kind == credentials.STS
	return c.AccessKeyID != "" && c.SecretAccessKey != "" && (c.SessionToken != "" || !isSTS && !strings.HasPrefix(c.AccessKeyID, "ASIA"))
}

// lastMoment is until when credentials of these answers can live at the most.
func lastMoment(c credentials.Credentials, answers ...[]byte) time.Time {
	var last time.Time
	for _, raw := range answers {
		var body struct {
			LeaseDuration json.Number `json:"lease_duration"`
			Data          map[string]any
		}
		d := json.NewDecoder(bytes.NewReader(bodyOf(raw)))
		d.UseNumber()
		if d.Decode(&body) != nil {
			continue
		}
		if key, _ := body.Data["access_key"].(string); key != c.AccessKeyID {
			continue
		}
		if end := endOf(c.Kind, body.LeaseDuration, body.Data); end.After(last) {
			last = end
		}
	}
	if end := endOfToken(answers[1]); c.Kind == credentials.IAMUser && end.Before(last) {
		return end
	}
	return last
}

// endOfToken is the end of the token that the answer to lookup-self tells, else later
// than anything.
func endOfToken(raw []byte) time.Time {
	var body struct {
		Auth any
		Data struct{ TTL json.Number }
	}
	err := json.Unmarshal(bodyOf(raw), &body)
	seconds, parseErr := body.Data.TTL.Int64()
	if err != nil || parseErr != nil || body.Auth != nil || seconds <= 0 || seconds > 1<<30 || !bytes.HasPrefix(raw, []byte("HTTP/1.1 200 ")) {
		return began.AddDate(1000, 0, 0)
	}
	return began.Add(time.Duration(seconds) * time.Second)
}

func endOf(kind credentials.Kind, lease json.Number, data map[string]any) time.Time {
	seconds := lease
	if ttl, given := data["ttl"].(json.Number); given && kind == credentials.STS {
		seconds = ttl
	}
	if kind != credentials.Static {
		n, _ := seconds.Int64()
		return time.Unix(began.Unix()+n, int64(began.Nanosecond()))
	}
	text, _ := data["expiration"].(string)
	end, err := time.Parse(time.RFC3339Nano, text)
	switch {
	case err != nil:
		return began.Add(staticLife)
	case !end.Truncate(time.Second).After(began): // Vault is about to rotate it
		return began.Add(overdueLife)
	}
	return end
}

// bodyOf is the body of an answer as a client without vaws's guard reads it.
func bodyOf(raw []byte) []byte {
	r, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(raw)), &http.Request{Method: http.MethodPost})
	if err != nil {
		return nil
	}
	body, _ := io.ReadAll(r.Body)
	return body
}

// rawServer answers requests with bytes: the first one of a source with others than those
// after it.
type rawServer struct {
	address  string
	mu       sync.Mutex
	answers  [2][]byte
	requests int
}

func newRawServer(f *testing.F) *rawServer {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	context.AfterFunc(f.Context(), func() { listener.Close() })
	s := &rawServer{address: "http://" + listener.Addr().String()}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go s.serve(conn)
		}
	}()
	return s
}

// source is one that gets these answers, and what it tells for debugging, in lines.
func (s *rawServer) source(first, later []byte, tokens keeping) (*Source, *strings.Builder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers, s.requests = [2][]byte{first, later}, 0
	var debugged strings.Builder
	var mu sync.Mutex
	return New(Config{
		Address: s.address, Token: sentToken, MFACode: sentCode, Tokens: tokens, Once: true, Timeout: 20 * time.Second,
		Proof: Proof{Given: sentSecret, Getenv: func(string) string { return "" }},
		Now:   func() time.Time { return began },
		Debug: func(format string, args ...any) {
			mu.Lock()
			defer mu.Unlock()
			fmt.Fprintf(&debugged, format+"\n", args...)
		},
	}), &debugged
}

func (s *rawServer) serve(conn net.Conn) {
	defer conn.Close()
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, r.Body)
	s.mu.Lock()
	answer := s.answers[min(s.requests, 1)]
	s.requests++
	s.mu.Unlock()
	_, _ = conn.Write(answer) // fails where the client has heard enough
}
