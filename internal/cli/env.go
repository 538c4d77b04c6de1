package cli

import (
	"strings"

	"vaws/internal/credentials"
	"vaws/internal/hint"
	"vaws/internal/profile"
	"vaws/internal/shell"
)

// envCommand prints for a shell what exec would do to an environment.
type envCommand struct {
	targetFlags `embed:""`
	Name        string `arg:"" optional:"" help:"A profile, a role, or MOUNT/ROLE."`
	Shell       string `placeholder:"SHELL" help:"Whose statements to print: ${shells}. Otherwise the shell that runs vaws."`
	Unset       bool   `help:"Print what takes the credentials out of the environment again."`
}

func shellNames() string { return strings.Join(shell.Names(), ", ") }

// Run prints statements that unset what exec would unset and set what it would
// set.
func (e envCommand) Run(s *session) error {
	sh, err := e.shell(s)
	if err != nil {
		return usageError{hint.Wrap(err, "for a program to read: vaws env NAME --shell json")}
	}
	if e.Unset {
		return e.unset(s, sh)
	}
	if e.Name == "" {
		return usageError{hint.Errorf(`run: eval "$(vaws env ec2-admin)"`, "NAME is missing")}
	}
	target, creds, err := s.fetch(e.Name, e.targetFlags, caller{rule: credentials.HandOut, prompts: true})
	if err != nil {
		return err
	}
	vars := append(creds.Environ(), s.regionVariables(target.Region)...)
	return s.statements(sh, vars, credentials.Cleared())
}

func (e envCommand) shell(s *session) (shell.Shell, error) {
	if e.Shell == "" {
		return shell.Detect(s.getenv), nil
	}
	return shell.Named(e.Shell)
}

// unset takes the credentials away, and the region too where it is the one that
// NAME brings along. What was there before cannot be brought back.
func (e envCommand) unset(s *session, sh shell.Shell) error {
	names := credentials.Own()
	if e.Name != "" {
		target, err := profile.Resolve(profile.Query{Name: e.Name, Flags: e.settings(), Getenv: s.getenv})
		if err != nil {
			return err
		}
		for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
			if target.Region.Name != "" && s.getenv(name) == target.Region.Name {
				names = append(names, name)
			}
		}
	}
	return s.statements(sh, nil, names)
}

func (s *session) statements(sh shell.Shell, set []credentials.Variable, unset []string) error {
	text, err := shell.Render(sh, set, unset)
	if err != nil {
		return err
	}
	return s.answer(text)
}
