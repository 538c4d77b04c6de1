package term

import (
	"os"

	"golang.org/x/sys/windows"
)

// isDumb reports whether a terminal of this type can only print lines; Windows knows no
// types.
func isDumb(kind string) bool { return kind == "dumb" }

// resized tells nothing; the next key finds the new size.
func resized() (resizes <-chan os.Signal, stop func()) { return nil, func() {} }

// understand makes the console understand escape sequences until stop is called
// (https://learn.microsoft.com/en-us/windows/console/console-virtual-terminal-sequences).
func understand(out *os.File) (stop func()) {
	var mode uint32
	console := windows.Handle(out.Fd())
	if windows.GetConsoleMode(console, &mode) != nil {
		return func() {}
	}
	_ = windows.SetConsoleMode(console, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING)
	return func() { _ = windows.SetConsoleMode(console, mode) }
}
