package cli

// manCommand prints the manual.
type manCommand struct {
	Dir string `arg:"" optional:"" help:"Directory to write a page for each command to."`
}

func (m manCommand) Run(s *session) error { return nil }
