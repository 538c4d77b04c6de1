package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"vaws/internal/lab"
)

// A shell in the playground finds everything there, and nothing is left of it,
// whatever the shell's status.
func TestPlayground(t *testing.T) {
	lab.ScrubEnvironment()
	t.Setenv("SHELL", "/bin/sh")
	t.Setenv("TMPDIR", t.TempDir())
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := out.WriteString("vaws exec ec2-admin -- client\npwd\nexit 3\n"); err != nil {
		t.Fatal(err)
	}
	_ = out.Close()
	var screen bytes.Buffer
	home := ""
	err = run(t.Context(), &screen, func(s *stage) error {
		home = s.home
		return s.open(in)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\naccount: " + lab.Account + "\n", ":assumed-role/ec2-admin/", "\n" + home + "\n"} {
		if !strings.Contains(screen.String(), want) {
			t.Errorf("%q is not in %s", want, &screen)
		}
	}
	if _, err := os.Stat(home); err == nil {
		t.Error("the home is still there")
	}
}
