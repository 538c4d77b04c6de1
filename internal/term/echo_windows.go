package term

import (
	"os"

	"golang.org/x/sys/windows"
)

// stopEcho makes the console no longer show what is typed.
func stopEcho(in *os.File) error {
	console := windows.Handle(in.Fd())
	var mode uint32
	if err := windows.GetConsoleMode(console, &mode); err != nil {
		return err
	}
	return windows.SetConsoleMode(console, mode&^windows.ENABLE_ECHO_INPUT)
}
