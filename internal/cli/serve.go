package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"vaws/internal/cache"
	"vaws/internal/credentials"
	"vaws/internal/endpoint"
	"vaws/internal/hint"
)

// serveCommand is the endpoint of exec --server for programs that vaws does not
// start.
type serveCommand struct {
	targetFlags `embed:""`
	Port        int      `placeholder:"N" help:"Port to listen on; otherwise one that is free."`
	TokenFile   string   `placeholder:"FILE" help:"File with the token that clients must send; made if it does not exist."`
	Names       []string `arg:"" name:"name" help:"Profiles, roles, or MOUNT/ROLE."`
}

// Help is shown below the summary.
func (serveCommand) Help() string {
	return `It listens on 127.0.0.1 alone, which is all that AWS SDKs accept, and prints what to set in a shell, for docker and in a systemd unit. SIGTERM or Ctrl-C ends it.

    vaws serve --port 9911 --token-file ~/.vaws-token ec2-admin`
}

// Run serves until a signal ends it.
func (v *serveCommand) Run(s *session) error {
	if v.Port < 0 || v.Port > 65535 {
		return usageError{hint.Errorf("a port is a number from 1 to 65535", "--port %d is no port", v.Port)}
	}
	ends := endings() // a question would make Go forget what was ignored
	token, err := v.token()
	if err != nil {
		return err
	}
	fetchers, err := v.fetchers(s)
	if err != nil {
		return err
	}
	background, cancel := context.WithCancel(context.Background())
	defer cancel()
	served := map[string]*served{}
	keepers := map[string]*endpoint.Keeper{}
	for _, f := range fetchers {
		served[f.target.Name] = s.newServed(f)
		keepers[f.target.Name] = served[f.target.Name].keeper
	}
	// A port that is taken is found out before anything is minted.
	server, err := endpoint.Listen(endpoint.Options{Keepers: keepers, Port: v.Port, Token: token, Debug: s.debug})
	if err != nil {
		return err
	}
	defer s.quitQuietly()()
	for _, f := range fetchers {
		done := s.wait(forVault)
		first, err := f.first(background)
		done()
		if err == nil {
			err = served[f.target.Name].start(background, first)
		}
		if err != nil {
			return s.suggest(f.target, err)
		}
	}
	ctx, stop := signal.NotifyContext(background, ends...)
	defer stop()
	if err := s.answer(v.toPaste(s, server, fetchers)); err != nil {
		return err
	}
	return server.Serve(ctx)
}

// fetchers finds the target of every name.
func (v serveCommand) fetchers(s *session) ([]*fetcher, error) {
	var all []*fetcher
	for i, name := range v.Names {
		if slices.Contains(v.Names[:i], name) {
			return nil, usageError{hint.Errorf("name it once", "%q is there twice", name)}
		}
		target, err := s.resolve(name, v.targetFlags)
		if err != nil {
			return nil, err
		}
		s.warnIfPlain(target)
		who := caller{demand: credentials.Demand{Rule: credentials.Refreshable}, prompts: true}
		all = append(all, s.newFetcher(target, v.targetFlags, who))
	}
	return all, nil
}

// toPaste is what clients have to be told: in a shell, to docker, in a unit. The
// token is on no command line.
func (v serveCommand) toPaste(s *session, server *endpoint.Server, fetchers []*fetcher) []byte {
	var out bytes.Buffer
	token := server.Token()
	if v.TokenFile != "" {
		token = fmt.Sprintf(`"$(cat %s)"`, hint.Quote(v.TokenFile))
	}
	for _, f := range fetchers {
		name, region := f.target.Name, hint.Quote(s.regionOf(f.target))
		url := server.URL(name)
		names := "-e AWS_CONTAINER_CREDENTIALS_FULL_URI -e AWS_CONTAINER_AUTHORIZATION_TOKEN"
		fmt.Fprintf(&out, "# %s, in a shell\nunset %s\n", name, strings.Join(credentials.Cleared(), " "))
		fmt.Fprintf(&out, "export AWS_CONTAINER_CREDENTIALS_FULL_URI=%s\nexport AWS_CONTAINER_AUTHORIZATION_TOKEN=%s\nexport %s=%s\n", hint.Quote(url), token, nameVariable, hint.Quote(name))
		if region != "" {
			fmt.Fprintf(&out, "export AWS_REGION=%s AWS_DEFAULT_REGION=%s\n", region, region)
			names += " -e AWS_REGION"
		}
		fmt.Fprintf(&out, "# after that, in docker\ndocker run --network host %s IMAGE\n", names)
		if v.TokenFile != "" {
			fmt.Fprintf(&out, "# in a systemd unit\n[Service]\nEnvironment=%s\nEnvironment=%s\n",
				unitQuote("AWS_CONTAINER_CREDENTIALS_FULL_URI="+url), unitQuote("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE="+v.TokenFile))
		} else {
			fmt.Fprintf(&out, "# in a systemd unit, which everybody can read: use --token-file\n")
		}
	}
	return out.Bytes()
}

// unitQuote makes a word of a systemd unit (systemd.syntax(7), "Quoting").
func unitQuote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%").Replace(text) + `"`
}

// token is that of the token file, whose path it makes absolute; empty without
// one: the endpoint then makes a token.
func (v *serveCommand) token() (string, error) {
	if v.TokenFile == "" {
		return "", nil
	}
	path, err := filepath.Abs(v.TokenFile)
	if err != nil {
		return "", err
	}
	v.TokenFile = path
	token, err := readOrMakeToken(path)
	if err != nil {
		return "", fmt.Errorf("token file %s: %w", path, err)
	}
	return token, nil
}

// tokenFileLimit is what fits into a request's headers.
const tokenFileLimit = 8 << 10

// readOrMakeToken reads the token file, which nobody else may read, or makes one
// if there is none. SDKs refuse a token with a newline at its end, so there must
// be none in the file.
func readOrMakeToken(path string) (string, error) {
	token, err := readToken(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return token, err
	}
	if token, err = makeToken(path); errors.Is(err, fs.ErrExist) {
		return readToken(path) // another process was faster
	}
	return token, err
}

func readToken(path string) (string, error) {
	text, err := cache.ReadPrivate(path, tokenFileLimit)
	const advice = "remove it, and vaws makes one: rm "
	switch {
	case err != nil && len(hint.Of(err)) > 0:
		return "", err
	case err != nil:
		return "", hint.Wrap(withoutPath(err), "name a file of your own: --token-file ~/.vaws-token")
	case len(text) < 32:
		return "", hint.Errorf(advice+hint.Quote(path), "less than 32 characters are no token")
	case strings.ContainsFunc(string(text), func(r rune) bool { return r <= ' ' || r > '~' }):
		return "", hint.Errorf(advice+hint.Quote(path), "a token holds no blanks and ends without a newline")
	}
	return string(text), nil
}

// makeToken never leaves a file without a token behind.
func makeToken(path string) (string, error) {
	token := endpoint.NewToken()
	f, err := os.CreateTemp(filepath.Dir(path), ".vaws-token-") // of mode 0600
	if err != nil {
		return "", hint.Wrap(withoutPath(err), "name a file in a directory that exists: --token-file ~/.vaws-token")
	}
	defer os.Remove(f.Name())
	_, err = io.WriteString(f, token)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Link(f.Name(), path)
	}
	return token, withoutPath(err)
}

// withoutPath takes the names of files out of an error, which may be temporary
// ones.
func withoutPath(err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return path.Err
	}
	if link := (*os.LinkError)(nil); errors.As(err, &link) {
		return link.Err
	}
	return err
}
