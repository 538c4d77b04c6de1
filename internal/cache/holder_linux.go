package cache

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// holder is the process that holds a lock; zero if that cannot be told. /proc/locks
// has lines such as "1: FLOCK ADVISORY WRITE 1234 08:01:131109 0 EOF"
// (proc_locks(5)); the device there is not stat's on every file system.
func holder(path string) (pid int) {
	info, err := os.Lstat(path)
	if err != nil {
		return 0
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	f, err := os.Open("/proc/locks")
	if !ok || err != nil {
		return 0
	}
	defer f.Close()
	inode := ":" + strconv.FormatUint(stat.Ino, 10)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) >= 6 && fields[1] == "FLOCK" && strings.HasSuffix(fields[5], inode) {
			pid, _ = strconv.Atoi(fields[4])
			return pid
		}
	}
	return 0
}
