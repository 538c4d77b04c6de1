package term

// browser is the user's choice.
func browser() (program string, args []string) { return "/usr/bin/open", nil }
