package cli

import (
	"vaws/internal/child"
	"vaws/internal/credentials"
)

// execCommand runs a command, which cannot be given new credentials later on.
type execCommand struct {
	targetFlags `embed:""`
	Name        string   `arg:"" help:"A profile, a role, or MOUNT/ROLE."`
	Command     []string `arg:"" optional:"" passthrough:"partial" help:"The command and its arguments; a shell if there is none."`
}

// Run ends in the command's own exit status.
func (e execCommand) Run(s *session) error {
	target, creds, err := s.fetch(e.Name, e.targetFlags, caller{demand: credentials.Demand{Rule: credentials.HandOut}, prompts: true})
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
	set, unset := s.environment(target, creds)
	return child.Run(command, child.Environ(s.environ, set, unset, []string{"AWS_CONTAINER_"}))
}
