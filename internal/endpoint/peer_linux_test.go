package endpoint

import (
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// The address is on a command line that other users can read.
func TestHandoverIsNotForOtherUsers(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if os.Geteuid() != 0 || err != nil {
		t.Skip("needs root and curl, to be another user")
	}
	h := handOver(t)
	cmd := exec.Command(curl, "-sS", "-o", "/dev/null", "-w", "%{http_code}", h.URL())
	cmd.Env, cmd.Dir = []string{"PATH=/usr/bin"}, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "403" {
		t.Errorf("another user gets %q, %v", out, err)
	}
	if resp, _ := visit(t, http.MethodGet, h.URL(), ""); resp.StatusCode != http.StatusFound {
		t.Errorf("status %d", resp.StatusCode)
	}
}
