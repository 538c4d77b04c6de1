package hint

import "strings"

// Quote is text as one word of a POSIX shell's command line, for commands to paste.
func Quote(text string) string {
	if text != "" && strings.Trim(text, plain) == "" && text[0] != '~' {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// plain are the characters that no shell makes anything of.
const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:~@+-"
