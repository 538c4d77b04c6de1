package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
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

// promptTime is how long a person may take to find the MFA device, or to sign in.
const promptTime = 5 * time.Minute

// vaultFlags say which Vault and cache are meant. Their variables are not kong's
// business: profile.Resolve knows where they stand between flag and AWS config.
type vaultFlags struct {
	Address   *string `placeholder:"URL" help:"Vault's address (VAWS_ADDRESS, VAULT_ADDR)."`
	Namespace *string `placeholder:"PATH" help:"Vault namespace (VAWS_NAMESPACE, VAULT_NAMESPACE)."`
	Cache     *string `placeholder:"PLACE" help:"Where the cache's key lives: auto, keyring, kernel, file (VAWS_CACHE_KEY_FILE) or none (VAWS_CACHE)."`
	Debug     bool    `help:"Tell on stderr what is done (VAWS_DEBUG)."`
}

// targetFlags choose the credentials.
type targetFlags struct {
	vaultFlags  `embed:""`
	Mount       *string `placeholder:"PATH" help:"Mount of the AWS secrets engine, by default aws (VAWS_MOUNT)."`
	Endpoint    *string `placeholder:"NAME" help:"sts, creds or static-creds (VAWS_ENDPOINT)."`
	TTL         *string `name:"ttl" placeholder:"15m" help:"Lifetime to ask for (VAWS_TTL)."`
	RoleARN     *string `name:"role-arn" placeholder:"ARN" help:"AWS role, where the Vault role has several (VAWS_ROLE_ARN)."`
	SessionName *string `placeholder:"NAME" help:"Name of the assumed role's session (VAWS_SESSION_NAME)."`
	Region      *string `placeholder:"NAME" help:"AWS region (VAWS_REGION)."`
	MFACode     *string `name:"mfa-code" placeholder:"CODE" help:"Code of the MFA device, for session_token roles."`
	Refresh     bool    `help:"Ask Vault even if the cache has credentials."`
	MinTTL      seconds `name:"min-ttl" placeholder:"1h" help:"Lifetime that must be left."`
	Settle      seconds `default:"60s" placeholder:"60s" help:"How long to wait until AWS knows the keys of a new IAM user; 0 for not at all."`
}

// defaultSettle is the default of --settle, for a line that is not parsed (unparsed).
const defaultSettle = seconds(60 * time.Second)

// seconds is a duration as Vault writes it: "900", "15m", "1d".
type seconds time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *seconds) UnmarshalText(text []byte) error {
	parsed, err := profile.ParseDuration(string(text))
	*d = seconds(parsed)
	return err
}

// settings are the flags that were given, by the name of their setting.
func (f targetFlags) settings() (map[string]string, error) {
	return given(map[string]*string{
		profile.Address: f.Address, profile.Namespace: f.Namespace, profile.Mount: f.Mount,
		profile.Endpoint: f.Endpoint, profile.TTL: f.TTL, profile.RoleARN: f.RoleARN,
		profile.SessionName: f.SessionName, profile.Region: f.Region,
	})
}

// given leaves out the flags that were not given. One that was given as nothing, as
// by an unset variable of a script, is an error.
func given(flags map[string]*string) (map[string]string, error) {
	given := map[string]string{}
	for setting, value := range flags {
		if value == nil {
			continue
		}
		if *value == "" {
			return nil, usageError{hint.Errorf("leave it out, or give it a value", "--%s is empty", setting)}
		}
		given[setting] = *value
	}
	return given, nil
}

// mfaCode is the code without the blanks that devices show in it; empty if none
// was given.
func (f targetFlags) mfaCode() (string, error) {
	if f.MFACode == nil {
		return "", nil
	}
	code, err := parseMFACode(*f.MFACode)
	if err != nil {
		return "", usageError{fmt.Errorf("--mfa-code: %w", err)}
	}
	return code, nil
}

// parseMFACode checks the form of AWS's TokenCode
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html).
func parseMFACode(text string) (string, error) {
	code := strings.ReplaceAll(text, " ", "")
	if len(code) != 6 || strings.Trim(code, "0123456789") != "" {
		return "", hint.Errorf("take the six digits that the MFA device shows now", "that is no MFA code")
	}
	return code, nil
}

// cacheMode is --cache, else VAWS_CACHE.
func (s *session) cacheMode(f vaultFlags) (cache.Mode, error) {
	value, origin := s.getenv("VAWS_CACHE"), "VAWS_CACHE"
	if f.Cache != nil {
		value, origin = *f.Cache, "--cache"
	}
	mode, err := cache.ParseMode(value)
	if err != nil {
		return "", usageError{hint.Wrap(fmt.Errorf("%s: %w", origin, err), "auto is the default: it takes the first place that works")}
	}
	return mode, nil
}

// heedDebug turns the debug messages on if --debug or VAWS_DEBUG says so.
func (s *session) heedDebug(f vaultFlags) {
	debug, _ := strconv.ParseBool(s.getenv("VAWS_DEBUG"))
	s.debugOn = f.Debug || debug
}

// resolve finds the target that is meant.
func (s *session) resolve(name string, f targetFlags) (profile.Target, error) {
	s.heedDebug(f.vaultFlags)
	settings, err := f.settings()
	if err != nil {
		return profile.Target{}, err
	}
	t, err := profile.Resolve(profile.Query{Name: name, Flags: settings, Getenv: s.getenv})
	if usage := (profile.UsageError{}); errors.As(err, &usage) {
		return t, usageError{err}
	}
	if err != nil {
		return t, err
	}
	r := t.Request
	s.debug("%q is role %q on mount %q of %s", t.Name, r.Role, r.Mount, r.Address)
	if r.Namespace != "" {
		s.debug("in namespace %q", r.Namespace)
	}
	if !t.Ambient {
		s.debug("VAULT_TOKEN and its like are for %q, not for this address", t.Home)
	}
	return t, nil
}

// caller is how a command uses what it gets.
type caller struct {
	demand  credentials.Demand
	prompts bool // there may be a person to ask
}

// fetch finds the target of name and gets its credentials.
func (s *session) fetch(name string, f targetFlags, who caller) (profile.Target, credentials.Credentials, error) {
	target, err := s.resolve(name, f)
	if err != nil {
		return target, credentials.Credentials{}, err
	}
	ctx := context.Background()
	if who.prompts {
		s.warnIfPlain(target)
		defer s.quitQuietly()()
		defer s.wait(forVault)()
	} else {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, deadline)
		defer cancel()
	}
	provider, err := s.provider(ctx, target, f, who.prompts)
	if err != nil {
		return target, credentials.Credentials{}, err
	}
	c, err := provider.Get(ctx, target.Request, who.demands(f))
	return target, c, s.suggest(target, err)
}

// demands completes the command's demand by the flags.
func (c caller) demands(f targetFlags) credentials.Demand {
	d := c.demand
	d.Refresh, d.Retry, d.MinTTL = f.Refresh, c.prompts, time.Duration(f.MinTTL)
	return d
}

// checkMinTTL refuses to ask Vault for less than what must be left.
func (f targetFlags) checkMinTTL(t profile.Target) error {
	if least, ttl := time.Duration(f.MinTTL), t.Request.TTL; ttl > 0 && ttl < least {
		return usageError{hint.Errorf("make the two agree", "--min-ttl %s is more than the ttl of %s", least, ttl)}
	}
	return nil
}

// provider puts cache and Vault together for the target.
func (s *session) provider(ctx context.Context, t profile.Target, f targetFlags, prompts bool) (*credentials.Provider, error) {
	if err := f.checkMinTTL(t); err != nil {
		return nil, err
	}
	store, err := s.store(ctx, f.vaultFlags)
	if err != nil {
		return nil, err
	}
	config, err := s.vaultConfig(t, f, store, prompts)
	if err != nil {
		return nil, err
	}
	from := s.newSource(config, t, f)
	from.quiet = !prompts
	p := &credentials.Provider{Source: from, Now: s.now, Warn: s.warn, Debug: s.debug}
	if store != nil {
		p.Store = store
	}
	return p, nil
}

// store opens the cache. Without one, which is nil, everything works, only slower.
func (s *session) store(ctx context.Context, f vaultFlags) (*cache.Cache, error) {
	mode, err := s.cacheMode(f)
	if err != nil || mode == cache.None {
		return nil, err
	}
	c, err := s.openCache(ctx, mode)
	if err != nil {
		s.warn(fmt.Errorf("credentials are not cached: %w", err))
		return nil, nil
	}
	return c, nil
}

func (s *session) openCache(ctx context.Context, mode cache.Mode) (*cache.Cache, error) {
	return cache.Open(ctx, s.cacheOptions(mode))
}

func (s *session) cacheOptions(mode cache.Mode) cache.Options {
	return cache.Options{
		Mode: mode, KeyFile: s.getenv("VAWS_CACHE_KEY_FILE"),
		Now: s.now, Debug: s.debug, Getenv: s.getenv,
	}
}

// vaultConfig describes the target's Vault to the vault room. prompts says that
// there may be a person to ask.
func (s *session) vaultConfig(t profile.Target, f targetFlags, tokens *cache.Cache, prompts bool) (vault.Config, error) {
	code, err := f.mfaCode()
	if err != nil {
		return vault.Config{}, err
	}
	c := vault.Config{
		Address: t.Request.Address,
		Via:     t.Via,
		Proxy:   t.Proxy,
		TLS:     vault.TLS(t.TLS),
		HowTo:   func(l credentials.Login) string { return s.howTo(t, l) },
		Proof: vault.Proof{
			File: t.Login.SecretFile, Variable: t.Login.SecretEnv, Audience: t.Login.Audience,
			Getenv: s.getenv,
		},
		MFACode: code,
		Timeout: cmp.Or(t.Timeout, deadline),
		Now:     s.now,
		Debug:   s.debug,
	}
	if tokens != nil {
		c.Tokens = tokens
	}
	if t.Ambient {
		c.Token, c.Headers, c.Helper = s.getenv("VAULT_TOKEN"), s.getenv("VAULT_HEADERS"), helperToken
	}
	if prompts && term.Available() {
		c.AskMFA = func() (string, error) {
			s.calm() // the prompt has the terminal to put in order first
			defer s.ask()()
			return askMFA(t.Name)
		}
	}
	return c, nil
}

// helperToken asks the token helper, unless that is vaws.
func helperToken(ctx context.Context) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("finding out where vaws is: %w", err)
	}
	return vault.HelperToken(ctx, self)
}

func askMFA(name string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), promptTime)
	defer cancel()
	code, err := term.AskSecret(ctx, fmt.Sprintf("MFA code for %s: ", name))
	if err != nil {
		return "", err
	}
	return parseMFACode(code)
}

// suggest adds to an error what the config and the target have to say about it.
func (s *session) suggest(t profile.Target, err error) error {
	switch {
	case errors.Is(err, credentials.ErrTooShort):
		return hint.Wrap(err, fmt.Sprintf("the role allows no more: vault read %s/roles/%s (max_sts_ttl), and for IAM users %s/config/lease",
			t.Request.Mount, t.Request.Role, t.Request.Mount))
	case errors.Is(err, vault.ErrUnknownRole):
		return s.suggestProfiles(t, err)
	}
	return err
}

// suggestProfiles adds the profiles that an unknown role may have meant.
func (s *session) suggestProfiles(t profile.Target, err error) error {
	profiles := profile.Names(profile.ConfigPath(s.getenv))
	if slices.Contains(profiles, t.Name) {
		return hint.Wrap(err, fmt.Sprintf("set vaws_role in [profile %s] to the role that is meant", t.Name))
	}
	said := strings.Join(hint.Of(err), " ")
	near := slices.DeleteFunc(hint.Nearest(t.Name, profiles), func(name string) bool { return strings.Contains(said, name) })
	if len(near) == 0 {
		return err
	}
	return hint.Wrap(err, "did you mean the profile "+strings.Join(near, ", ")+"?")
}
