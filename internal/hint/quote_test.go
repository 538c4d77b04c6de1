package hint

import (
	"os/exec"
	"testing"
)

func TestQuote(t *testing.T) {
	for _, text := range []string{"", "plain/path-1.2", "two words", "it's", `$HOME "x" \`, "~/x", "a*b"} {
		out, err := exec.Command("sh", "-c", "printf %s "+Quote(text)).Output()
		if err != nil || string(out) != text {
			t.Errorf("%q as %s: %q, %v", text, Quote(text), out, err)
		}
	}
	if Quote("plain/path") != "plain/path" {
		t.Error("what needs no quotes gets them")
	}
}
