package cli

// loginShell is the command interpreter that Windows names in ComSpec.
func (s *session) loginShell() string {
	if shell := s.getenv("ComSpec"); shell != "" {
		return shell
	}
	return "cmd.exe"
}
