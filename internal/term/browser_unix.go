//go:build unix && !darwin

package term

import (
	"os"
	"strings"
)

// browser is the first of $BROWSER, else the desktop's choice
// (https://www.freedesktop.org/wiki/Software/xdg-utils/). One of $BROWSER that is
// a command line is left to xdg-open.
func browser() (program string, args []string) {
	first, _, _ := strings.Cut(os.Getenv("BROWSER"), ":")
	if first == "" || strings.ContainsAny(first, " %") {
		return "xdg-open", nil
	}
	return first, nil
}
