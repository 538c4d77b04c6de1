package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"vaws/internal/cache"
	"vaws/internal/credentials"
	"vaws/internal/hint"
	"vaws/internal/profile"
	"vaws/internal/term"
	"vaws/internal/vault"
)

// The Go SDK gives a credential_process 60 seconds
// (aws-sdk-go-v2/credentials/processcreds, DefaultTimeout).
const deadline = 55 * time.Second

// targetFlags choose the credentials. Those with a variable get it from
// profile.Resolve, which knows where it stands between flag and AWS config.
type targetFlags struct {
	Address     string `placeholder:"URL" help:"Vault's address (VAWS_ADDRESS)."`
	Namespace   string `placeholder:"PATH" help:"Vault namespace (VAWS_NAMESPACE)."`
	Mount       string `placeholder:"PATH" help:"Mount of the AWS secrets engine (VAWS_MOUNT)."`
	Endpoint    string `placeholder:"NAME" help:"sts, creds or static-creds (VAWS_ENDPOINT)."`
	TTL         string `name:"ttl" placeholder:"15m" help:"Lifetime to ask for (VAWS_TTL)."`
	RoleARN     string `name:"role-arn" placeholder:"ARN" help:"AWS role, where the Vault role has several (VAWS_ROLE_ARN)."`
	SessionName string `placeholder:"NAME" help:"Name of the assumed role's session (VAWS_SESSION_NAME)."`
	Region      string `placeholder:"NAME" help:"AWS region (VAWS_REGION)."`
	MFACode     string `name:"mfa-code" placeholder:"CODE" help:"Code of the MFA device, for session_token roles."`
	Refresh     bool   `help:"Ask Vault even if the cache has credentials."`
	Cache       string `env:"VAWS_CACHE" enum:"auto,keyring,kernel,file,none" default:"auto" help:"Where the cache's key lives: auto, keyring, kernel, file or none."`
	Debug       bool   `env:"VAWS_DEBUG" help:"Tell on stderr what is done."`
}

// settings are the flags that were given, by the name of their setting.
func (f targetFlags) settings() map[string]string {
	given := map[string]string{}
	for setting, value := range map[string]string{
		profile.Address: f.Address, profile.Namespace: f.Namespace, profile.Mount: f.Mount,
		profile.Endpoint: f.Endpoint, profile.TTL: f.TTL, profile.RoleARN: f.RoleARN,
		profile.SessionName: f.SessionName, profile.Region: f.Region,
	} {
		if value != "" {
			given[setting] = value
		}
	}
	return given
}

// caller is how a command uses what it gets.
type caller struct {
	rule    credentials.Rule
	prompts bool // there is a person to ask
}

// fetch finds the target of name and gets its credentials.
func (s *session) fetch(name string, f targetFlags, who caller) (profile.Target, credentials.Credentials, error) {
	s.debugOn = f.Debug
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	target, err := profile.Resolve(profile.Query{Name: name, Flags: f.settings(), Getenv: s.getenv})
	if err != nil {
		return target, credentials.Credentials{}, err
	}
	s.debugTarget(target)
	provider := credentials.Provider{
		Source: vault.New(s.vaultConfig(target, f, who)),
		Store:  s.store(ctx, f.Cache),
		Now:    s.now,
		Warn:   s.warn,
		Debug:  s.debug,
	}
	c, err := provider.Get(ctx, target.Request, credentials.Demand{Rule: who.rule, Refresh: f.Refresh})
	if err == nil && !c.Valid(s.now()) {
		err = fmt.Errorf("the credentials expired while they were fetched")
	}
	return target, c, s.suggestProfiles(name, err)
}

func (s *session) debugTarget(t profile.Target) {
	r := t.Request
	s.debug("%q is role %q on mount %q of %s", t.Name, r.Role, r.Mount, r.Address)
	if r.Namespace != "" {
		s.debug("in namespace %q", r.Namespace)
	}
	if !t.Ambient {
		s.debug("VAULT_TOKEN and its like are for %q, not for this address", t.Home)
	}
}

// store opens the cache. Without one everything works, only slower.
func (s *session) store(ctx context.Context, mode string) credentials.Store {
	if cache.Mode(mode) == cache.None {
		return nil
	}
	c, err := cache.Open(ctx, cache.Options{
		Mode: cache.Mode(mode), KeyFile: s.getenv("VAWS_CACHE_KEY_FILE"),
		Now: s.now, Debug: s.debug, Getenv: s.getenv,
	})
	if err != nil {
		s.warn(fmt.Errorf("credentials are not cached: %w", err))
		return nil
	}
	return c
}

// vaultConfig describes the target's Vault to the vault room.
func (s *session) vaultConfig(t profile.Target, f targetFlags, who caller) vault.Config {
	c := vault.Config{
		Address: t.Request.Address,
		Via:     t.Via,
		Proxy:   t.Proxy,
		Headers: t.Ambient,
		TLS:     vault.TLS(t.TLS),
		NoToken: noTokenHint(t),
		MFACode: f.MFACode,
		Now:     s.now,
		Debug:   s.debug,
	}
	if t.Ambient {
		c.Token, c.Helper = s.getenv("VAULT_TOKEN"), vault.HelperToken
	}
	if t.Request.AuthMethod != "" {
		c.Login = func() (vault.Secret, error) {
			return vault.ReadSecret(t.Login.SecretFile, t.Login.SecretEnv, s.getenv)
		}
	}
	if who.prompts && term.Available() {
		c.AskMFA = func(ctx context.Context) (string, error) { return term.AskSecret(ctx, "MFA code: ") }
	}
	return c
}

// noTokenHint says why a token that the user may have is not used.
func noTokenHint(t profile.Target) string {
	switch {
	case t.Ambient:
		return `run "vault login", or set VAULT_TOKEN`
	case t.Home == "":
		return "VAULT_TOKEN and the token helper are for the Vault in VAULT_ADDR; if it is this one: export VAULT_ADDR=" + t.Request.Address
	}
	return fmt.Sprintf("VAULT_TOKEN and the token helper are for %s; for this one, run with VAULT_ADDR=%s and its token, or set vaws_auth in the profile",
		t.Home, t.Request.Address)
}

// suggestProfiles adds the profiles that an unknown role may have meant.
func (s *session) suggestProfiles(name string, err error) error {
	if !errors.Is(err, vault.ErrUnknownRole) {
		return err
	}
	near := hint.Nearest(name, profile.Names(profile.ConfigPath(s.getenv)))
	if len(near) == 0 {
		return err
	}
	return hint.Wrap(err, "profiles with a name like that: "+strings.Join(near, ", "))
}
