package cli

import (
	"vaws/internal/child"
	"vaws/internal/credentials"
)

// execCommand runs a command with credentials.
type execCommand struct {
	targetFlags `embed:""`
	Server      bool     `help:"Serve credentials to the command for as long as it runs, instead of giving it keys that expire."`
	Revoke      bool     `help:"Mint credentials for this run alone, and revoke their lease when it is over."`
	Name        string   `arg:"" help:"A profile, a role, or MOUNT/ROLE."`
	Command     []string `arg:"" optional:"" passthrough:"partial" help:"The command and its arguments; a shell if there is none."`
}

// Help is shown below the summary.
func (execCommand) Help() string {
	return `vaws exec [flags] NAME [--] COMMAND...

What follows COMMAND is the command's own. vaws ends with the command's status; with 125 if it failed itself, 126 if the command cannot be run, 127 if there is no such command.

    vaws exec ec2-admin -- ansible-playbook site.yml
    vaws exec --server ec2-admin -- ./runs-for-hours`
}

// Run ends in the command's own exit status.
func (e execCommand) Run(s *session) error {
	command := e.command(s)
	if e.Server || e.Revoke {
		return e.hold(s, command)
	}
	target, creds, err := s.fetch(e.Name, e.targetFlags, e.caller())
	if err != nil {
		return err
	}
	set, unset := s.environment(target, creds.Environ())
	return child.Run(command, s.childEnvironment(set, unset))
}

// caller hands out what cannot be refreshed, except for a server's command.
func (e execCommand) caller() caller {
	rule := credentials.HandOut
	if e.Server {
		rule = credentials.Refreshable
	}
	return caller{demand: credentials.Demand{Rule: rule}, prompts: true}
}

// command is what to run, without the one "--" that kong has kept.
func (e execCommand) command(s *session) []string {
	command := e.Command
	if len(command) > 0 && command[0] == "--" {
		command = command[1:]
	}
	if len(command) == 0 {
		command = []string{s.loginShell()}
	}
	return command
}

// childEnvironment is vaws's own environment with the changes.
func (s *session) childEnvironment(set []credentials.Variable, unset []string) []string {
	return child.Environ(s.environ, set, unset, []string{"AWS_CONTAINER_"})
}
