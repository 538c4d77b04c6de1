package shell

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

// TestMain lets a shell start this binary in place of vaws, to be asked what it
// has detected.
func TestMain(m *testing.M) {
	if os.Getenv("SHELL_TEST_DETECT") != "" {
		os.Stdout.WriteString(Detect(os.Getenv).Name)
		return
	}
	os.Exit(m.Run())
}

func TestDetect(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "darwin" {
		t.Skip("the parent process is not known here")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ want, script string }{
		{"sh", `sh -c 'x=$("$VAWS"); printf %s "$x"'`},
		{"sh", `dash -c 'x=$("$VAWS"); printf %s "$x"'`},
		{"bash", `bash -c 'x=$("$VAWS"); printf %s "$x"'`},
		{"bash", `bash -c '"$VAWS"; true'`},
		{"zsh", `zsh -fc 'x=$("$VAWS"); printf %s "$x"'`},
		{"fish", `fish --no-config -c 'set x ("$VAWS"); printf %s "$x"'`},
		{"fish", `fish --no-config -c '$VAWS | cat'`},
		{"nushell", `nu --no-config-file -c '^$env.VAWS | print -n'`},
		{"zsh", `exec env SHELL=/bin/zsh xargs "$VAWS" </dev/null`}, // parent: no shell
		{"sh", `exec env SHELL=/bin/tcsh xargs "$VAWS" </dev/null`},
	} {
		t.Run(c.script, func(t *testing.T) {
			if _, err := exec.LookPath(strings.TrimSuffix(c.want, "shell")); err != nil {
				t.Skipf("the shell %s is not installed", c.want)
			}
			cmd := exec.Command("sh", "-c", c.script)
			cmd.Env = []string{
				"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "SHELL=/bin/none", "SHELL_TEST_DETECT=1", "VAWS=" + self,
				"GORACE=atexit_sleep_ms=0", "GOCOVERDIR=" + t.TempDir(), // go test -race -cover
			}
			out, err := cmd.CombinedOutput()
			if err != nil || string(out) != c.want {
				t.Errorf("%q, %v, want %q", out, err, c.want)
			}
		})
	}
}
