package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"vaws/internal/lab/aws"
)

// stage runs commands as a user would type them and shows what they print,
// without the secrets.
type stage struct {
	out   io.Writer
	stand *aws.Server
	home  string
	env   []string
}

// scene is one command with a line that says what it shows.
type scene struct {
	about   string
	command string
}

var scenes = []scene{
	{"A role of Vault's AWS engine as credential_process JSON: a miss, answered by Vault.", "vaws credential-process ec2-admin"},
	{"The same again: a hit, from the sealed cache.", "vaws credential-process ec2-admin"},
	{"Every other type of credentials: federation_token,", "vaws credential-process fed"},
	{"session_token,", "vaws credential-process session"},
	{"session_token with a one-time code,", "vaws credential-process --mfa-code 123456 session-mfa"},
	{"iam_user,", "vaws credential-process user"},
	{"and a static role.", "vaws credential-process aws/static-creds/static-user"},
	{"A program on the AWS SDK for Go, through credential_process in ~/.aws/config:", "AWS_PROFILE=ec2-admin client"},
	{"The same program under exec, with a profile that picks a role in another account:", "vaws exec other-account -- client"},
	{"Credentials in a shell:", `eval "$(vaws env fed)" && client`},
}

func (s *stage) introduce() {
	fmt.Fprintf(s.out, "A real Vault and a stand-in for AWS are running. HOME is %s for now;\n", s.home)
	fmt.Fprintln(s.out, "the cache's key is a file in it (VAWS_CACHE=file), so your keyring stays as it is.")
}

func (s *stage) play(ctx context.Context) error {
	for _, scene := range scenes {
		if err := s.show(ctx, scene); err != nil {
			return err
		}
	}
	fmt.Fprintln(s.out, "\nThat was all: Vault has ended and the directory is gone.")
	return nil
}

// show runs a scene's command and prints it, its output and its time.
func (s *stage) show(ctx context.Context, c scene) error {
	fmt.Fprintf(s.out, "\n# %s\n$ %s\n", c.about, c.command)
	cmd := exec.CommandContext(ctx, "sh", "-c", c.command)
	cmd.Env = s.env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	start := time.Now()
	err := cmd.Run()
	took := time.Since(start)
	fmt.Fprint(s.out, s.mask(stderr.String()+stdout.String()))
	if err != nil {
		return fmt.Errorf("%s: %w", c.command, err)
	}
	fmt.Fprintf(s.out, "(%d ms)\n", took.Milliseconds())
	return nil
}

// mask replaces what the stand-in issued as a secret by its length.
func (s *stage) mask(text string) string {
	for _, secret := range s.stand.Secrets() {
		text = strings.ReplaceAll(text, secret, fmt.Sprintf("***** %d characters *****", len(secret)))
	}
	return text
}
