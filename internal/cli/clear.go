package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"vaws/internal/cache"
	"vaws/internal/child"
	"vaws/internal/credentials"
	"vaws/internal/hint"
	"vaws/internal/profile"
)

// clearCommand forgets what is cached.
type clearCommand struct {
	vaultFlags `embed:""`
	Mount      *string  `placeholder:"PATH" help:"Mount of the AWS secrets engine, by default aws (VAWS_MOUNT)."`
	All        bool     `help:"Forget everything: credentials, log-ins, and the cache's key wherever it is."`
	Revoke     bool     `help:"Revoke the leases as well, which deletes IAM users at once."`
	Names      []string `arg:"" optional:"" name:"name" help:"Profiles, roles, or MOUNT/ROLE."`
}

// Help is shown below the summary.
func (clearCommand) Help() string {
	return `An IAM user lives until its lease ends, whether it is cached or not: --revoke ends it. STS credentials cannot be revoked; AWS keeps them valid until they expire.

    vaws clear ec2-admin
    vaws clear --all             # leaves nothing of vaws but what is in the AWS config
    vaws clear --all --revoke    # ends leases and log-ins before`
}

// Run forgets entries one by one. One whose lease should be revoked and cannot
// be is kept, and with it the tokens and the key that it takes to try again.
func (c clearCommand) Run(s *session) error {
	switch {
	case c.All && len(c.Names) > 0:
		return usageError{hint.Errorf("run: vaws clear NAME, or: vaws clear --all", "--all and a NAME are two different things to forget")}
	case !c.All && len(c.Names) == 0:
		return usageError{hint.Errorf("run: vaws clear NAME, or: vaws clear --all", "what to forget is not said")}
	}
	s.heedDebug(c.vaultFlags)
	defer s.quitQuietly()()
	ctx := context.Background()
	mode, err := s.cacheMode(c.vaultFlags)
	if err != nil {
		return err
	}
	targets, err := c.targets(s)
	if err != nil {
		return err
	}
	store, err := s.openCache(ctx, mode)
	if err != nil {
		return err
	}
	entries, err := store.List(ctx)
	if err != nil {
		return err
	}
	if c.All {
		if err := c.forgetAll(ctx, s, store, entries, targets); err != nil {
			return err
		}
		if err := c.forgetTokens(ctx, s, store); err != nil {
			return err
		}
		return c.removeCache(ctx, s, store.Dir(), mode)
	}
	entries = slices.DeleteFunc(entries, func(e cache.Kept) bool {
		return !slices.ContainsFunc(targets, func(t profile.Target) bool { return isOf(e, t) })
	})
	if len(entries) == 0 {
		s.warn(fmt.Errorf("nothing was cached for %s", strings.Join(c.Names, ", ")))
	}
	return c.forgetAll(ctx, s, store, entries, targets)
}

// forgetAll tells of each entry that it has to keep.
func (c clearCommand) forgetAll(ctx context.Context, s *session, store *cache.Cache, entries []cache.Kept, targets []profile.Target) error {
	defer s.wait(forVault)()
	kept := 0
	for _, e := range entries {
		if err := c.forget(ctx, s, store, e, targets); err != nil {
			kept++
			s.printError(err)
		}
	}
	if kept > 0 {
		return fmt.Errorf("%d of the cached credentials were kept", kept)
	}
	return nil
}

// removeCache removes what is left: files, locks, and the key wherever it is.
func (clearCommand) removeCache(ctx context.Context, s *session, dir string, mode cache.Mode) error {
	child.SweepLent(filepath.Join(dir, cache.LentName))
	unseen, err := cache.Remove(ctx, s.cacheOptions(mode))
	for _, place := range unseen {
		s.warn(fmt.Errorf("there may be a key left: %w", place))
	}
	return err
}

// forgetTokens revokes the tokens of log-ins if that is wanted. Otherwise they go with
// the cache.
func (c clearCommand) forgetTokens(ctx context.Context, s *session, store *cache.Cache) error {
	if !c.Revoke {
		return nil
	}
	tokens, err := store.Tokens(ctx)
	if err != nil {
		return err
	}
	return logoutCommand{Revoke: true}.forgetAll(ctx, s, store, tokens)
}

// isOf reports whether an entry is of the target's role, whatever was asked of
// the role.
func isOf(e cache.Kept, t profile.Target) bool {
	r := t.Request
	return e.Address == r.Address && e.Namespace == r.Namespace && e.Mount == r.Mount && e.Role == r.Role
}

// targets are those of the given names, or of every profile.
func (c clearCommand) targets(s *session) ([]profile.Target, error) {
	names := c.Names
	if c.All {
		names = profile.Names(profile.ConfigPath(s.getenv))
	}
	var targets []profile.Target
	for _, name := range names {
		t, err := s.resolve(name, targetFlags{vaultFlags: c.vaultFlags, Mount: c.Mount})
		switch {
		case err == nil:
			targets = append(targets, t)
		case !c.All: // another profile's fault is no reason to keep what is cached
			return nil, err
		}
	}
	return targets, nil
}

// forget removes an entry, after its lease if that is to go, too.
func (c clearCommand) forget(ctx context.Context, s *session, store *cache.Cache, e cache.Kept, targets []profile.Target) error {
	err := store.Forget(ctx, e, func(e cache.Kept) error {
		alive := e.Kind == "" || e.Kind == credentials.IAMUser && e.LeaseEnd.After(s.now())
		switch {
		case alive && c.Revoke:
			return c.revoke(ctx, s, store, e, targets)
		case alive && e.Kind != "":
			s.warn(hint.Wrap(fmt.Errorf("the IAM user of %s lives until %s", e, e.LeaseEnd.Local().Format("2006-01-02 15:04")), howToRevoke(e)...))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s is kept: %w", e, err)
	}
	return nil
}

// howToRevoke is the hint for a lease that vaws is about to forget.
func howToRevoke(e cache.Kept) []string {
	if e.Sealed != nil {
		return nil
	}
	return []string{"to delete it at once: vault lease revoke " + e.Credentials.Lease.ID}
}

func (c clearCommand) revoke(ctx context.Context, s *session, tokens *cache.Cache, e cache.Kept, targets []profile.Target) error {
	if e.Sealed != nil {
		err := fmt.Errorf("its lease cannot be seen: %w", e.Sealed)
		if errors.Is(err, cache.ErrOtherKey) {
			err = hint.Wrap(err, "name that key's place: --cache keyring, --cache kernel, or VAWS_CACHE_KEY_FILE")
		}
		return err
	}
	i := slices.IndexFunc(targets, func(t profile.Target) bool { return isOf(e, t) && sameLogin(e.Request, t.Request) })
	if i < 0 {
		t, err := profile.ForRequest(e.Request, s.getenv)
		if err != nil {
			return err
		}
		targets, i = []profile.Target{t}, 0
	}
	config, err := s.vaultConfig(targets[i], targetFlags{}, tokens, false)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, revokeTime)
	defer cancel()
	return s.newSource(config, targets[i], targetFlags{}).Revoke(ctx, e.Request, e.Credentials.Lease)
}

func sameLogin(a, b credentials.Request) bool {
	return a.Login() == b.Login()
}
