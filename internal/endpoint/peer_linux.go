package endpoint

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

// isStranger reports whether the other end of a connection on the loopback interface
// belongs to another user than this process and root. The kernel tells it in
// /proc/net/tcp (proc_pid_net(5)); whom it does not tell of may pass.
func isStranger(c net.Conn) bool {
	peer, self := c.RemoteAddr().(*net.TCPAddr), c.LocalAddr().(*net.TCPAddr)
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		uid, found := socketOwner(file, peer, self)
		if found && uid != 0 && uid != os.Geteuid() {
			return true
		}
	}
	return false
}

// socketOwner finds the socket between two addresses, from its own to the other.
func socketOwner(file string, own, other *net.TCPAddr) (uid int, found bool) {
	f, err := os.Open(file)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	from, to := procAddress(own), procAddress(other)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		// sl local_address rem_address st queues tr:tm->when retrnsmt uid …
		fields := strings.Fields(lines.Text())
		if len(fields) < 8 || !strings.HasSuffix(fields[1], from) || !strings.HasSuffix(fields[2], to) {
			continue
		}
		uid, err := strconv.Atoi(fields[7])
		return uid, err == nil
	}
	return 0, false
}

// procAddress is an IPv4 address as /proc/net/tcp has it, and as the IPv6 address
// that stands for it ends there.
func procAddress(a *net.TCPAddr) string {
	return fmt.Sprintf("%08X:%04X", binary.NativeEndian.Uint32(a.IP.To4()), a.Port)
}
