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

// keep starts to keep the target's credentials fresh, beginning with those that
// were fetched already.
func (s *session) keep(ctx context.Context, f *fetcher, first credentials.Credentials) (*endpoint.Keeper, error) {
	fetched := &first
	keeper := &endpoint.Keeper{
		Get: func(ctx context.Context) (credentials.Credentials, error) {
			if c := fetched; c != nil {
				fetched = nil
				return *c, nil
			}
			return f.again(ctx)
		},
		Now:   s.now,
		Warn:  func(err error) { s.warn(fmt.Errorf("%s: %w", f.target.Name, err)) },
		Debug: s.debug,
	}
	return keeper, keeper.Start(ctx)
}

// superviseServed runs the command with an endpoint instead of keys.
func (s *session) superviseServed(ctx context.Context, f *fetcher, first credentials.Credentials, command []string, signals *child.Signals) error {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx)) // until the command has ended
	defer stop()
	keeper, err := s.keep(ctx, f, first)
	if err != nil {
		return err
	}
	defer keeper.Wait() // so that nothing is minted any more
	defer stop()
	name := f.target.Name
	server, err := endpoint.Listen(endpoint.Options{Keepers: map[string]*endpoint.Keeper{name: keeper}, Debug: s.debug})
	if err != nil {
		return err
	}
	go server.Serve(ctx)
	set := append(s.regionVariables(f.target.Region), endpointVariables(server.URL(name), server.Token())...)
	unset := append(credentials.Cleared(), s.ownRegion()...)
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
		if err != nil || !changed {
			s.debug("%s stays as it is: %v", file.path, err)
			continue
		}
		path, r, err := child.Lend(lendDir(), filepath.Base(file.path), filtered)
		if err != nil {
			release()
			return nil, nil, err
		}
		releases = append(releases, r)
		set = append(set, credentials.Variable{Name: file.variable, Value: path})
	}
	return set, release, nil
}

// lendDir is where lent files are on systems that cannot keep them in memory.
func lendDir() string {
	dir, err := cache.DefaultDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "lent")
}
