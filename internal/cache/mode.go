package cache

import (
	"fmt"
	"strings"
)

// Mode is where the key of the cache lives.
type Mode string

const (
	// Auto takes the key file if one is named, else the OS keyring, else, where
	// that is absent or locked, the kernel's keyring.
	Auto Mode = "auto"
	// Keyring takes the OS keyring: the Secret Service, the macOS keychain, the
	// Windows credential manager.
	Keyring Mode = "keyring"
	// Kernel takes the user keyring of the Linux kernel.
	Kernel Mode = "kernel"
	// File takes the key file.
	File Mode = "file"
	// None caches nothing; Open refuses it.
	None Mode = "none"
)

// Modes are all that ParseMode accepts.
func Modes() []string {
	return []string{string(Auto), string(Keyring), string(Kernel), string(File), string(None)}
}

// ParseMode returns the mode that s names; empty names Auto.
func ParseMode(s string) (Mode, error) {
	switch m := Mode(s); m {
	case "":
		return Auto, nil
	case Auto, Keyring, Kernel, File, None:
		return m, nil
	}
	return "", fmt.Errorf("unknown cache mode %q: choose one of %s", s, strings.Join(Modes(), ", "))
}
