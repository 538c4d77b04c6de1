//go:build !linux

package cache

// createWhole makes a new file, mode 0600, that is complete from the start.
func createWhole(path string, data []byte) error { return createByLink(path, data) }
