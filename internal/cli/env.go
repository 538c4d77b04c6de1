package cli

import (
	"slices"
	"strings"

	"vaws/internal/credentials"
	"vaws/internal/hint"
	"vaws/internal/shell"
)

// envCommand prints for a shell what exec would do to an environment.
type envCommand struct {
	targetFlags `embed:""`
	Name        string `arg:"" optional:"" help:"A profile, a role, or MOUNT/ROLE."`
	Shell       string `placeholder:"SHELL" help:"Whose statements to print: ${shells}. Otherwise the shell that runs vaws."`
	Unset       bool   `help:"Print what takes the credentials out of the environment again."`
}

// Help is shown below the summary.
func (envCommand) Help() string {
	return `What takes the statements differs from shell to shell:

    eval "$(vaws env ec2-admin)"                                      # bash, zsh, sh
    vaws env ec2-admin | source                                       # fish
    vaws env ec2-admin --shell powershell | Out-String | iex          # PowerShell
    for /f "delims=" %i in ('vaws env ec2-admin --shell cmd') do @%i  # cmd
    vaws env ec2-admin --shell nushell | from json | load-env         # Nushell
    docker run --env-file <(vaws env ec2-admin --shell dotenv) IMAGE  # a file`
}

func shellNames() string { return strings.Join(shell.Names(), ", ") }

// Run prints statements that unset what exec would unset and set what it would
// set.
func (e envCommand) Run(s *session) error {
	sh, err := e.shell(s)
	if err != nil {
		return usageError{hint.Wrap(err, "for a program to read: vaws env NAME --shell json")}
	}
	if e.Unset { // what was there before cannot be brought back
		return s.statements(sh, nil, append(credentials.Own(), append(s.ownRegion(), nameVariable)...))
	}
	if e.Name == "" {
		return usageError{hint.Errorf(`run: eval "$(vaws env ec2-admin)"`, "NAME is missing")}
	}
	target, creds, err := s.fetch(e.Name, e.targetFlags, caller{demand: credentials.Demand{Rule: credentials.HandOut}, prompts: true})
	if err != nil {
		return err
	}
	set, unset := s.environment(target, creds.Environ())
	if sh.Name == "dotenv" { // for programs, of which none asks how the variables came there
		set = slices.DeleteFunc(set, func(v credentials.Variable) bool { return !strings.HasPrefix(v.Name, "AWS_") })
	}
	set, unset = writableName(sh, set, unset)
	return s.statements(sh, set, unset)
}

// writableName leaves NAME out where the shell cannot be given it: the credentials do
// not depend on it. An earlier one goes, too.
func writableName(sh shell.Shell, set []credentials.Variable, unset []string) ([]credentials.Variable, []string) {
	i := slices.IndexFunc(set, func(v credentials.Variable) bool { return v.Name == nameVariable })
	if i < 0 {
		return set, unset
	}
	if _, err := shell.Render(sh, set[i:i+1], nil); err == nil {
		return set, unset
	}
	return slices.Delete(set, i, i+1), append(unset, nameVariable)
}

func (e envCommand) shell(s *session) (shell.Shell, error) {
	if e.Shell == "" {
		return shell.Detect(s.getenv), nil
	}
	return shell.Named(e.Shell)
}

func (s *session) statements(sh shell.Shell, set []credentials.Variable, unset []string) error {
	text, err := shell.Render(sh, set, unset)
	if err != nil {
		return err
	}
	return s.answer(text)
}
