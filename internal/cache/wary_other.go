//go:build !unix

package cache

// There are no flags to give here.
const (
	openNoWait = 0
	openWary   = 0
)
