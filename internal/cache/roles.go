package cache

import (
	"bytes"
	"encoding/json"
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
	if checkDir(dir) != nil || checkDir(entries) != nil {
		return nil
	}
	d, err := os.Open(entries)
	if err != nil {
		return nil
	}
	defer d.Close()
	names, _ := d.Readdirnames(most)
	var roles []Role
	seen := map[Role]bool{}
	start := make([]byte, 4096)
	for _, name := range names {
		if !strings.HasSuffix(name, credentialsEntry) {
			continue
		}
		role, ok := readRole(filepath.Join(entries, name), start)
		if ok && !seen[role] {
			seen[role] = true
			roles = append(roles, role)
		}
	}
	return roles
}

// readRole takes from the start of an entry, for which there is room in start, no more
// than it needs: the shell waits.
func readRole(path string, start []byte) (Role, bool) {
	f, _, err := openOwn(path)
	if err != nil {
		return Role{}, false
	}
	defer f.Close()
	n, _ := f.Read(start)
	line, _, found := bytes.Cut(start[:n], []byte("\n"))
	var h struct {
		Version              int `json:"vaws"`
		Type                 string
		Address, Mount, Role string
	}
	ok := found && json.Unmarshal(line, &h) == nil && h.Version == formatVersion && isKind(h.Type)
	return Role{h.Address, h.Mount, h.Role}, ok
}

func isKind(kind string) bool {
	switch credentials.Kind(kind) {
	case credentials.STS, credentials.IAMUser, credentials.Static:
		return true
	}
	return false
}
