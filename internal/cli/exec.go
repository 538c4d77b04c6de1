package cli

import (
	"vaws/internal/child"
	"vaws/internal/credentials"
	"vaws/internal/profile"
)

// execCommand runs a command, which cannot be given new credentials later on.
type execCommand struct {
	targetFlags `embed:""`
	Name        string   `arg:"" help:"A profile, a role, or MOUNT/ROLE."`
	Command     []string `arg:"" optional:"" passthrough:"partial" help:"The command and its arguments; a shell if there is none."`
}

// Run ends in the command's own exit status.
func (e execCommand) Run(s *session) error {
	target, creds, err := s.fetch(e.Name, e.targetFlags, caller{rule: credentials.HandOut, prompts: true})
	if err != nil {
		return err
	}
	command := e.Command
	if len(command) > 0 && command[0] == "--" {
		command = command[1:] // the one that kong has kept
	}
	if len(command) == 0 {
		command = []string{s.loginShell()}
	}
	vars := append(creds.Environ(), s.regionVariables(target.Region)...)
	env := child.Environ(s.environ, vars, credentials.Cleared(), []string{"AWS_CONTAINER_"})
	return child.Run(command, env)
}

// regionVariables hand on the region that the user chose, unless the environment
// has one and the choice was not made for this call.
func (s *session) regionVariables(region profile.AWSRegion) []credentials.Variable {
	already := s.getenv("AWS_REGION") + s.getenv("AWS_DEFAULT_REGION")
	if region.Name == "" || already != "" && !region.Insist {
		return nil
	}
	return []credentials.Variable{{Name: "AWS_REGION", Value: region.Name}, {Name: "AWS_DEFAULT_REGION", Value: region.Name}}
}
