package aws

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The rules are those of "Authenticating Requests (AWS Signature Version 4)" in
// the IAM User Guide.
const (
	algorithm  = "AWS4-HMAC-SHA256"
	amzTime    = "20060102T150405Z"
	maxSkew    = 5 * time.Minute
	hashHeader = "X-Amz-Content-Sha256"
)

var regionPattern = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d+$`)

// signature is a parsed Authorization header.
type signature struct {
	keyID   string
	date    string // YYYYMMDD
	region  string
	service string
	headers []string
	value   string // hexadecimal
}

func (g *signature) scope() string {
	return strings.Join([]string{g.date, g.region, g.service, "aws4_request"}, "/")
}

func parseSignature(header string) (*signature, *fault) {
	if header == "" {
		return nil, faultNoSignature
	}
	rest, ok := strings.CutPrefix(header, algorithm+" ")
	if !ok {
		return nil, faultIncomplete("Unsupported AWS 'algorithm': use %s.", algorithm)
	}
	fields := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[name] = value
	}
	credential := strings.Split(fields["Credential"], "/")
	if len(credential) != 5 || credential[4] != "aws4_request" {
		return nil, faultIncomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.")
	}
	if !regionPattern.MatchString(credential[2]) {
		return nil, faultSkew("Credential should be scoped to a valid region.")
	}
	if fields["SignedHeaders"] == "" || fields["Signature"] == "" {
		return nil, faultIncomplete("Authorization header requires 'SignedHeaders' and 'Signature' parameters.")
	}
	return &signature{
		keyID: credential[0], date: credential[1], region: credential[2], service: credential[3],
		headers: strings.Split(fields["SignedHeaders"], ";"),
		value:   fields["Signature"],
	}, nil
}

// signedService returns the service that a request's signature names, or "".
func signedService(r *http.Request) string {
	g, f := parseSignature(r.Header.Get("Authorization"))
	if f != nil {
		return ""
	}
	return g.service
}

// authenticate finds the key that signed the request and checks everything
// about it: scope, date, token, signature, expiry.
func (s *Server) authenticate(r *http.Request, body []byte) (*accessKey, *fault) {
	g, f := parseSignature(r.Header.Get("Authorization"))
	if f != nil {
		return nil, f
	}
	if f := checkDate(r, g, s.now()); f != nil {
		return nil, f
	}
	key, f := s.usableKey(g.keyID, r.Header.Get("X-Amz-Security-Token"))
	if f != nil {
		return nil, f
	}
	if f := checkHeaders(r, g); f != nil {
		return nil, f
	}
	if f := checkPayload(r, g, body); f != nil {
		return nil, f
	}
	if subtle.ConstantTimeCompare([]byte(g.value), []byte(sign(r, g, body, key.secret))) != 1 {
		return nil, faultSignature
	}
	if !key.expires.IsZero() && !s.now().Before(key.expires) {
		return nil, faultExpired
	}
	return key, nil
}

func checkDate(r *http.Request, g *signature, now time.Time) *fault {
	stamp := r.Header.Get("X-Amz-Date")
	signed, err := time.Parse(amzTime, stamp)
	if err != nil {
		return faultIncomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	if !strings.HasPrefix(stamp, g.date) {
		return faultSkew("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.", g.date, stamp[:8], stamp)
	}
	now = now.UTC()
	if limit := now.Add(-maxSkew); signed.Before(limit) {
		return faultSkew("Signature expired: %s is now earlier than %s (%s - 5 min.)", stamp, limit.Format(amzTime), now.Format(amzTime))
	}
	if limit := now.Add(maxSkew); signed.After(limit) {
		return faultSkew("Signature not yet current: %s is still later than %s (%s + 5 min.)", stamp, limit.Format(amzTime), now.Format(amzTime))
	}
	return nil
}

// usableKey finds a key that is known, active and presented with exactly the
// session token that belongs to it.
func (s *Server) usableKey(id, token string) (*accessKey, *fault) {
	key := s.keys[id]
	if key == nil || key.inactive || subtle.ConstantTimeCompare([]byte(key.token), []byte(token)) != 1 {
		return nil, faultUnknownKey
	}
	if s.now().Before(key.usableFrom) {
		return nil, faultUnknownKey
	}
	if key.refusals > 0 {
		key.refusals--
		return nil, faultUnknownKey
	}
	return key, nil
}

// checkHeaders refuses requests that leave the host or an x-amz header
// unsigned.
func checkHeaders(r *http.Request, g *signature) *fault {
	if !slices.Contains(g.headers, "host") {
		return faultIncomplete("'Host' must be a 'SignedHeader' in the AWS Authorization.")
	}
	for name := range r.Header {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-amz-") && !slices.Contains(g.headers, name) {
			return faultDenied("There were headers present in the request which were not signed: %s", name)
		}
	}
	return nil
}

// checkPayload compares the hash that the client states, where it does, with
// the body that arrived. S3 wants it stated, and lets it be left out by name.
func checkPayload(r *http.Request, g *signature, body []byte) *fault {
	stated := r.Header.Get(hashHeader)
	if stated == "UNSIGNED-PAYLOAD" && g.service == "s3" {
		return nil
	}
	if stated == "" && g.service != "s3" {
		return nil
	}
	if stated != hexHash(body) {
		return faultSignature
	}
	return nil
}

// sign computes the signature that the request should carry.
func sign(r *http.Request, g *signature, body []byte, secret string) string {
	toSign := strings.Join([]string{
		algorithm,
		r.Header.Get("X-Amz-Date"),
		g.scope(),
		hexHash([]byte(canonicalRequest(r, g, body))),
	}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range []string{g.date, g.region, g.service, "aws4_request"} {
		key = mac(key, part)
	}
	return hex.EncodeToString(mac(key, toSign))
}

func canonicalRequest(r *http.Request, g *signature, body []byte) string {
	var headers strings.Builder
	for _, name := range g.headers {
		headers.WriteString(name + ":" + headerValue(r, name) + "\n")
	}
	payload := r.Header.Get(hashHeader)
	if payload != "UNSIGNED-PAYLOAD" {
		payload = hexHash(body)
	}
	return strings.Join([]string{
		r.Method,
		canonicalPath(r.URL, g.service),
		canonicalQuery(r.URL),
		headers.String(),
		strings.Join(g.headers, ";"),
		payload,
	}, "\n")
}

func headerValue(r *http.Request, name string) string {
	switch name {
	case "host":
		return r.Host
	case "content-length":
		return r.Header.Get("Content-Length")
	}
	values := r.Header.Values(name)
	for i, v := range values {
		values[i] = strings.Join(strings.Fields(v), " ")
	}
	return strings.Join(values, ",")
}

// canonicalPath encodes the path once more for every service but S3.
func canonicalPath(u *url.URL, service string) string {
	path := u.EscapedPath()
	if path == "" {
		return "/"
	}
	if service == "s3" {
		return path
	}
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		segments[i] = escape(segment)
	}
	return strings.Join(segments, "/")
}

func canonicalQuery(u *url.URL) string {
	var pairs []string
	for name, values := range u.Query() {
		for _, value := range values {
			pairs = append(pairs, escape(name)+"="+escape(value))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// escape percent-encodes all but RFC 3986's unreserved characters.
func escape(s string) string {
	s = url.QueryEscape(s)
	s = strings.ReplaceAll(s, "+", "%20")
	return strings.ReplaceAll(s, "%7E", "~")
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func hexHash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
