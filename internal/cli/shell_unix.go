//go:build unix

package cli

// loginShell is the user's shell.
func (s *session) loginShell() string {
	if shell := s.getenv("SHELL"); shell != "" {
		return shell
	}
	return "/bin/sh"
}
