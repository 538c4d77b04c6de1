// Package shell writes environment variables in the words of a shell, for its
// eval or what it has in its place, and for programs that read files. A shell is a file of this package and a line in the table shells.
package shell

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Shell is one way of writing variables down. Named and Detect return one.
type Shell struct {
	Name string // as in Names

	// write renders variables that Render has checked. Nothing is in both
	// lists. Where there is an eval, each statement ends in a semicolon and a
	// newline: an eval whose argument nobody quoted still sees where it ends.
	write func(set []variable, unset []string) (string, error)
}

// shells is every shell, in the order in which people are offered them.
var shells = []Shell{
	{"bash", posix},
	{"zsh", posix},
	{"sh", posix},
	{"fish", fish},
	{"powershell", powershell},
	{"cmd", cmd},
	{"nushell", nushell},
	{"json", object},
	{"dotenv", dotenv},
}

// aliases is shells that understand another's statements.
var aliases = map[string]string{"ash": "sh", "dash": "sh", "ksh": "sh", "mksh": "sh", "pwsh": "powershell", "nu": "nushell"}

// Names returns the names of all shells.
func Names() []string {
	names := make([]string, len(shells))
	for i, s := range shells {
		names[i] = s.Name
	}
	return names
}

// Named returns the shell that name means: one of Names, a program that speaks
// the same language ("dash"), or either as programs are called: "-zsh",
// "/usr/bin/fish", "bash-5.2", "bash.exe". The error for any other lists Names.
func Named(name string) (Shell, error) {
	base := strings.TrimPrefix(strings.ToLower(filepath.Base(name)), "-")
	base = strings.TrimRight(strings.TrimSuffix(base, ".exe"), "-.0123456789")
	if alias, ok := aliases[base]; ok {
		base = alias
	}
	for _, s := range shells {
		if s.Name == base {
			return s, nil
		}
	}
	return Shell{}, fmt.Errorf("shell %q is not one of %s", name, strings.Join(Names(), ", "))
}

// Detect returns the shell whose eval is going to read the statements: the
// program that started this one (the subshell of a command substitution is the
// same program as its shell), else the log-in shell that env("SHELL") names,
// else sh.
func Detect(env func(string) string) Shell {
	return firstKnown(append(parent(), env("SHELL"))...)
}

func firstKnown(names ...string) Shell {
	for _, name := range names {
		if s, err := Named(name); err == nil {
			return s
		}
	}
	return Shell{"sh", posix}
}

// Variable is any struct of a name and a value; a caller's own type will do.
type Variable interface {
	~struct{ Name, Value string }
}

type variable struct{ Name, Value string }

// Render returns what makes the shell s unset the variables named in unset and
// then set, and export, those in set, in the order given. What is in both is
// set; json and dotenv unset nothing. Names are letters, digits and underscores;
// values are any bytes but NUL, as far as the shell can be given them. An error says
// which variable is at fault, never its value.
func Render[V Variable](s Shell, set []V, unset []string) ([]byte, error) {
	vars := make([]variable, len(set))
	names := make([]string, len(set))
	for i, v := range set {
		vars[i] = variable(v)
		names[i] = vars[i].Name
	}
	if err := check(vars, slices.Concat(names, unset)); err != nil {
		return nil, err
	}
	unset = slices.DeleteFunc(slices.Clone(unset), func(name string) bool {
		return slices.Contains(names, name)
	})
	text, err := s.write(vars, unset)
	return []byte(text), err
}

func check(set []variable, names []string) error {
	for _, name := range names {
		if !isName(name) {
			return fmt.Errorf("variable name %q is not letters, digits and underscores", name)
		}
	}
	seen := map[string]bool{}
	for _, v := range set {
		if seen[v.Name] {
			return fmt.Errorf("variable %q is set twice", v.Name)
		}
		seen[v.Name] = true
		if strings.ContainsRune(v.Value, 0) {
			return fmt.Errorf("value of variable %q contains a NUL byte, which no environment can hold", v.Name)
		}
	}
	return nil
}

// isName reports whether name is a Name of the shell language
// (https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/V1_chap03.html#tag_03_216).
func isName(name string) bool {
	for i, c := range []byte(name) {
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}
