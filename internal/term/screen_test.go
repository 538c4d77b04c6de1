//go:build linux

package term

import (
	"os"
	"testing"

	"github.com/creack/pty"
)

func TestColumns(t *testing.T) {
	other, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	defer tty.Close()
	for _, c := range []struct {
		set  uint16
		want int
	}{{40, 40}, {200, 200}, {0, usualWidth}} {
		if err := pty.Setsize(tty, &pty.Winsize{Rows: 24, Cols: c.set}); err != nil {
			t.Fatal(err)
		}
		if got := Columns(tty); got != c.want {
			t.Errorf("%d columns: %d", c.set, got)
		}
	}
	none, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer none.Close()
	if got := Columns(none); got != 0 {
		t.Errorf("no terminal: %d", got)
	}
	for _, c := range []struct {
		file           *os.File
		kind, noColour string
		want           bool
	}{
		{tty, "xterm", "", true}, {tty, "xterm", "1", false}, {tty, "dumb", "", false}, {tty, "", "", false}, {none, "xterm", "", false},
	} {
		env := map[string]string{"TERM": c.kind, "NO_COLOR": c.noColour}
		if got := ShowsColours(c.file, func(name string) string { return env[name] }); got != c.want {
			t.Errorf("%+v: %t", c, got)
		}
	}
}
