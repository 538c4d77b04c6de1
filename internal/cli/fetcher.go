package cli

import (
	"context"

	"vaws/internal/credentials"
	"vaws/internal/profile"
)

// fetcher gets the credentials of one target for as long as vaws runs.
type fetcher struct {
	target profile.Target
	demand credentials.Demand
	// provider is made anew each time: the user's token and the cache's key may
	// have changed since. prompts says that a person may be asked.
	provider func(ctx context.Context, prompts bool) (*credentials.Provider, error)
}

func (s *session) newFetcher(t profile.Target, f targetFlags, who caller) *fetcher {
	return &fetcher{
		target: t,
		demand: who.demands(f),
		provider: func(ctx context.Context, prompts bool) (*credentials.Provider, error) {
			return s.provider(ctx, t, f, who.prompts && prompts)
		},
	}
}

// first gets credentials as every command does.
func (f *fetcher) first(ctx context.Context) (credentials.Credentials, error) {
	p, err := f.provider(ctx, true)
	if err != nil {
		return credentials.Credentials{}, err
	}
	return p.Get(ctx, f.target.Request, f.demand)
}

// again gets credentials in the background. Where they come with a warning, such
// as that they are old ones because Vault gave none, it returns that as well.
func (f *fetcher) again(ctx context.Context) (credentials.Credentials, error) {
	p, err := f.provider(ctx, false)
	if err != nil {
		return credentials.Credentials{}, err
	}
	var warning error
	p.Warn = func(err error) { warning = err }
	demand := f.demand
	demand.Refresh, demand.Retry = false, false
	c, err := p.Get(ctx, f.target.Request, demand)
	if err == nil {
		err = warning
	}
	return c, err
}
