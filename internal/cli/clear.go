package cli

import (
	"context"
	"errors"
	"fmt"

	"vaws/internal/cache"
	"vaws/internal/credentials"
	"vaws/internal/hint"
	"vaws/internal/profile"
)

// clearCommand forgets what is cached.
type clearCommand struct {
	targetFlags `embed:""`
	All         bool     `help:"Forget everything."`
	Revoke      bool     `help:"Revoke the leases as well, which deletes IAM users at once."`
	Names       []string `arg:"" optional:"" name:"name" help:"Profiles, roles, or MOUNT/ROLE."`
}

// Help is shown below the summary.
func (clearCommand) Help() string {
	return `An IAM user lives until its lease ends, whether it is cached or not: --revoke ends it. STS credentials cannot be revoked; AWS keeps them valid until they expire.

    vaws clear ec2-admin
    vaws clear --all --revoke`
}

// Run forgets entries one by one. One whose lease should be revoked and cannot
// be is kept.
func (c clearCommand) Run(s *session) error {
	if c.All == (len(c.Names) > 0) {
		return usageError{hint.Errorf("run: vaws clear NAME, or: vaws clear --all", "what to forget is not said")}
	}
	ctx := context.Background()
	mode, err := s.cacheMode(c.targetFlags)
	if err != nil {
		return err
	}
	store, err := s.openCache(ctx, mode)
	if err != nil {
		return err
	}
	targets, err := c.targets(s)
	if err != nil {
		return err
	}
	entries, err := store.List(ctx)
	if err != nil {
		return err
	}
	failed := 0
	for _, e := range entries {
		target, known := targets[e.Request.Key()]
		if !c.All && !known {
			continue
		}
		if err := c.forget(ctx, s, store, e, target, known); err != nil {
			failed++
			s.report("error", err)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of the cached credentials were kept", failed)
	}
	return nil
}

// targets are those of the given names, or of every profile, by their requests'
// keys.
func (c clearCommand) targets(s *session) (map[string]profile.Target, error) {
	names := c.Names
	if c.All {
		names = profile.Names(profile.ConfigPath(s.getenv))
	}
	targets := map[string]profile.Target{}
	for _, name := range names {
		t, err := s.resolve(name, c.targetFlags)
		switch {
		case err == nil:
			targets[t.Request.Key()] = t
		case !c.All: // another profile's fault is no reason to keep what is cached
			return nil, err
		}
	}
	return targets, nil
}

// forget removes an entry, after its lease if that is to go, too.
func (c clearCommand) forget(ctx context.Context, s *session, store *cache.Cache, e cache.Kept, t profile.Target, known bool) error {
	what := fmt.Sprintf("role %q on mount %q of %s", e.Role, e.Mount, e.Address)
	if e.Kind == credentials.IAMUser && e.LeaseEnd.After(s.now()) {
		if !c.Revoke {
			s.warn(hint.Errorf("to delete it at once: vaws clear --revoke NAME", "the IAM user of %s lives until %s", what, e.LeaseEnd.Local().Format("2006-01-02 15:04")))
		} else if err := c.revoke(ctx, s, e, t, known); err != nil {
			return fmt.Errorf("%s is kept: %w", what, err)
		}
	}
	return store.Forget(e)
}

var errSealed = errors.New("its lease is sealed with another key")

func (c clearCommand) revoke(ctx context.Context, s *session, e cache.Kept, t profile.Target, known bool) error {
	if !e.Opened {
		return hint.Wrap(errSealed, "try where that key is: --cache keyring, --cache kernel, or VAWS_CACHE_KEY_FILE")
	}
	if !known {
		var err error
		if t, err = profile.ForRequest(e.Request, s.getenv); err != nil {
			return err
		}
	}
	config, err := s.vaultConfig(t, c.targetFlags, caller{})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, revokeTime)
	defer cancel()
	return s.newSource(config, t, 0).Revoke(ctx, e.Request, e.Credentials.Lease.ID)
}
