//go:build unix

package term

import (
	"os"
)

// open returns the controlling terminal.
func open() (device, error) {
	in, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	return device{in, in}, err
}
