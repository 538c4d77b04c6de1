package lab

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"vaws/internal/lab/idp"
)

// loginCommands are about who logs in to Vault; how Vault lets them is set up by
// subcommands of vault.
var loginCommands = map[string]command{
	"idp":            {usage: "user NAME PASSWORD [GROUP…] | wrong-nonce | hang | answer", least: 1, run: runIDP},
	"jwt":            {usage: "FILE [aud=TEXT] [sub=TEXT] [expired]", least: 1, run: runJWT},
	"serviceaccount": {usage: "FILE [expired]", least: 1, run: runServiceAccount},
	"github":         {run: runGitHub},
	"totp":           {usage: "NAME VAR", least: 2, run: runTOTP},
}

// logins is what a script has of them; each begins when it is first wanted.
type logins struct {
	provider  *idp.Server
	directory *directory
	cluster   *cluster
	devices   map[string]*TOTP // by the user's name
}

// identityProvider starts the script's identity provider: IDP_ADDR.
func (s *script) identityProvider(ts *testscript.TestScript) (*idp.Server, error) {
	if s.logins.provider == nil {
		provider, err := idp.New(idp.Options{})
		if err != nil {
			return nil, err
		}
		ts.Defer(func() { _ = provider.Close() })
		ts.Setenv("IDP_ADDR", provider.URL())
		s.logins.provider = provider
	}
	return s.logins.provider, nil
}

// shortestPassword keeps passwords from being found where nobody wrote them.
const shortestPassword = 12

// hide makes a password a secret that must not be found anywhere.
func (s *script) hide(password string) error {
	if len(password) < shortestPassword {
		return fmt.Errorf("the password has fewer than %d characters and would be found by accident", shortestPassword)
	}
	s.search.add(password)
	return nil
}

// loginRole reads the words after a role's fixed arguments, and returns those of
// the method's own.
func (s *script) loginRole(v *Vault, method, name, kind string, words []string, own ...string) (LoginRole, map[string]string, error) {
	r := LoginRole{Path: method, Name: name}
	mount, others := "aws", map[string]string{}
	for _, word := range words {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "path":
			r.Path = value
		case "mount":
			mount = value
		case "ttl":
			r.TTL = value
		case "max":
			r.MaxTTL = value
		case "period":
			r.Period = value
		case "batch":
			r.Batch = true
		case "no-default":
			r.NoDefault = true
		default:
			if !slices.Contains(own, key) {
				return r, nil, fmt.Errorf("unknown option %q", word)
			}
			others[key] = value
		}
	}
	policy, err := v.MountPolicy(s.ctx, mount, kind)
	r.Policy = policy
	return r, others, err
}

func vaultAppRole(s *script, v *Vault, ts *testscript.TestScript, args []string) error {
	r, own, err := s.loginRole(v, "approle", args[0], args[1], args[4:], "uses", "expires")
	if err != nil {
		return err
	}
	ids := SecretIDs{TTL: own["expires"]}
	if uses, ok := own["uses"]; ok {
		if ids.Uses, err = strconv.Atoi(uses); err != nil {
			return err
		}
	}
	roleID, secretID, err := v.AppRole(s.ctx, r, ids)
	if err != nil {
		return err
	}
	s.search.add(secretID)
	ts.Setenv(args[2], roleID)
	ts.Setenv(args[3], secretID)
	return nil
}

func vaultOIDC(s *script, v *Vault, ts *testscript.TestScript, args []string) error {
	r, own, err := s.loginRole(v, "oidc", args[0], args[1], args[2:], "form_post")
	if err != nil {
		return err
	}
	provider, err := s.identityProvider(ts)
	if err != nil {
		return err
	}
	_, formPost := own["form_post"]
	return v.OIDC(s.ctx, r, provider, formPost)
}

func vaultJWT(s *script, v *Vault, ts *testscript.TestScript, args []string) error {
	r, _, err := s.loginRole(v, "jwt", args[0], args[1], args[2:])
	if err != nil {
		return err
	}
	provider, err := s.identityProvider(ts)
	if err != nil {
		return err
	}
	return v.JWT(s.ctx, r, provider)
}

func vaultUser(s *script, v *Vault, _ *testscript.TestScript, args []string) error {
	r, own, err := s.loginRole(v, "userpass", args[0], args[2], args[3:], "totp")
	if err != nil {
		return err
	}
	if err := s.hide(args[1]); err != nil {
		return err
	}
	if err := v.User(s.ctx, r, args[1]); err != nil {
		return err
	}
	if _, ok := own["totp"]; !ok {
		return nil
	}
	device, err := v.RequireTOTP(s.ctx, r)
	if err != nil {
		return err
	}
	s.search.add(device.Secret)
	if s.logins.devices == nil {
		s.logins.devices = map[string]*TOTP{}
	}
	s.logins.devices[r.Name] = device
	return nil
}

func vaultLDAP(s *script, v *Vault, ts *testscript.TestScript, args []string) error {
	r, _, err := s.loginRole(v, "ldap", args[0], args[2], args[3:])
	if err != nil {
		return err
	}
	if err := s.hide(args[1]); err != nil {
		return err
	}
	if s.logins.directory == nil {
		started, err := startDirectory(s.ctx)
		if err != nil {
			return err
		}
		ts.Defer(started.close)
		s.logins.directory = started
	}
	s.logins.directory.add(r.Name, args[1])
	return v.LDAP(s.ctx, r, s.logins.directory.url, directoryPeople)
}

func vaultCert(s *script, v *Vault, _ *testscript.TestScript, args []string) error {
	r, _, err := s.loginRole(v, "cert", args[0], args[1], args[2:])
	if err != nil {
		return err
	}
	return v.Cert(s.ctx, r)
}

func vaultKubernetes(s *script, v *Vault, ts *testscript.TestScript, args []string) error {
	r, _, err := s.loginRole(v, "kubernetes", args[0], args[1], args[2:])
	if err != nil {
		return err
	}
	c, err := s.kubernetes(ts)
	if err != nil {
		return err
	}
	return v.Kubernetes(s.ctx, r, c.api())
}

// kubernetes starts the script's Kubernetes.
func (s *script) kubernetes(ts *testscript.TestScript) (*cluster, error) {
	provider, err := s.identityProvider(ts)
	if err != nil {
		return nil, err
	}
	if s.logins.cluster == nil {
		c, err := startCluster(provider)
		if err != nil {
			return nil, err
		}
		ts.Defer(c.server.Close)
		s.logins.cluster = c
	}
	return s.logins.cluster, nil
}

func runIDP(s *script, ts *testscript.TestScript, _ bool, args []string) error {
	provider, err := s.identityProvider(ts)
	if err != nil {
		return err
	}
	switch {
	case args[0] == "user" && len(args) > 2:
		provider.AddUser(args[1], args[2], args[3:]...)
		return s.hide(args[2])
	case args[0] == "wrong-nonce":
		provider.SpoilNonce()
	case args[0] == "hang":
		provider.Hang(true)
	case args[0] == "answer":
		provider.Hang(false)
	default:
		return errors.New("no such subcommand, or too few arguments")
	}
	return nil
}

// jwtLife is how long the lab's JWTs are valid, and for how long "expired" ones
// have not been.
const jwtLife = 10 * time.Minute

// claims are those of a JWT that the words describe.
func claims(issuer string, words []string) (map[string]any, error) {
	now := time.Now()
	found := map[string]any{
		"iss": issuer, "aud": []string{Audience}, "sub": "job", "iat": now.Unix(), "exp": now.Add(jwtLife).Unix(),
	}
	for _, word := range words {
		switch key, value, _ := strings.Cut(word, "="); key {
		case "aud":
			found[key] = []string{value}
		case "sub":
			found[key] = value
		case "expired":
			found["iat"], found["exp"] = now.Add(-2*jwtLife).Unix(), now.Add(-jwtLife).Unix()
		default:
			return nil, fmt.Errorf("unknown option %q", word)
		}
	}
	return found, nil
}

func runJWT(s *script, ts *testscript.TestScript, _ bool, args []string) error {
	provider, err := s.identityProvider(ts)
	if err != nil {
		return err
	}
	what, err := claims(provider.URL(), args[1:])
	if err != nil {
		return err
	}
	return s.writeJWT(ts, args[0], what)
}

// writeJWT signs a JWT and writes it to a file, where it may be.
func (s *script) writeJWT(ts *testscript.TestScript, file string, what map[string]any) error {
	token, err := s.logins.provider.Sign(what)
	if err != nil {
		return err
	}
	path := ts.MkAbs(file)
	s.search.allow(path)
	return os.WriteFile(path, []byte(token), 0o600)
}

func runServiceAccount(s *script, ts *testscript.TestScript, _ bool, args []string) error {
	c, err := s.kubernetes(ts)
	if err != nil {
		return err
	}
	what, err := claims(c.server.URL, args[1:])
	if err != nil {
		return err
	}
	return s.writeJWT(ts, args[0], serviceAccountClaims(what))
}

func runGitHub(s *script, ts *testscript.TestScript, _ bool, _ []string) error {
	provider, err := s.identityProvider(ts)
	if err != nil {
		return err
	}
	server, token := startActions(provider)
	ts.Defer(server.Close)
	s.search.add(token)
	ts.Setenv("ACTIONS_ID_TOKEN_REQUEST_URL", server.URL+"/job/7/idtoken?api-version=2.0")
	ts.Setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", token)
	return nil
}

func runTOTP(s *script, ts *testscript.TestScript, _ bool, args []string) error {
	device := s.logins.devices[args[0]]
	if device == nil {
		return fmt.Errorf("%q has no TOTP", args[0])
	}
	code, err := device.Code(s.ctx)
	if err == nil {
		ts.Setenv(args[1], code)
	}
	return err
}
