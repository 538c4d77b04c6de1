package term

// browser is the user's choice; "start" would have cmd.exe read the address.
func browser() (program string, args []string) {
	return "rundll32", []string{"url.dll,FileProtocolHandler"}
}
