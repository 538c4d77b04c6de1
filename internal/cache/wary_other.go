//go:build !unix

package cache

// openWary has no flags to give here.
const openWary = 0
