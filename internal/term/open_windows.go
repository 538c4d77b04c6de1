package term

import "os"

// open returns the console, which Windows gives in two halves
// (https://learn.microsoft.com/en-us/windows/console/console-handles).
func open() (device, error) {
	in, err := os.OpenFile("CONIN$", os.O_RDWR, 0)
	if err != nil {
		return device{}, err
	}
	out, err := os.OpenFile("CONOUT$", os.O_RDWR, 0)
	if err != nil {
		in.Close()
	}
	return device{in, out}, err
}
