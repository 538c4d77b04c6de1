package cache

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/godbus/dbus/v5"
)

// busAddress returns the address of the session bus: what the environment says,
// else the socket that systemd makes for the user, else nothing.
func busAddress(getenv func(string) string) string {
	if address := getenv("DBUS_SESSION_BUS_ADDRESS"); address != "" {
		return address
	}
	dir := getenv("XDG_RUNTIME_DIR")
	if path := filepath.Join(dir, "bus"); dir != "" && isOwnSocket(path) {
		return "unix:path=" + dbus.EscapeBusAddressValue(path)
	}
	return ""
}

func isOwnSocket(path string) bool {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Type() != os.ModeSocket {
		return false
	}
	uid, _, known := owner(info)
	return known && uid == os.Geteuid()
}

// socketOf returns the first Unix socket among the addresses, as package net
// writes it (https://dbus.freedesktop.org/doc/dbus-specification.html#addresses).
// Other transports are not for session buses here; "autolaunch:" would start one.
func socketOf(addresses string) (string, error) {
	for address := range strings.SplitSeq(addresses, ";") {
		params, isUnix := strings.CutPrefix(address, "unix:")
		if !isUnix {
			continue
		}
		for param := range strings.SplitSeq(params, ",") {
			name, value, _ := strings.Cut(param, "=")
			value, err := dbus.UnescapeBusAddressValue(value)
			switch {
			case err != nil || value == "":
				continue
			case name == "path":
				return value, nil
			case name == "abstract":
				return "@" + value, nil
			}
		}
	}
	return "", fmt.Errorf("no Unix socket in the bus address %q", addresses)
}
