package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"vaws/internal/cache"
	"vaws/internal/credentials"
	"vaws/internal/hint"
	"vaws/internal/profile"
	"vaws/internal/term"
	"vaws/internal/vault"
)

// loginFlags say which log-in is meant.
type loginFlags struct {
	vaultFlags    `embed:""`
	Method        *string `arg:"" optional:"" help:"${methods}."`
	Profile       string  `placeholder:"NAME" help:"Take what is not given from this profile of the AWS config."`
	AuthMount     *string `placeholder:"PATH" help:"Mount of the auth method, by default the method's name (VAWS_AUTH_MOUNT)."`
	AuthRole      *string `placeholder:"NAME" help:"Role to log in as; for approle the role ID (VAWS_AUTH_ROLE)."`
	AuthNamespace *string `placeholder:"PATH" help:"Namespace of the auth method, where it is another (VAWS_AUTH_NAMESPACE)."`
}

// loginCommand gets a token and keeps it.
type loginCommand struct {
	loginFlags `embed:""`
	Username   string  `placeholder:"NAME" help:"User name, for methods with a password."`
	SecretFile *string `placeholder:"FILE" help:"File with the password, secret ID, JWT or token; - is stdin."`
	NoBrowser  bool    `help:"Print the address to sign in at instead of opening a browser."`
	Port       int     `placeholder:"N" default:"8250" help:"Port on localhost to which the browser comes back."`
}

func methodNames() string { return strings.Join(vault.Methods(), ", ") }

// Help is shown below the summary.
func (loginCommand) Help() string {
	return `The token is kept sealed, like cached credentials, and every command uses it. What is not given comes from the profile that --profile names, else from [vaws]; without any METHOD it is that of the last log-in at this Vault.

    vaws login oidc --auth-role dev
    vaws login userpass --username alice
    vaws login approle --auth-role ROLE-ID --secret-file FILE`
}

// settings are the flags that were given.
func (f loginFlags) settings() (map[string]string, error) {
	if f.Method != nil && *f.Method == "" {
		return nil, usageError{hint.Errorf("leave it out, or give it a value", "METHOD is empty")}
	}
	return given(map[string]*string{
		profile.Address: f.Address, profile.Namespace: f.Namespace, profile.Auth: f.Method,
		profile.AuthMount: f.AuthMount, profile.AuthRole: f.AuthRole, profile.AuthNamespace: f.AuthNamespace,
	})
}

// resolveLogin finds the log-in that is meant, whose method may be empty.
func (s *session) resolveLogin(f loginFlags, secretFile *string) (profile.Target, error) {
	s.heedDebug(f.vaultFlags)
	settings, err := f.settings()
	if err != nil {
		return profile.Target{}, err
	}
	if secretFile != nil {
		settings[profile.AuthSecretFile] = *secretFile
	}
	t, err := profile.ResolveLogin(profile.Query{Name: f.Profile, Flags: settings, Getenv: s.getenv})
	if usage := (profile.UsageError{}); errors.As(err, &usage) {
		return t, usageError{err}
	}
	return t, err
}

// warnIfPlain warns of an address at which everybody on the way can read along.
func (s *session) warnIfPlain(t profile.Target) {
	if t.Plain() {
		s.warn(hint.Wrap(fmt.Errorf("tokens and credentials travel unencrypted to %s", t.Request.Address), "use an https:// address"))
	}
}

// Run logs in, keeps the token, and makes it the one that is used where no log-in is
// configured.
func (l loginCommand) Run(s *session) error {
	if err := l.check(); err != nil {
		return err
	}
	t, err := s.resolveLogin(l.loginFlags, l.SecretFile)
	if err != nil {
		return err
	}
	s.warnIfPlain(t)
	defer s.quitQuietly()()
	ctx, cancel := context.WithTimeout(context.Background(), promptTime)
	defer cancel()
	store, err := s.placeForTokens(ctx, l.vaultFlags)
	if err != nil {
		return err
	}
	login := t.Request.Login()
	if login.Method == "" {
		login = store.LoadToken(ctx, choiceAt(t)).Login // as last time
	}
	if login.Method == "" {
		return usageError{hint.Errorf("run: vaws login METHOD, where METHOD is "+methodNames()+" (or set vaws_auth in the AWS config)",
			"no method is named")}
	}
	config, err := s.vaultConfig(t, targetFlags{}, store, true)
	if err != nil {
		return err
	}
	if err := l.prove(s, &config.Proof); err != nil {
		return err
	}
	done := s.wait(forVault)
	token, err := vault.New(config).LogIn(ctx, login)
	done()
	if err != nil {
		return err
	}
	if err := keepToken(ctx, store, t, token); err != nil {
		return err
	}
	s.warnIfPassedOver(t)
	s.say(fmt.Sprintf("logged in to %s by %s%s", t.Request.Address, login, until(token)))
	return nil
}

func (l loginCommand) check() error {
	switch {
	case l.SecretFile != nil && *l.SecretFile == "":
		return usageError{hint.Errorf("leave it out, or give it a value", "--secret-file is empty")}
	case l.Port < 1 || l.Port > 65535:
		return usageError{hint.Errorf("a port is a number from 1 to 65535", "--port %d is no port", l.Port)}
	}
	return nil
}

// placeForTokens opens the cache, without which there is no point in logging in.
func (s *session) placeForTokens(ctx context.Context, f vaultFlags) (*cache.Cache, error) {
	mode, err := s.cacheMode(f)
	if err == nil && mode == cache.None {
		return nil, usageError{hint.Errorf("leave out --cache none and VAWS_CACHE, or set VAULT_TOKEN", "without a cache there is nowhere to keep the token")}
	}
	if err != nil {
		return nil, err
	}
	store, err := s.openCache(ctx, mode)
	if err != nil {
		return nil, fmt.Errorf("there is nowhere to keep the token: %w", err)
	}
	return store, nil
}

// warnIfPassedOver warns where the new token will not be used.
func (s *session) warnIfPassedOver(t profile.Target) {
	if t.Ambient && s.getenv("VAULT_TOKEN") != "" {
		s.warn(hint.Wrap(errors.New("VAULT_TOKEN is set, and goes before this log-in where no vaws_auth names one"), "run: unset VAULT_TOKEN"))
	}
}

// keepToken keeps the token for its log-in, and the log-in as the one to use where
// none is configured. A renewal of an older token that is on its way comes first.
func keepToken(ctx context.Context, store *cache.Cache, t profile.Target, token credentials.Token) error {
	if unlock, err := store.LockToken(ctx, token.Login); err == nil {
		defer unlock()
	}
	err := store.SaveToken(ctx, token.Login, token)
	if err == nil {
		err = store.SaveToken(ctx, choiceAt(t), credentials.Token{Login: token.Login})
	}
	if err != nil {
		return fmt.Errorf("keeping the token: %w", err)
	}
	return nil
}

// choiceAt is where the log-in that a person has chosen for the target's Vault is
// kept.
func choiceAt(t profile.Target) credentials.Login {
	return credentials.Login{Address: t.Request.Address, Namespace: t.Request.Namespace}
}

func until(t credentials.Token) string {
	if t.Expiry.IsZero() {
		return ""
	}
	return " until " + t.Expiry.Local().Format("2006-01-02 15:04")
}

// prove says how the log-in gets what only a person or stdin has.
func (l loginCommand) prove(s *session, p *vault.Proof) error {
	p.Username, p.Port = l.Username, l.Port
	if p.File == "-" {
		p.File = ""
		secret, err := secretFromStdin()
		if err != nil {
			return err
		}
		p.Given = secret
	}
	p.Browse = func(address string) { l.browse(s, address) }
	p.Tell = s.say
	if term.Available() {
		p.Ask = func(ctx context.Context, prompt string) (string, error) {
			s.calm()
			defer s.ask()()
			return term.Ask(ctx, prompt)
		}
		p.AskSecret = func(ctx context.Context, prompt string) (string, error) {
			s.calm()
			defer s.ask()()
			return term.AskSecret(ctx, prompt)
		}
	}
	return nil
}

// A JWT takes a few kilobytes.
const maxSecret = 1 << 20

func secretFromStdin() (string, error) {
	if term.IsTerminal(os.Stdin) {
		return "", usageError{hint.Errorf("leave out --secret-file to be asked for it", "stdin is the terminal, which would show the secret")}
	}
	text, err := io.ReadAll(io.LimitReader(os.Stdin, maxSecret+1))
	secret := strings.TrimSpace(string(text))
	switch {
	case err != nil:
		return "", fmt.Errorf("reading the secret from stdin: %w", err)
	case secret == "":
		return "", errors.New("the secret on stdin is empty")
	case len(text) > maxSecret:
		return "", errors.New("what comes from stdin is too long for a secret")
	}
	return secret, nil
}

// isRemote reports whether a browser would open on another machine than the person's.
func (s *session) isRemote() bool {
	return s.getenv("SSH_CONNECTION") != "" && s.getenv("DISPLAY") == "" && s.getenv("WAYLAND_DISPLAY") == ""
}

// browse shows the address at which to sign in.
func (l loginCommand) browse(s *session, address string) {
	if l.NoBrowser || s.isRemote() {
		s.say("sign in at this address: " + address)
		s.advise(fmt.Sprintf("a browser on another machine needs a way back: ssh -L %d:localhost:%d HOST", l.Port, l.Port))
		return
	}
	s.say("sign in in the browser; if none opens, at this address: " + address)
	if err := term.Browse(address); err != nil {
		s.warn(err)
	}
}

// howTo is the hint for who lacks the log-in's token.
func (s *session) howTo(t profile.Target, l credentials.Login) string {
	if l.Method != "" {
		return "run: " + s.loginLine(t, l)
	}
	l.Method, l.Mount = "oidc", "oidc" // for example
	login := "log in, as with: " + s.loginLine(t, l)
	switch {
	case t.Ambient && s.getenv("VAULT_TOKEN") != "":
		return "set a new VAULT_TOKEN, or unset it and " + login
	case t.Ambient:
		return login + "; or set VAULT_TOKEN"
	case t.Home == "":
		return login + " (VAULT_TOKEN is for the Vault in VAULT_ADDR)"
	}
	return fmt.Sprintf("%s (VAULT_TOKEN and the token helper are for %s)", login, t.Home)
}

// loginLine is the command that gets the log-in's token: the shortest of those that
// mean the same Vault and the same log-in.
func (s *session) loginLine(t profile.Target, l credentials.Login) string {
	short := []string{profile.Auth, l.Method, profile.AuthRole, l.Role}
	if l.Mount != l.Method {
		short = append(short, profile.AuthMount, l.Mount)
	}
	namespaced := append(slices.Clone(short), profile.Namespace, t.Request.Namespace)
	long := append(slices.Clone(short), profile.Address, t.Request.Address)
	longer := append(slices.Clone(long), profile.Namespace, t.Request.Namespace)
	longest := append(slices.Clone(longer), profile.AuthMount, l.Mount, profile.AuthNamespace, cmp.Or(l.Namespace, "/"))
	for _, flags := range [][]string{short, namespaced, long, longer, longest} {
		if s.means(profile.Query{Flags: flagsOf(flags)}, t, l) {
			return lineOf(flags)
		}
	}
	if s.means(profile.Query{Name: t.Name, Flags: flagsOf(short[:2])}, t, l) {
		return "vaws login " + l.Method + " --profile " + hint.Quote(t.Name)
	}
	return lineOf(longest)
}

// means reports whether a log-in so would be this one, at the target's Vault.
func (s *session) means(q profile.Query, t profile.Target, l credentials.Login) bool {
	q.Getenv = s.getenv
	got, err := profile.ResolveLogin(q)
	return err == nil && got.Request.Login() == l && got.Request.Namespace == t.Request.Namespace &&
		got.Request.Address == t.Request.Address && got.TLS == t.TLS
}

// flagsOf makes a map of names and values; empty values are left out.
func flagsOf(pairs []string) map[string]string {
	flags := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			flags[pairs[i]] = pairs[i+1]
		}
	}
	return flags
}

func lineOf(pairs []string) string {
	words := []string{"vaws login", pairs[1]}
	for i := 2; i < len(pairs); i += 2 {
		if pairs[i+1] != "" && !slices.Contains(words, "--"+pairs[i]) {
			words = append(words, "--"+pairs[i], hint.Quote(pairs[i+1]))
		}
	}
	return strings.Join(words, " ")
}
