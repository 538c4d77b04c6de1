package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

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
func (v serveCommand) Run(s *session) error {
	token, err := readOrMakeToken(v.TokenFile)
	if err != nil {
		return err
	}
	background, cancel := context.WithCancel(context.Background())
	defer cancel()
	keepers, err := v.keepers(background, s)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(background, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	server, err := endpoint.Listen(endpoint.Options{Keepers: keepers, Port: v.Port, Token: token, Debug: s.debug})
	if err != nil {
		return err
	}
	if err := s.answer(v.toPaste(server)); err != nil {
		return err
	}
	return server.Serve(ctx)
}

// keepers fetches the credentials of every name before any of them is served.
func (v serveCommand) keepers(ctx context.Context, s *session) (map[string]*endpoint.Keeper, error) {
	keepers := map[string]*endpoint.Keeper{}
	for _, name := range v.Names {
		if keepers[name] != nil {
			return nil, usageError{hint.Errorf("name it once", "%q is there twice", name)}
		}
		target, err := s.resolve(name, v.targetFlags)
		if err != nil {
			return nil, err
		}
		f := s.newFetcher(target, v.targetFlags, caller{demand: credentials.Demand{Rule: credentials.Refreshable}, prompts: true})
		first, err := f.first(ctx)
		if err != nil {
			return nil, s.suggest(target, err)
		}
		if keepers[name], err = s.keep(ctx, f, first); err != nil {
			return nil, err
		}
	}
	return keepers, nil
}

// toPaste is what clients have to be told, in three forms.
func (v serveCommand) toPaste(server *endpoint.Server) []byte {
	var out bytes.Buffer
	token := server.Token()
	if v.TokenFile != "" {
		token = fmt.Sprintf(`"$(cat %s)"`, quote(v.TokenFile))
	}
	for _, name := range v.Names {
		url := quote(server.URL(name))
		fmt.Fprintf(&out, "# %s, in a shell\n", name)
		fmt.Fprintf(&out, "export AWS_CONTAINER_CREDENTIALS_FULL_URI=%s\nexport AWS_CONTAINER_AUTHORIZATION_TOKEN=%s\n", url, token)
		fmt.Fprintf(&out, "# in docker\ndocker run --network host -e AWS_CONTAINER_CREDENTIALS_FULL_URI=%s -e AWS_CONTAINER_AUTHORIZATION_TOKEN=%s IMAGE\n", url, token)
		fmt.Fprintf(&out, "# in a systemd unit\n[Service]\nEnvironment=AWS_CONTAINER_CREDENTIALS_FULL_URI=%s\n", strings.ReplaceAll(server.URL(name), "%", "%%"))
		if v.TokenFile != "" {
			fmt.Fprintf(&out, "Environment=AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=%s\n", v.TokenFile)
		} else {
			fmt.Fprintf(&out, "Environment=AWS_CONTAINER_AUTHORIZATION_TOKEN=%s\n", token)
		}
	}
	return out.Bytes()
}

// quote makes a word of a POSIX shell.
func quote(text string) string {
	if strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:~-") == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// readOrMakeToken reads the token file, which nobody else may read, or makes one
// if there is none. Without a file the token is made by the endpoint.
func readOrMakeToken(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeToken(path)
	}
	if err != nil {
		return "", fmt.Errorf("reading the token file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return "", hint.Errorf("name a file: --token-file ~/.vaws-token", "%s is not a regular file", path)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return "", hint.Errorf("run: chmod 600 "+quote(path), "others may read the token file %s (mode %04o)", path, mode)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("reading the token file: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" {
		return "", hint.Errorf("remove it, and vaws makes one: rm "+quote(path), "the token file %s is empty", path)
	}
	return token, nil
}

// makeToken never leaves a file without a token behind.
func makeToken(path string) (string, error) {
	token := endpoint.NewToken()
	f, err := os.CreateTemp(filepath.Dir(path), ".vaws-token-") // of mode 0600
	if err != nil {
		return "", fmt.Errorf("making the token file: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = fmt.Fprintln(f, token)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Link(f.Name(), path)
	}
	if err != nil {
		return "", fmt.Errorf("making the token file: %w", err)
	}
	return token, nil
}
