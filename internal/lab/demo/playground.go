package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
)

// startUp is what the shells read when they start, below HOME: the prompt shows the
// credentials that are set, and vaws completes its lines.
var startUp = map[string]string{
	".bashrc": `PS1='playground${VAWS_PROFILE:+ ($VAWS_PROFILE)}$ '
source <(vaws completion bash)
`,
	".zshrc": `setopt prompt_subst
PS1='playground${VAWS_PROFILE:+ ($VAWS_PROFILE)}%# '
autoload -U compinit && compinit -D
source <(vaws completion zsh)
`,
	".config/fish/config.fish": `function fish_prompt
    set -q VAWS_PROFILE; and echo -n "playground ($VAWS_PROFILE)> "; or echo -n 'playground> '
end
function fish_greeting
end
vaws completion fish | source
`,
}

const welcome = `
Try, for example:

    vaws exec ec2-admin -- client            who the AWS SDK for Go says that you are
    eval "$(vaws env other-account)"         fish: vaws env other-account | source
    vaws console ec2-admin --print           an address at the stand-in
    echo $VAULT_TOKEN | vaws login token --secret-file -
    vaws exec <Tab>

The roles are ec2-admin, multi, fed, session, session-mfa (its code is 123456), user,
short and static-user. Leave the shell, and all of it is gone.

`

// open runs the user's shell on the stage until it ends, in whatever way.
func (s *stage) open(in *os.File) error {
	for name, text := range startUp {
		path := filepath.Join(s.home, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	shell, err := exec.LookPath(cmp.Or(os.Getenv("SHELL"), "sh"))
	if err != nil {
		return err
	}
	fmt.Fprint(s.out, welcome)
	// Ctrl-C is for what runs in the shell, also where that has no job control. A signal
	// that was ignored instead of caught would stay ignored in the shell.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	cmd := exec.Command(shell)
	cmd.Dir = s.home
	cmd.Env = append(s.env, "ZDOTDIR="+s.home, "HISTFILE="+filepath.Join(s.home, "history"))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, s.out, os.Stderr
	if err := cmd.Run(); !errors.As(err, new(*exec.ExitError)) && err != nil {
		return err
	}
	fmt.Fprintln(s.out, "Vault has ended and the directory is gone.")
	return nil
}
