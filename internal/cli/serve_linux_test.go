package cli

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// servesVariable makes a test the program itself.
const servesVariable = "VAWS_CLI_TEST_SERVES"

func TestServeUnderNohupOutlivesItsTerminal(t *testing.T) {
	if os.Getenv(servesVariable) != "" {
		os.Exit(Main([]string{"vaws", "serve", "--cache", "none", "r"}))
	}
	vault := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"lease_id":"aws/sts/r/1","lease_duration":3600,"data":{"access_key":"ASIAEXAMPLE","secret_key":"s","session_token":"t","security_token":"t","ttl":3600}}`)
	}))
	defer vault.Close()
	cmd := exec.Command("/bin/sh", "-c", `trap "" HUP; exec "$@"`, "sh", os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = []string{servesVariable + "=1", "VAULT_ADDR=" + vault.URL, "VAULT_TOKEN=t", "HOME=" + t.TempDir()}
	cmd.Stderr = t.Output()
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "# in a systemd unit") {
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	_ = cmd.Process.Signal(syscall.SIGHUP)
	select {
	case err := <-ended:
		t.Fatalf("it has ended: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
