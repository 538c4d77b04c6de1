package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"vaws/internal/cache"
	"vaws/internal/credentials"
	"vaws/internal/hint"
	"vaws/internal/profile"
	"vaws/internal/vault"
)

// statusCommand shows what is cached, and how the Vaults are.
type statusCommand struct {
	vaultFlags `embed:""`
	JSON       bool `name:"json" help:"Print JSON."`
}

// Help is shown below the summary.
func (statusCommand) Help() string {
	return `It shows no secrets, and has no credentials made.

    vaws status
    vaws status --json`
}

// statusReport is what "vaws status --json" prints. Times are in RFC 3339 and UTC; what
// is not known, or does not end, is left out.
type statusReport struct {
	Cache       cacheStatus   `json:"cache"`
	Credentials []entryStatus `json:"credentials"`
	Tokens      []tokenStatus `json:"tokens"`
	Vaults      []vaultStatus `json:"vaults"`
}

type cacheStatus struct {
	Directory string   `json:"directory,omitempty"`
	Key       string   `json:"key,omitempty"`   // where the key lives, in words
	Error     string   `json:"error,omitempty"` // why nothing is cached
	Hints     []string `json:"hints,omitempty"`
}

// entryStatus is a set of credentials. Of one that is sealed with another key than this
// call's, opened is false, and account, principal and refresh are not known.
type entryStatus struct {
	Name      string    `json:"name"`                // profile, or MOUNT/ROLE
	Account   string    `json:"account,omitempty"`   // AWS's
	Principal string    `json:"principal,omitempty"` // AWS role, or "federated-user/NAME"
	Type      string    `json:"type"`                // sts, iam_user or static
	Address   string    `json:"address"`             // Vault's
	Namespace string    `json:"namespace,omitempty"`
	Mount     string    `json:"mount"`
	Role      string    `json:"role"` // Vault's
	Expires   time.Time `json:"expires,omitzero"`
	Refresh   time.Time `json:"refresh,omitzero"` // when an SDK's call has Vault asked again
	Opened    bool      `json:"opened"`
	Key       string    `json:"key"` // where the key lives, in words; "another key", "unreadable"
}

type tokenStatus struct {
	Login     string    `json:"login"` // "userpass as alice"
	Address   string    `json:"address"`
	Namespace string    `json:"namespace,omitempty"`
	Expires   time.Time `json:"expires,omitzero"`
	Expired   bool      `json:"expired"`
}

type vaultStatus struct {
	Address   string `json:"address"`
	Namespace string `json:"namespace,omitempty"`
	Login     string `json:"login,omitempty"` // the one that is configured (vaws_auth)
	Reachable bool   `json:"reachable"`
	Sealed    bool   `json:"sealed"`
	Version   string `json:"version,omitempty"`
	// Token is where the token for it comes from, in words; left out if there is none.
	Token    string    `json:"token,omitempty"`
	Expires  time.Time `json:"token_expires,omitzero"`
	Policies []string  `json:"token_policies,omitempty"`
	Error    string    `json:"error,omitempty"` // of Vault or of the token
	Hints    []string  `json:"hints,omitempty"`
}

const (
	// askTime is what one Vault may take for two answers.
	askTime = 4 * time.Second
	// statusTime is what all of them may take together, however many they are.
	statusTime = 10 * time.Second
	// vaultsAtOnce is how many are asked at a time.
	vaultsAtOnce = 16
)

// Run reads the cache, and asks the Vaults meanwhile.
func (c statusCommand) Run(s *session) error {
	s.heedDebug(c.vaultFlags)
	defer s.quitQuietly()()
	defer s.wait("asking Vault how it is")()
	ctx, cancel := context.WithTimeout(context.Background(), statusTime)
	defer cancel()
	mode, err := s.cacheMode(c.vaultFlags)
	if err != nil {
		return err
	}
	uses, err := profile.Uses(s.getenv)
	if err != nil {
		s.warn(err)
	}
	var report statusReport
	var store *cache.Cache
	report.Cache, store = s.statusOfCache(ctx, mode)
	report.Credentials, report.Tokens = s.statusOfEntries(ctx, store, uses)
	report.Vaults = s.statusOfVaults(ctx, s.vaultsInUse(c.vaultFlags, uses), store)
	if c.JSON {
		return s.answerJSON(report)
	}
	return s.answer(report.render(s.screen(), s.now()))
}

func (s *session) statusOfCache(ctx context.Context, mode cache.Mode) (cacheStatus, *cache.Cache) {
	store, err := (*cache.Cache)(nil), errors.New("the cache is off (--cache or VAWS_CACHE)")
	if mode != cache.None {
		store, err = s.openCache(ctx, mode)
	}
	if err != nil {
		return cacheStatus{Error: err.Error(), Hints: hint.Of(err)}, nil
	}
	return cacheStatus{Directory: store.Dir(), Key: store.Place()}, store
}

// statusOfEntries tells what is cached. What cannot be read is a warning.
func (s *session) statusOfEntries(ctx context.Context, store *cache.Cache, uses []profile.Use) ([]entryStatus, []tokenStatus) {
	entries, tokens := []entryStatus{}, []tokenStatus{}
	if store == nil {
		return entries, tokens
	}
	kept, err := store.List(ctx)
	if err != nil {
		s.warn(err)
	}
	for _, e := range kept {
		entries = append(entries, statusOfEntry(e, store.Place(), uses))
	}
	keptTokens, err := store.Tokens(ctx)
	if err != nil {
		s.warn(err)
	}
	for _, t := range keptTokens {
		l := t.Login
		tokens = append(tokens, tokenStatus{l.String(), l.Address, l.Namespace, wholeSeconds(t.Expiry), !t.Valid(s.now())})
	}
	return entries, tokens
}

func statusOfEntry(e cache.Kept, place string, uses []profile.Use) entryStatus {
	status := entryStatus{
		Name: nameOf(e, uses), Type: string(e.Kind), Address: e.Address, Namespace: e.Namespace, Mount: e.Mount, Role: e.Role,
		Expires: wholeSeconds(e.Expiry), Opened: e.Sealed == nil, Key: "another key",
	}
	switch {
	case e.Sealed == nil:
		status.Account, status.Principal = e.Credentials.AccountID(), e.Credentials.Principal()
		lease := e.Credentials.Lease
		status.Expires, status.Refresh = wholeSeconds(lease.Expiry), wholeSeconds(lease.StaleAt(credentials.Refreshable))
		status.Key = place
	case !errors.Is(e.Sealed, cache.ErrOtherKey):
		status.Key = "unreadable"
	}
	return status
}

// wholeSeconds is a time as programs are told it.
func wholeSeconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// nameOf is the first profile that the entry is for, else its role.
func nameOf(e cache.Kept, uses []profile.Use) string {
	for _, u := range uses {
		if u.Err == nil && (e.Sealed == nil && e.Request == u.Target.Request || e.Sealed != nil && isOf(e, u.Target)) {
			return u.Profile
		}
	}
	if e.Kind == "" {
		return "(unreadable)"
	}
	if e.Sealed == nil {
		return e.Request.Path()
	}
	return e.Mount + "/" + e.Role
}

// vaultsInUse are the targets that differ in their Vault or their log-in: that of the
// surroundings first, then those of the profiles.
func (s *session) vaultsInUse(f vaultFlags, uses []profile.Use) []profile.Target {
	var all []profile.Target
	if t, err := s.resolveLogin(loginFlags{vaultFlags: f}, nil); err == nil {
		all = append(all, t)
	}
	for _, u := range uses {
		if u.Err == nil {
			all = append(all, u.Target)
		}
	}
	return distinct(all)
}

// place is what tells two Vaults, or two log-ins to one, apart.
type place struct {
	address, namespace, via string
	login                   credentials.Login
}

func placeOf(t profile.Target) place {
	return place{t.Request.Address, t.Request.Namespace, t.Via, t.Request.Login()}
}

// distinct keeps the first target of each place.
func distinct(all []profile.Target) []profile.Target {
	seen := map[place]bool{}
	return slices.DeleteFunc(all, func(t profile.Target) bool {
		known := seen[placeOf(t)]
		seen[placeOf(t)] = true
		return known
	})
}

func (s *session) statusOfVaults(ctx context.Context, targets []profile.Target, tokens *cache.Cache) []vaultStatus {
	all := make([]vaultStatus, len(targets))
	slots := make(chan struct{}, vaultsAtOnce)
	var wait sync.WaitGroup
	for i, t := range targets {
		slots <- struct{}{}
		wait.Go(func() {
			all[i] = s.statusOfVault(ctx, t, tokens)
			<-slots
		})
	}
	wait.Wait()
	return all
}

// briefly is the configuration for questions that must not take long.
func (s *session) briefly(t profile.Target, tokens *cache.Cache) (vault.Config, error) {
	config, err := s.vaultConfig(t, targetFlags{}, tokens, false)
	config.Once, config.Timeout = true, askTime
	return config, err
}

func (s *session) statusOfVault(ctx context.Context, t profile.Target, tokens *cache.Cache) vaultStatus {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	status := vaultStatus{Address: t.Request.Address, Namespace: t.Request.Namespace}
	if t.Request.AuthMethod != "" {
		status.Login = t.Request.Login().String()
	}
	config, err := s.briefly(t, tokens)
	if err == nil {
		err = status.ask(ctx, vault.New(config), t.Request)
	}
	if err != nil {
		status.Error, status.Hints = err.Error(), hint.Of(err)
	}
	return status
}

// ask fills in what Vault says.
func (v *vaultStatus) ask(ctx context.Context, from *vault.Source, r credentials.Request) error {
	health, err := from.Health(ctx)
	if err != nil {
		return err
	}
	v.Reachable, v.Sealed, v.Version = true, health.Sealed, health.Version
	if err := health.Usable(); err != nil {
		return err
	}
	held, err := from.LookUp(ctx, r)
	v.Token, v.Policies, v.Expires = held.From, held.Policies, wholeSeconds(held.Expiry)
	return err
}

// render writes the report for people.
func (r statusReport) render(sc screen, now time.Time) []byte {
	var out bytes.Buffer
	where := fmt.Sprintf("cache: %s, its key in %s", shortened(r.Cache.Directory), r.Cache.Key)
	if r.Cache.Error != "" {
		where = "no cache: " + r.Cache.Error
	} else if len(r.Credentials) == 0 {
		where += "; nothing is cached"
	}
	for _, line := range wrap(where, sc.width) {
		out.WriteString(line + "\n")
	}
	for _, advice := range r.Cache.Hints {
		out.WriteString("  " + printable(advice) + "\n")
	}
	for _, t := range []table{r.entries(now), r.tokens(now), r.vaults(now)} {
		if len(t.rows) > 0 {
			out.WriteByte('\n')
			out.Write(t.render(sc))
		}
	}
	for _, v := range r.Vaults {
		if v.Error != "" {
			out.WriteByte('\n')
			sc.writeFault(&out, v.Address, hint.Wrap(errors.New(v.Error), v.Hints...))
		}
	}
	return out.Bytes()
}

func (r statusReport) entries(now time.Time) table {
	t := table{columns: []column{
		{"NAME", 10}, {"ACCOUNT", 0}, {"AWS ROLE", 10}, {"TYPE", 0}, {"MOUNT", 6}, {"VAULT", 14}, {"NAMESPACE", 6},
		{"LEFT", 0}, {"REFRESH", 0}, {"KEY", 8},
	}}
	for _, e := range r.Credentials {
		left, ink := leftOf(e.Expires, now)
		refresh := ""
		switch {
		case !e.Opened:
		case left == expired || !e.Refresh.After(now):
			refresh = "next call"
			ink = cmp.Or(ink, yellow)
		default:
			refresh = "in " + credentials.Roughly(e.Refresh.Sub(now))
			ink = cmp.Or(ink, green)
		}
		row := plain(e.Name, e.Account, e.Principal, e.Type, e.Mount, e.Address, e.Namespace, "", refresh, strings.TrimPrefix(e.Key, "the "))
		row[7] = cell{left, ink}
		t.rows = append(t.rows, row)
	}
	return t
}

func (r statusReport) tokens(now time.Time) table {
	t := table{columns: []column{{"LOG-IN", 10}, {"VAULT", 14}, {"NAMESPACE", 6}, {"LEFT", 0}}}
	for _, k := range r.Tokens {
		left, ink := leftOf(k.Expires, now)
		t.rows = append(t.rows, append(plain(k.Login, k.Address, k.Namespace), cell{left, ink}))
	}
	return t
}

func (r statusReport) vaults(now time.Time) table {
	t := table{columns: []column{{"VAULT", 14}, {"NAMESPACE", 6}, {"STATE", 0}, {"VERSION", 0}, {"TOKEN FROM", 10}, {"LEFT", 0}, {"POLICIES", 8}}}
	for _, v := range r.Vaults {
		left, ink := leftOf(v.Expires, now)
		if v.Token != "" && v.Expires.IsZero() && v.Error == "" {
			left = "no end"
		}
		state, stateInk := "unsealed", green
		switch {
		case !v.Reachable:
			state, stateInk = "unreachable", red
		case v.Sealed:
			state, stateInk = "sealed", red
		}
		from := v.Token
		if from == "" && v.Reachable && !v.Sealed {
			from = "none"
		}
		t.rows = append(t.rows, append(plain(v.Address, v.Namespace), cell{state, stateInk}, cell{text: v.Version}, cell{text: from}, cell{left, ink}, cell{text: strings.Join(v.Policies, " ")}))
	}
	return t
}

const expired = "expired"

// leftOf is the time until an end, which may not be known.
func leftOf(end, now time.Time) (string, colour) {
	switch {
	case end.IsZero():
		return "", noColour
	case !end.After(now):
		return expired, red
	}
	return credentials.Roughly(end.Sub(now)), noColour
}
