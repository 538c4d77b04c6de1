package term

import (
	"os"
	"runtime"

	"golang.org/x/term"
)

// usualWidth is that of a terminal that does not tell.
const usualWidth = 80

// Columns is how many characters fit into a line of the terminal that f is; zero if it
// is none.
func Columns(f *os.File) int {
	if !IsTerminal(f) {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		return usualWidth
	}
	return width
}

// ShowsColours reports whether text for f may be coloured: f is a terminal that
// understands it, and the user has not asked to leave it out (https://no-color.org).
func ShowsColours(f *os.File, getenv func(string) string) bool {
	kind := getenv("TERM")
	if getenv("NO_COLOR") != "" || kind == "dumb" || !IsTerminal(f) {
		return false
	}
	if runtime.GOOS == "windows" { // a console of old has to be told first
		return kind != "" || getenv("WT_SESSION") != ""
	}
	return kind != ""
}
