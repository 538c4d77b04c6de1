// Command demo shows what vaws does, against a real Vault and a stand-in for
// AWS that it starts and ends itself, or opens a shell between them (-playground). It
// needs Go and nothing else, and leaves nothing behind but the built Vault in the
// user's cache directory.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"vaws/internal/lab"
	"vaws/internal/lab/aws"
)

func main() {
	prepare := flag.Bool("prepare", false, "only build Vault, so that later runs start at once")
	playground := flag.Bool("playground", false, "open a shell there instead of showing anything")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	lab.ScrubEnvironment()
	var err error
	switch {
	case *prepare:
		_, err = lab.BuildVault(ctx, os.Stderr)
	case *playground:
		err = run(ctx, os.Stdout, func(s *stage) error { return s.open(os.Stdin) })
	default:
		err = run(ctx, os.Stdout, func(s *stage) error { return s.play(ctx) })
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo: error:", err)
		os.Exit(1)
	}
}

// run sets the stage, has something played on it, and clears up.
func run(ctx context.Context, out io.Writer, play func(*stage) error) (err error) {
	binaries, err := lab.Build(ctx, out)
	if err != nil {
		return err
	}
	defer func() { _ = binaries.Remove() }()
	stand, err := aws.New(aws.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = stand.Close() }()
	vault, err := lab.StartVault(ctx, lab.VaultOptions{Binary: binaries.Vault})
	if err != nil {
		return err
	}
	defer func() { _ = vault.Close() }()
	if err := vault.MountAWS(ctx, "aws", stand, lab.Account); err != nil {
		return err
	}
	token, err := vault.MountToken(ctx, lab.TokenOptions{Mount: "aws", Kind: "full"})
	if err != nil {
		return err
	}
	home, err := os.MkdirTemp("", "vaws-demo")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(home) }()
	if err := writeConfig(home); err != nil {
		return err
	}
	s := &stage{out: out, stand: stand, home: home, env: environment(binaries, vault, stand, home, token)}
	s.introduce()
	return play(s)
}

// environment is that of the demo's commands: the user's, with a HOME, a Vault,
// an AWS and a cache of their own.
func environment(b *lab.Binaries, v *lab.Vault, stand *aws.Server, home, token string) []string {
	return append(os.Environ(),
		"HOME="+home,
		"XDG_CONFIG_HOME="+filepath.Join(home, ".config"),
		"XDG_CACHE_HOME="+filepath.Join(home, ".cache"),
		"XDG_DATA_HOME="+filepath.Join(home, ".local", "share"),
		"XDG_STATE_HOME="+filepath.Join(home, ".local", "state"),
		"PATH="+b.Dir+string(os.PathListSeparator)+os.Getenv("PATH"),
		"VAULT_ADDR="+v.Addr,
		"VAULT_TOKEN="+token,
		"VAWS_CACHE=file",
		"VAWS_CACHE_KEY_FILE="+filepath.Join(home, "cache-key"),
		"AWS_ENDPOINT_URL="+stand.URL(),
		"AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1", // the one is new SDKs', the other old ones'
		"AWS_EC2_METADATA_DISABLED=true",
	)
}

const awsConfig = `[profile ec2-admin]
credential_process = vaws credential-process ec2-admin

[profile other-account]
vaws_role = multi
vaws_role_arn = arn:aws:iam::` + lab.OtherAccount + `:role/reader
`

func writeConfig(home string) error {
	dir := filepath.Join(home, ".aws")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "config"), []byte(awsConfig), 0o600)
}
