package vault

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/hashicorp/vault/api"

	"vaws/internal/credentials"
	"vaws/internal/hint"
)

// ErrUnknownRole says that the mount has no such role.
var ErrUnknownRole = errors.New("there is no such role")

// ErrUnavailable is wrapped by errors of a Vault that is sealed, or that nothing
// is heard of. It may be back soon.
var ErrUnavailable = errors.New("the Vault is not available")

// unavailable marks an error as ErrUnavailable without changing its words.
type unavailable struct{ error }

func (u unavailable) Unwrap() error        { return u.error }
func (u unavailable) Is(target error) bool { return target == ErrUnavailable }

// deniedError is Vault's own 403, as opposed to that of a proxy.
type deniedError struct {
	err    error
	token  bool // Vault said that the token is to blame
	policy bool // Vault said that the token's policies are
}

func (e *deniedError) Error() string { return "permission denied" }
func (e *deniedError) Unwrap() error { return e.err }

func asDenied(err error) error {
	var answer *api.ResponseError
	if !errors.As(err, &answer) || answer.StatusCode != http.StatusForbidden || answer.RawError {
		return err
	}
	text := strings.Join(answer.Errors, " ")
	return &deniedError{
		err:   err,
		token: strings.Contains(text, "invalid token"),
		// logical.ErrPermissionDenied in a list of one (HandleRequest in Vault's
		// vault/request_handling.go, and in OpenBao's); of a bad token it comes alone,
		// or in a list of two.
		policy: strings.Contains(text, "1 error occurred"),
	}
}

func needsMFA(err error) bool {
	var answer *api.ResponseError
	return errors.As(err, &answer) && strings.Contains(strings.Join(answer.Errors, " "), "MultiFactorAuthentication")
}

// explain puts what went wrong into words, with the next step.
func (s *Source) explain(ctx context.Context, r credentials.Request, err error) error {
	var denied *deniedError
	var answer *api.ResponseError
	switch {
	case errors.As(err, &denied):
		err = s.explainDenied(ctx, r, denied)
	case errors.Is(err, errNothingThere):
		err = s.unknownRole(ctx, r)
	case errors.As(err, &answer) && !answer.RawError:
		err = s.explainAnswer(ctx, r, answer)
	default:
		err = s.explainAny(err)
	}
	return fmt.Errorf("reading role %q on mount %q: %w", r.Role, r.Mount, s.cleaned(err))
}

// advice is what a text in Vault's answer means to the user. The texts are those
// of Vault's builtin/logical/aws and http packages and of AWS's services.
type advice struct {
	status int // 0: any
	text   string
	hint   func(credentials.Request) string
}

const unseal = "run: vault operator unseal"

func always(text string) func(credentials.Request) string {
	return func(credentials.Request) string { return text }
}

func readRole(r credentials.Request) string {
	return fmt.Sprintf("run: vault read %s/roles/%s", r.Mount, r.Role)
}

// rootCredentials is about what Vault's engine uses itself.
func rootCredentials(what string) func(credentials.Request) string {
	return func(r credentials.Request) string { return fmt.Sprintf("%s: vault read %s/config/root", what, r.Mount) }
}

var advices = []advice{
	{503, "Vault is sealed", always(unseal)},
	{0, "did not supply a role_arn", func(r credentials.Request) string {
		return "the role has several role ARNs; choose one: --role-arn ARN (" + readRole(r) + ")"
	}},
	{0, "not in allowed role arns", func(r credentials.Request) string {
		return "choose one of the role's role_arns; " + readRole(r)
	}},
	{0, "no handler for route", always("choose another mount with --mount or vaws_mount; run: vault secrets list")},
	{0, "invalid MFA one time pass code", always("the code is wrong or used up; wait for the next one")},
	{0, "MultiFactorAuthentication", always("give the code of your MFA device: --mfa-code CODE")},
	{0, "minimum field value of 900", tooShort},
	{0, "greater than or equal to 900", tooShort},
	{0, "less than or equal to 43200", always("AWS gives 12 hours at most for an assumed role: --ttl 12h")},
	{0, "less than or equal to 129600", always("AWS gives 36 hours at most: --ttl 36h")},
	{0, "MaxSessionDuration", always("ask for less: --ttl 1h")},
	{0, "session limit for roles assumed by role chaining", always("ask for less: --ttl 1h")},
	{0, "with session credentials", always("give Vault's AWS engine (MOUNT/config/root) the keys of an IAM user, or make the role an assumed_role")},
	{0, "not authorized to perform", always("AWS refuses Vault's own credentials; check the role's role_arns, the AWS role's trust policy, and MOUNT/config/root in Vault")},
	{0, "AccessDenied", always("AWS refuses it; check the role's role_arns, the AWS role's trust policy, and MOUNT/config/root in Vault")},
	{0, "could not obtain sts client", func(r credentials.Request) string {
		return fmt.Sprintf("AWS does not accept Vault's own credentials, or Vault cannot reach STS; run: vault read %s/config/root", r.Mount)
	}},
	{0, "ExpiredToken", rootCredentials("Vault's own AWS credentials have expired; give it new ones")},
	{0, "RequestError: send request failed", rootCredentials("Vault cannot reach AWS; check its network, and the endpoints")},
	{0, "InvalidClientTokenId", always("AWS does not know Vault's own credentials; check MOUNT/config/root in Vault")},
	{429, "", always("Vault limits how often it may be asked; try again in a while")},
	{502, "", always("AWS or the way to it is overloaded; try again in a while")},
}

func tooShort(r credentials.Request) string {
	return fmt.Sprintf("AWS gives 15 minutes at least: --ttl 15m, or vault write %s/roles/%s default_sts_ttl=15m …", r.Mount, r.Role)
}

func (s *Source) explainAnswer(ctx context.Context, r credentials.Request, answer *api.ResponseError) error {
	text := strings.Join(answer.Errors, "; ")
	if strings.Contains(text, "not found") && strings.Contains(text, "Role ") {
		return s.unknownRole(ctx, r)
	}
	if strings.Contains(text, "missing client token") {
		return s.noToken()
	}
	if strings.Contains(text, "failed to get the response: ") { // command/agentproxyshared/cache/handler.go
		return hint.Errorf("look at its address of Vault, and at Vault: vault status", "the Vault Agent or Proxy in between reached no Vault: %s", text)
	}
	if text == "" {
		text = "no reason given"
	}
	err := fmt.Errorf("answer %d from Vault: %s", answer.StatusCode, text)
	for _, a := range advices {
		if (a.status == 0 || a.status == answer.StatusCode) && strings.Contains(text, a.text) {
			return hint.Wrap(err, a.hint(r))
		}
	}
	return hint.Wrap(err, "ask Vault itself: vault status")
}

// unknownRole offers the roles that the token may list. A static role is served
// only by its own endpoint, so it is looked for as well.
func (s *Source) unknownRole(ctx context.Context, r credentials.Request) error {
	static := s.list(ctx, r.Mount+"/static-roles")
	if slices.Contains(static, r.Role) && r.Endpoint != credentials.EndpointStaticCreds {
		return hint.Wrap(ErrUnknownRole, fmt.Sprintf("it is a static role: use %s/%s/%s, or --endpoint static-creds",
			r.Mount, credentials.EndpointStaticCreds, r.Role))
	}
	roles := s.list(ctx, r.Mount+"/roles")
	if slices.Contains(roles, r.Role) {
		return hint.Wrap(ErrUnknownRole, "it is not a static role: leave out the endpoint")
	}
	roles = append(roles, static...)
	if near := hint.DidYouMean(r.Role, roles); near != "" {
		return hint.Wrap(ErrUnknownRole, near)
	}
	if len(roles) > 0 && len(roles) <= 10 {
		return hint.Wrap(ErrUnknownRole, "the roles there: "+strings.Join(roles, ", "))
	}
	return hint.Wrap(ErrUnknownRole, fmt.Sprintf("run: vault list %s/roles (and check that an AWS secrets engine is mounted at %q)", r.Mount, r.Mount))
}

// list is the names at a path; none if the token may not list them.
func (s *Source) list(ctx context.Context, path string) []string {
	secret, err := s.client.Logical().ListWithContext(ctx, path)
	if err != nil || secret == nil {
		return nil
	}
	return names(secret)
}

// names is what an answer to LIST holds.
func names(secret *api.Secret) []string {
	keys, _ := secret.Data["keys"].([]any)
	var names []string
	for _, key := range keys {
		if name, ok := key.(string); ok && isPrintable(name, 512) {
			names = append(names, name)
		}
	}
	return names
}

// explainDenied finds out whether the token or its policies are to blame.
// Vault before 1.17 and OpenBao say "permission denied" for both.
func (s *Source) explainDenied(ctx context.Context, r credentials.Request, denied *deniedError) error {
	s.isToBlame(ctx, denied)
	if err := s.explainToken(denied); err != nil {
		return err
	}
	return hint.Wrap(fmt.Errorf("the token's policies do not allow it: %w", denied), policyFor(r),
		fmt.Sprintf("if %q is not where the AWS secrets engine is mounted, choose with --mount or vaws_mount", r.Mount))
}

// isToBlame reports whether the token is to blame for the denial, and notes it there.
func (s *Source) isToBlame(ctx context.Context, denied *deniedError) bool {
	if s.client.Token() != "" && !denied.token && !denied.policy {
		_, err := s.client.Auth().Token().LookupSelfWithContext(ctx)
		var self *deniedError
		denied.token = errors.As(asDenied(err), &self) && !self.policy
	}
	return denied.token
}

// explainToken explains a denial that the token is to blame for; nil if it is not.
func (s *Source) explainToken(denied *deniedError) error {
	switch {
	case s.client.Token() == "":
		return s.noToken()
	case denied.token:
		return s.withHowTo(s.login, fmt.Errorf("%s does not accept the token, which has expired, was revoked, or belongs to another Vault: %w",
			s.config.Address, denied))
	}
	return nil
}

// policyFor is the policy that would do.
func policyFor(r credentials.Request) string {
	endpoint, capability := r.Endpoint, "update"
	switch endpoint {
	case "":
		endpoint = credentials.EndpointSTS
	case credentials.EndpointStaticCreds:
		capability = "read"
	}
	return fmt.Sprintf("a policy that would do: path %q { capabilities = [%q] }",
		r.Mount+"/"+endpoint+"/"+r.Role, capability)
}

func (s *Source) noToken() error {
	if s.lapsed != nil {
		return s.lapsed
	}
	return s.withHowTo(s.login, fmt.Errorf("no token for Vault at %s", s.config.Address))
}

// withHowTo adds how to get the log-in's token.
func (s *Source) withHowTo(l credentials.Login, err error) error {
	if s.config.HowTo == nil {
		return err
	}
	return hint.Wrap(err, s.config.HowTo(l))
}

// explainAny explains what did not come from Vault's API: the network, TLS,
// proxies.
func (s *Source) explainAny(err error) error {
	at := s.config.Address
	if s.config.Via != "" {
		at = s.config.Via
	}
	var answer *api.ResponseError
	var redirect *redirectError
	var cut *cutError
	var strange *strangeError
	var dns *net.DNSError
	health := "run: curl " + at + "/v1/sys/health"
	switch {
	case errors.As(err, &answer) && strings.Contains(strings.Join(answer.Errors, ""), "HTTP request to an HTTPS server"):
		return hint.Errorf("run: export VAULT_ADDR="+strings.Replace(at, "http:", "https:", 1), "%s speaks TLS", at)
	case errors.As(err, &answer) && answer.RawError:
		return hint.Errorf(ofProxies(answer.StatusCode)+"; "+health, "%s answered %d, but not as Vault does", at, answer.StatusCode)
	case errors.As(err, &answer):
		return fmt.Errorf("answer %d from Vault: %s", answer.StatusCode, strings.Join(answer.Errors, "; "))
	case errors.As(err, &redirect):
		return s.explainRedirect(at, redirect)
	case strings.Contains(err.Error(), "proxyconnect"):
		return hint.Errorf("check VAULT_PROXY_ADDR, HTTPS_PROXY and HTTP_PROXY", "the proxy before %s cannot be reached", at)
	case errors.As(err, &cut):
		return hint.Errorf("is Vault, or a proxy before it, being restarted? "+health, "%s cut the connection before it had answered: %s", at, cut.why)
	case errors.As(err, &strange):
		return hint.Errorf(ofProxies(http.StatusOK)+"; "+health, "%s answered, but not as Vault does: %s", at, strange.why)
	case errors.As(err, new(*brokenError)) || errors.Is(err, io.ErrUnexpectedEOF):
		return hint.Errorf("try again; if it stays so, look at what stands between here and Vault", "the answer of %s broke off: %w", at, innermost(err))
	case isTimeout(err):
		return hint.Errorf(health+" (if that answers, Vault itself waits, as for AWS)", "no answer from Vault at %s in time", at)
	case refused(err):
		return hint.Errorf("is it running there? check "+s.addressSetting(), "nothing listens at %s: connection refused", at)
	case errors.As(err, &dns):
		return hint.Errorf("check "+s.addressSetting(), "finding %s: %w", at, dns)
	}
	return explainTLS(at, err)
}

// ofProxies is what an answer with that status means if it is none of Vault's.
func ofProxies(status int) string {
	switch status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return "so answers a proxy that cannot reach Vault"
	case http.StatusTooManyRequests:
		return "so answers a proxy that is asked too often; try again in a while"
	}
	return "does a proxy stand before Vault?"
}

func isTimeout(err error) bool {
	var network net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) && network.Timeout()
}

// innermost is what an error comes down to, without the addresses around it.
func innermost(err error) error {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err
}

// explainRedirect explains a redirect that was not followed. One to where it came from is
// of a standby behind a load balancer.
func (s *Source) explainRedirect(at string, redirect *redirectError) error {
	const elect = "a cluster that is electing a leader says so as well; run: vault status"
	switch {
	case redirect.to == "":
		return hint.Errorf("check "+s.addressSetting(), "%s sent vaws elsewhere, where your token does not go", at)
	case redirect.standby && redirect.to == at:
		return hint.Errorf("is there a leader? run: vault status", "%s is a standby of Vault, and reached no leader", at)
	case redirect.standby:
		return hint.Wrap(fmt.Errorf("%s is a standby of Vault, and sent vaws on to %s, where your token does not go", at, redirect.to),
			"if you trust it: export VAULT_ADDR="+hint.Quote(redirect.to), elect)
	}
	return hint.Errorf("if you trust it: export VAULT_ADDR="+hint.Quote(redirect.to),
		"%s sent vaws on to %s, where your token does not go", at, redirect.to)
}

// addressSetting is what the address of requests comes from.
func (s *Source) addressSetting() string {
	if s.config.Via != "" {
		return "VAULT_AGENT_ADDR"
	}
	return "VAULT_ADDR or vaws_address"
}

func explainTLS(at string, err error) error {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &unknown):
		return hint.Errorf("trust its authority: set vaws_ca_cert in the profile, or for the Vault in VAULT_ADDR: export VAULT_CACERT=/path/to/ca.pem", "the certificate of %s: %w", at, unknown)
	case errors.As(err, &name):
		return hint.Errorf("check VAULT_ADDR, or set VAULT_TLS_SERVER_NAME", "the certificate of %s: %w", at, name)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return hint.Errorf("have it renewed; or is this machine's clock wrong? run: date", "the certificate of %s: %w", at, invalid)
	case errors.As(err, &record) || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return hint.Errorf("if that is meant: export VAULT_ADDR="+strings.Replace(at, "https:", "http:", 1), "%s does not speak TLS", at)
	case errors.As(err, new(*json.SyntaxError)) || errors.As(err, new(*json.UnmarshalTypeError)):
		return hint.Errorf("does a proxy stand before Vault? run: curl "+at+"/v1/sys/health", "%s answered, but not as Vault does", at)
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return hint.Errorf("run: curl "+at+"/v1/sys/health", "asking Vault at %s: %w", at, err)
}

// cleaned makes an error and its hints printable lines without this source's secrets:
// what a server answers can be anything, even what it was sent.
func (s *Source) cleaned(err error) error {
	return hint.Reword(err, s.clean)
}

// cleanFinding is cleaned for a finding.
func (s *Source) cleanFinding(f *hint.Finding) {
	f.Text = s.clean(f.Text)
	for i, advice := range f.Hints {
		f.Hints[i] = s.clean(advice)
	}
}

func (s *Source) clean(text string) string {
	secrets := append([]string{s.config.Token, s.config.MFACode, s.helper, s.token.Value}, s.sent...)
	return oneLine(text, append(secrets, headerValues(s.config.Headers)...))
}

// headerValues are the values of VAULT_HEADERS, with which proxies in front of Vault let
// vaws pass. What is no JSON for vault/api is sent to nobody.
func headerValues(headers string) (values []string) {
	var all map[string]any
	if json.Unmarshal([]byte(headers), &all) != nil {
		return nil
	}
	for _, value := range all {
		if text, isText := value.(string); isText {
			values = append(values, text)
		}
	}
	return values
}

func oneLine(text string, secrets []string) string {
	for _, secret := range secrets {
		if len(secret) >= 6 {
			text = strings.ReplaceAll(text, secret, "[secret]")
		}
	}
	return clip(strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "\ufffd"), func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}), " "))
}

// clip keeps what a server wrote to a length that a terminal can bear.
func clip(text string) string {
	const most = 600
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + " …"
	}
	return text
}
