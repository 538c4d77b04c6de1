package lab

import (
	"fmt"
	"os"
	"strings"
)

// WriteBlock replaces what stands between the lines <!-- NAME --> and <!-- /NAME -->
// of a page, and reports whether that has changed it. A page without these
// lines is an error.
func WriteBlock(path, name, text string) (changed bool, err error) {
	page, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	start, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->\n"
	before, rest, found := strings.Cut(string(page), start)
	_, after, foundEnd := strings.Cut(rest, end)
	if !found || !foundEnd {
		return false, fmt.Errorf("%s has no lines %q and %q", path, start, end)
	}
	written := before + start + text + end + after
	if written == string(page) {
		return false, nil
	}
	return true, os.WriteFile(path, []byte(written), 0o644)
}
