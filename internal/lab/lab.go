// Package lab runs vaws against the real thing: a Vault server, a Secret
// Service and AWS clients, with a stand-in only for AWS itself (package aws). The
// end-to-end tests and the demo are built on it.
//
// Whatever the package starts listens on loopback only and ends with the process
// that started it, by whichever way that ends.
package lab

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The two AWS accounts that the default roles use.
const (
	Account      = "111122223333"
	OtherAccount = "444455556666"
)

// ScrubEnvironment removes from this process's environment what belongs to the
// user's own Vault and AWS, so that neither the lab nor a client in it speaks to
// them.
func ScrubEnvironment() {
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		for _, prefix := range []string{"VAULT_", "BAO_", "AWS_", "VAWS_"} {
			if strings.HasPrefix(name, prefix) && name != cacheVariable {
				_ = os.Unsetenv(name)
			}
		}
	}
}

// Root is the directory of the repository, by its absolute path.
func Root() (string, error) {
	module, err := moduleDir()
	return filepath.Join(module, "..", ".."), err
}

// moduleDir finds the directory of the lab's module, from the working directory
// upwards or in the repository's root.
func moduleDir() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		for _, candidate := range []string{dir, filepath.Join(dir, "internal", "lab")} {
			if isLab(candidate) {
				return candidate, nil
			}
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("the lab's module is neither above nor below the working directory")
		}
		dir = parent
	}
}

func isLab(dir string) bool {
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	return err == nil && bytes.HasPrefix(text, []byte("module vaws/internal/lab\n"))
}
