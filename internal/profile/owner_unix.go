//go:build unix

package profile

import (
	"io/fs"
	"os"
	"syscall"

	"vaws/internal/hint"
)

// checkOwner refuses a file that cannot be replaced by one like it.
func checkOwner(info fs.FileInfo) error { return checkOwnerAs(info, os.Geteuid()) }

func checkOwnerAs(info fs.FileInfo, uid int) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	if uid != 0 && int(stat.Uid) != uid {
		return hint.Errorf("for a file of your own: export AWS_CONFIG_FILE=~/.aws/my-config", "it belongs to another user (%d)", stat.Uid)
	}
	if stat.Nlink > 1 {
		return hint.Errorf("make it a file of its own, or its other names symbolic links", "it has %d names (hard links), of which only one would be changed", stat.Nlink)
	}
	return nil
}

// keepOwner gives the new file the owner and the group of the old one.
func keepOwner(f *os.File, old fs.FileInfo) error {
	stat, ok := old.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if now, ok := info.Sys().(*syscall.Stat_t); ok && now.Uid == stat.Uid && now.Gid == stat.Gid {
		return nil
	}
	return f.Chown(int(stat.Uid), int(stat.Gid))
}
