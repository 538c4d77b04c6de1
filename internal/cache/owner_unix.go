//go:build unix

package cache

import (
	"io/fs"
	"syscall"
)

// owner returns the user and group that a file belongs to. known is false
// where files have no such owner, nor permission bits that mean anything.
func owner(info fs.FileInfo) (uid, gid int, known bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return int(stat.Uid), int(stat.Gid), true
}
