package lab

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

var openBaoCommands = map[string]command{
	"openbao": {usage: "NAME [NAMESPACE…]", least: 1, run: runOpenBao},
}

// runOpenBao starts an openBao in front of the first Vault, with a spy that notes
// every request but for its token.
func runOpenBao(s *script, ts *testscript.TestScript, _ bool, args []string) error {
	v := s.vaults[""]
	target, err := url.Parse(v.Addr)
	if err != nil {
		return err
	}
	bao := &openBao{watcher: &spy{}, namespaces: args[1:], bare: map[string]string{}, vault: map[string]string{}}
	s.spies[args[0]] = bao.watcher
	server := httptest.NewServer(bao.handler(target))
	ts.Defer(server.Close)
	token, err := v.MountToken(s.ctx, TokenOptions{Mount: "aws", Kind: "full"})
	ts.Setenv(args[0]+"_ADDR", server.URL)
	ts.Setenv(args[0]+"_TOKEN", bao.toBao(token))
	return err
}

// openBao passes requests on to a Vault and gives the answers the form that
// OpenBao 2.5 with version 0.3 of its AWS plugin gives them, as far as a client
// of AWS engines and tokens can tell: github.com/openbao/openbao and
// github.com/openbao/openbao-plugins, secrets/aws.
type openBao struct {
	watcher    *spy
	namespaces []string // that exist, besides the root; Vault serves them all alike

	mu    sync.Mutex
	bare  map[string]string // from Vault's tokens to the names they have here
	vault map[string]string // and back
}

func (b *openBao) handler(target *url.URL) http.Handler {
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			for _, name := range tokenHeaders {
				for i, value := range r.Out.Header[name] {
					r.Out.Header[name][i] = b.toVault(value)
				}
			}
		},
		ModifyResponse: b.reshape,
		// A Vault that is gone is a server that hangs up.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.watcher.note(r)
		if !b.exists(r.Header.Get("X-Vault-Namespace")) {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"errors":["namespace not found"]}`)
			return
		}
		proxy.ServeHTTP(w, r)
	})
}

func (b *openBao) exists(namespace string) bool {
	namespace = strings.Trim(namespace, "/")
	for _, known := range append(b.namespaces, "", "root") {
		if namespace == known {
			return true
		}
	}
	return false
}

// reshape changes an answer of Vault's.
func (b *openBao) reshape(r *http.Response) error {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	var answer map[string]any
	numbers := json.NewDecoder(bytes.NewReader(text))
	numbers.UseNumber()
	if numbers.Decode(&answer) == nil {
		b.reshapeAnswer(r, answer)
		if text, err = json.Marshal(answer); err != nil {
			return err
		}
	}
	text = []byte(b.toBao(string(text)))
	r.Body = io.NopCloser(bytes.NewReader(text))
	r.ContentLength = int64(len(text))
	r.Header.Set("Content-Length", strconv.Itoa(len(text)))
	return nil
}

func (b *openBao) reshapeAnswer(r *http.Response, answer map[string]any) {
	delete(answer, "mount_type")
	if errs, ok := answer["errors"].([]any); ok {
		for i, text := range errs {
			if text, ok := text.(string); ok {
				errs[i] = baoError(text)
			}
		}
	}
	data, ok := answer["data"].(map[string]any)
	parts := credentialsPath.FindStringSubmatch(r.Request.URL.Path)
	if !ok || parts == nil {
		return
	}
	if reshapeCredentials(data) {
		return
	}
	clear(answer)
	answer["errors"] = []string{fmt.Sprintf("Role %q not found", parts[1])}
	r.StatusCode = http.StatusBadRequest
}

var credentialsPath = regexp.MustCompile(`/(?:sts|creds|static-creds)/([^/]+)$`)

// reshapeCredentials leaves in the answer of an AWS engine what OpenBao's has.
// It is false for credentials of the type session_token, which OpenBao's does
// not know.
func reshapeCredentials(data map[string]any) bool {
	token, isSession := data["session_token"]
	_, hasOldName := data["security_token"]
	if token != nil && !hasOldName {
		return false
	}
	if isSession {
		data["security_token"] = token
	}
	delete(data, "session_token")
	delete(data, "expiration") // of static credentials
	return true
}

// baoError words an error as OpenBao does.
func baoError(text string) string {
	if strings.Contains(text, "invalid token") {
		return "permission denied"
	}
	if prefix, ok := strings.CutSuffix(text, "InvalidParameter: 1 validation error(s) found.\n- minimum field value of 900, AssumeRoleInput.DurationSeconds.\n"); ok {
		// The newer SDK leaves this to AWS; 300 is what the role "short" asks for.
		text = prefix + "ValidationError: 1 validation error detected: Value '300' at 'durationSeconds' failed to satisfy constraint: " +
			"Member must have value greater than or equal to 900\n\tstatus code: 400, request id: 0"
	}
	parts := sdk1Error.FindStringSubmatch(text)
	if parts == nil {
		return text
	}
	what, code, message, status, id := parts[1], parts[2], parts[3], parts[4], parts[5]
	return fmt.Sprintf("%s: operation error %s, https response error StatusCode: %s, RequestID: %s, api error %s: %s",
		what, awsOperations[what], status, id, code, message)
}

// sdk1Error is an error of AWS as version 1 of its SDK words it. OpenBao's plugin
// is built on version 2.
var sdk1Error = regexp.MustCompile(`(?s)^(Error [^:]+): (\w+): (.*)\n\tstatus code: (\d+), request id: (.*)$`)

// awsOperations are what an AWS engine is doing when it reports an error.
var awsOperations = map[string]string{
	"Error assuming role":         "STS: AssumeRole",
	"Error generating STS keys":   "STS: GetFederationToken",
	"Error creating IAM user":     "IAM: CreateUser",
	"Error putting user policy":   "IAM: PutUserPolicy",
	"Error attaching user policy": "IAM: AttachUserPolicy",
	"Error creating access keys":  "IAM: CreateAccessKey",
}

var tokenHeaders = []string{"X-Vault-Token", "Authorization"}

// Tokens of OpenBao are "s." or, for batch tokens, "b." and 24 letters or digits
// or more; those that the lab makes up go on with "lab", so that they can be
// searched for.
var (
	vaultTokenText = regexp.MustCompile(`\bhv[sb]\.[A-Za-z0-9_-]{20,}`)
	baoTokenText   = regexp.MustCompile(`\b[sb]\.lab[A-Za-z0-9]{21,}`)
)

// toBao gives every token of Vault's in a text its name here.
func (b *openBao) toBao(text string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return vaultTokenText.ReplaceAllStringFunc(text, func(token string) string {
		name, ok := b.bare[token]
		if !ok {
			name = token[2:4] + "lab" + rand.Text()[:21]
			b.bare[token], b.vault[name] = name, token
		}
		return name
	})
}

// toVault does the opposite.
func (b *openBao) toVault(text string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return baoTokenText.ReplaceAllStringFunc(text, func(name string) string {
		if token, ok := b.vault[name]; ok {
			return token
		}
		return name
	})
}
