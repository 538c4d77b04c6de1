package cli

import (
	"context"
	"fmt"
	"path/filepath"

	"vaws/internal/cache"
	"vaws/internal/child"
	"vaws/internal/credentials"
	"vaws/internal/endpoint"
	"vaws/internal/profile"
)

// served is a keeper and what it begins with.
type served struct {
	keeper *endpoint.Keeper
	first  *credentials.Credentials // fetched already; nil once it is handed over
}

// newServed keeps the fetcher's target.
func (s *session) newServed(f *fetcher) *served {
	v := &served{}
	v.keeper = &endpoint.Keeper{
		Get: func(ctx context.Context) (credentials.Credentials, error) {
			if c := v.first; c != nil {
				v.first = nil
				return *c, nil
			}
			return f.again(ctx)
		},
		Now:   s.now,
		Warn:  func(err error) { s.warn(fmt.Errorf("%s: %w", f.target.Name, err)) },
		Debug: s.debug,
	}
	return v
}

// start keeps credentials fresh from now on, beginning with those.
func (v *served) start(ctx context.Context, first credentials.Credentials) error {
	v.first = &first
	return v.keeper.Start(ctx)
}

// superviseServed runs the command with an endpoint instead of keys.
func (s *session) superviseServed(ctx context.Context, f *fetcher, first credentials.Credentials, command []string, signals *child.Signals) error {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx)) // until the command has ended
	defer stop()
	kept := s.newServed(f)
	if err := kept.start(ctx, first); err != nil {
		return err
	}
	defer kept.keeper.Wait() // so that nothing is minted any more
	defer stop()
	name := f.target.Name
	server, err := endpoint.Listen(endpoint.Options{Keepers: map[string]*endpoint.Keeper{name: kept.keeper}, Debug: s.debug})
	if err != nil {
		return err
	}
	go func() { _ = server.Serve(ctx) }() // which ends with ctx
	set, unset := s.environment(f.target, endpointVariables(server.URL(name), server.Token()))
	files, release, err := s.filesWithoutDefault()
	if err != nil {
		return err
	}
	defer release()
	return child.Supervise(command, s.childEnvironment(append(set, files...), unset), signals)
}

// endpointVariables lead every SDK to the endpoint. The token's file form is
// unknown to old ones.
func endpointVariables(url, token string) []credentials.Variable {
	return []credentials.Variable{
		{Name: "AWS_CONTAINER_CREDENTIALS_FULL_URI", Value: url},
		{Name: "AWS_CONTAINER_AUTHORIZATION_TOKEN", Value: token},
	}
}

// filesWithoutDefault are variables for the child that lead it to copies of the
// user's AWS files, in which [default] has no credentials: SDKs would take those
// before the endpoint. A file where nothing has to go is left alone.
func (s *session) filesWithoutDefault() (set []credentials.Variable, release func(), err error) {
	var releases []func()
	release = func() {
		for _, r := range releases {
			r()
		}
	}
	for _, file := range []struct{ variable, path string }{
		{"AWS_CONFIG_FILE", profile.ConfigPath(s.getenv)},
		{"AWS_SHARED_CREDENTIALS_FILE", profile.CredentialsPath(s.getenv)},
	} {
		filtered, changed, err := profile.WithoutDefault(file.path)
		if err != nil {
			release()
			return nil, nil, err
		}
		if !changed {
			continue
		}
		path, r, err := child.Lend(lendDir, filepath.Base(file.path), filtered)
		if err != nil {
			release()
			return nil, nil, err
		}
		releases = append(releases, r)
		set = append(set, credentials.Variable{Name: file.variable, Value: path})
	}
	return set, release, nil
}

// lendDir makes the directory of lent files on systems that cannot keep them in memory.
func lendDir() (string, error) { return cache.MakeDir(cache.LentName) }
