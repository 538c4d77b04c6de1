package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"vaws/internal/lab"
	"vaws/internal/lab/aws"
)

const (
	columns = 96
	rows    = 40
	// password is alice's. Nobody sees it typed.
	password = "correct horse battery staple"
	// patience bounds a scene.
	patience = time.Minute
)

// stage is the world of the pictures.
type stage struct {
	binaries *lab.Binaries
	stand    *aws.Server
	vault    *lab.Vault
	home     string
	token    string
	// environ changes when a scene unsets a variable.
	environ []string
}

func open(ctx context.Context) (_ *stage, err error) {
	st := &stage{}
	defer func() {
		if err != nil {
			st.close()
		}
	}()
	if st.binaries, err = lab.Build(ctx, os.Stderr); err != nil {
		return nil, err
	}
	if st.stand, err = aws.New(aws.Options{}); err != nil {
		return nil, err
	}
	if st.vault, err = lab.StartVault(ctx, lab.VaultOptions{Binary: st.binaries.Vault}); err != nil {
		return nil, err
	}
	if err := st.setUp(ctx); err != nil {
		return nil, err
	}
	st.home = "/tmp/" + rand.Text()[:len(shownHome)-len("/tmp/")] // lines break as at the shown one
	if err := os.Mkdir(st.home, 0o700); err != nil {
		st.home = "" // not ours to remove
		return nil, err
	}
	st.environ = st.environment()
	return st, st.writeHome()
}

// setUp gives Vault an engine, a token for it, and alice.
func (st *stage) setUp(ctx context.Context) error {
	if err := st.vault.MountAWS(ctx, "aws", st.stand, lab.Account); err != nil {
		return err
	}
	var err error
	if st.token, err = st.vault.MountToken(ctx, lab.TokenOptions{Mount: "aws", Kind: "full"}); err != nil {
		return err
	}
	policy, err := st.vault.MountPolicy(ctx, "aws", "full")
	if err != nil {
		return err
	}
	alice := lab.LoginRole{Path: "userpass", Name: "alice", Policy: policy, TTL: "10h"}
	return st.vault.User(ctx, alice, password)
}

func (st *stage) close() {
	if st.vault != nil {
		_ = st.vault.Close()
	}
	if st.stand != nil {
		_ = st.stand.Close()
	}
	if st.binaries != nil {
		_ = st.binaries.Remove()
	}
	if st.home != "" {
		_ = os.RemoveAll(st.home)
	}
}

func (st *stage) environment() []string {
	return []string{
		"HOME=" + st.home,
		"PATH=" + filepath.Join(st.home, "bin") + ":" + st.binaries.Dir + ":/usr/bin:/bin",
		"LANG=C.UTF-8", "TERM=xterm-256color", "TZ=UTC", "SHELL=/bin/sh", "PAGER=cat", "AWS_PAGER=",
		fmt.Sprintf("COLUMNS=%d", columns),
		"VAULT_ADDR=" + st.vault.Addr,
		"VAULT_TOKEN=" + st.token,
		"VAWS_CACHE=file",
		"VAWS_CACHE_KEY_FILE=" + filepath.Join(st.home, "cache-key"),
		"AWS_ENDPOINT_URL=" + st.stand.URL(),
		"AWS_DEFAULT_REGION=eu-central-1",
		"AWS_EC2_METADATA_DISABLED=true",
	}
}

// files are in the home directory. Debian's aws does not know AWS_ENDPOINT_URL yet.
var files = map[string]string{
	".aws/config": "[profile ec2-admin]\nregion = eu-central-1\ncredential_process = vaws credential-process ec2-admin\n",
	"bin/aws":     "#!/bin/sh\nexec /usr/bin/aws --endpoint-url \"$AWS_ENDPOINT_URL\" \"$@\"\n",
}

func (st *stage) writeHome() error {
	for name, text := range files {
		path := filepath.Join(st.home, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			return err
		}
	}
	return nil
}

// play types a command and shows what comes of it.
func (st *stage) play(ctx context.Context, screen *screen, s scene) error {
	screen.prompt(s.command)
	if name, ok := strings.CutPrefix(s.command, "unset "); ok {
		st.environ = append(st.environ, name+"=")
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", s.command)
	cmd.Env, cmd.Dir = st.environ, st.home
	output, err := inTerminal(cmd, s.answers)
	if failed := errors.As(err, new(*exec.ExitError)); failed != s.fails || !failed && err != nil {
		return fmt.Errorf("unexpected end (%v):\n%s", err, output)
	}
	masked, err := st.mask(output, time.Now())
	if err != nil {
		return err
	}
	screen.write(masked)
	return nil
}
