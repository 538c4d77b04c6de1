package cli

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A mount whose path no profile can hold is told of, once.
func TestMountsThatCannotBeNamed(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := `{"data":{"keys":["a","b"]}}`
		switch {
		case strings.HasSuffix(r.URL.Path, "ui/mounts"):
			answer = `{"data":{"secret":{"aws/":{"type":"aws"},"my aws/":{"type":"aws"}}}}`
		case strings.HasSuffix(r.URL.Path, "capabilities-self"):
			answer = `{"data":{"aws/sts/a":["update"],"aws/sts/b":["update"],"my aws/sts/a":["update"],"my aws/sts/b":["update"]}}`
		case strings.HasSuffix(r.URL.Path, "static-roles"):
			w.WriteHeader(http.StatusNotFound)
			answer = `{"errors":[]}`
		}
		io.WriteString(w, answer)
	}))
	defer server.Close()
	dir := t.TempDir()
	self, err := os.Executable()
	if err == nil {
		err = os.Symlink(self, filepath.Join(dir, "vaws"))
	}
	if err != nil {
		t.Skip(err)
	}
	t.Setenv("PATH", dir)
	env := map[string]string{
		"VAULT_ADDR": server.URL, "VAULT_TOKEN": "hvs.token", "VAWS_CACHE": "none",
		"AWS_CONFIG_FILE": filepath.Join(dir, "config"), "AWS_REGION": "eu-central-1",
	}
	for _, line := range []string{"list --roles", "configure --all --yes"} {
		status, stdout, stderr := call(t, env, strings.Fields(line)...)
		const want = `vaws: warning: mount "my aws" is left out: no profile can name it`
		if status != 0 || strings.Contains(stdout, "my aws") || strings.Count(stderr, want) != 1 {
			t.Errorf("%s: %d, %q, %q", line, status, stdout, stderr)
		}
	}
}
