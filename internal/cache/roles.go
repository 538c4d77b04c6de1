package cache

import (
	"os"
	"path/filepath"
	"strings"

	"vaws/internal/credentials"
)

// Role is a role of Vault that credentials are kept of.
type Role struct{ Address, Mount, Name string }

// Roles reads what the headers in the cache's directory tell, each role once, without
// a key. It looks at so many entries at the most; an empty dir is DefaultDir. What
// cannot be read is left out.
func Roles(dir string, most int) []Role {
	if dir == "" {
		var err error
		if dir, err = DefaultDir(); err != nil {
			return nil
		}
	}
	entries := filepath.Join(dir, entriesName)
	d, err := os.Open(entries)
	if err != nil {
		return nil
	}
	defer d.Close()
	names, _ := d.Readdirnames(most)
	var roles []Role
	seen := map[Role]bool{}
	for _, name := range names {
		if !strings.HasSuffix(name, credentialsEntry) {
			continue
		}
		h, err := readHeader(filepath.Join(entries, name))
		role := Role{h.Address, h.Mount, h.Role}
		if err == nil && !seen[role] && isKind(h.Type) {
			seen[role] = true
			roles = append(roles, role)
		}
	}
	return roles
}

func isKind(kind string) bool {
	switch credentials.Kind(kind) {
	case credentials.STS, credentials.IAMUser, credentials.Static:
		return true
	}
	return false
}
