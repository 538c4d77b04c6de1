package child

import (
	"runtime"
	"slices"
	"strings"
)

// Variable is any struct of a name and a value; a caller's own type will do.
type Variable interface {
	~struct{ Name, Value string }
}

// Environ returns the environment base ("NAME=VALUE" each, as os.Environ has
// it) without the names in remove and those that begin with one of
// removePrefix, and with the variables in set at its end. Each name is there
// once: of base's duplicates the first stays, which is the one that getenv(3)
// finds. On Windows, names that differ only in case are the same. Entries
// without a name are left out, except Windows' own such as "=C:=C:\work".
func Environ[V Variable](base []string, set []V, remove, removePrefix []string) []string {
	own := make([]variable, len(set))
	for i, v := range set {
		own[i] = variable(v)
	}
	return naming(runtime.GOOS).environ(base, own, remove, removePrefix)
}

type variable struct{ Name, Value string }

// naming is an operating system's idea of names, by its GOOS.
type naming string

func (n naming) environ(base []string, set []variable, remove, removePrefix []string) []string {
	env := make([]string, 0, len(base)+len(set))
	taken := map[string]bool{}
	for _, v := range set {
		taken[n.fold(v.Name)] = true
	}
	for _, name := range remove {
		taken[n.fold(name)] = true
	}
	for _, entry := range base {
		name := n.fold(n.nameOf(entry))
		if name == "" || taken[name] || n.hasPrefix(name, removePrefix) {
			continue
		}
		taken[name] = true
		env = append(env, entry)
	}
	for _, v := range set {
		env = append(env, v.Name+"="+v.Value)
	}
	return env
}

// nameOf is the name of an environment entry; empty if it has none. Windows
// keeps the current directory of each drive in entries such as "=C:=C:\work"
// (https://devblogs.microsoft.com/oldnewthing/20100506-00/?p=14133).
func (n naming) nameOf(entry string) string {
	from := 0
	if n == "windows" && strings.HasPrefix(entry, "=") {
		from = 1
	}
	end := strings.IndexByte(entry[from:], '=')
	return entry[:max(from+end, 0)]
}

func (n naming) fold(name string) string {
	if n == "windows" {
		return strings.ToUpper(name)
	}
	return name
}

func (n naming) hasPrefix(folded string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool {
		return strings.HasPrefix(folded, n.fold(prefix))
	})
}

// value is what env gives name; ok says whether it has it.
func (n naming) value(env []string, name string) (value string, ok bool) {
	for _, entry := range env {
		if found := n.nameOf(entry); found != "" && n.fold(found) == n.fold(name) {
			return entry[len(found)+1:], true
		}
	}
	return "", false
}
