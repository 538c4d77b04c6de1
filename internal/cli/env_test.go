package cli

import (
	"slices"
	"testing"

	"vaws/internal/credentials"
	"vaws/internal/shell"
)

func TestNamesThatAShellCannotBeGiven(t *testing.T) {
	for _, c := range []struct {
		shell, name string
		left        bool
	}{
		{"cmd", "my%prof", true},
		{"cmd", "prof", false},
		{"powershell", "my\xff", true},
		{"powershell", "my%prof", false},
		{"bash", "my%prof", false},
	} {
		sh, err := shell.Named(c.shell)
		if err != nil {
			t.Fatal(err)
		}
		key := credentials.Variable{Name: "AWS_ACCESS_KEY_ID", Value: "A"}
		set, unset := writableName(sh, []credentials.Variable{key, {Name: nameVariable, Value: c.name}}, nil)
		if left := !slices.Contains(set, credentials.Variable{Name: nameVariable, Value: c.name}); left != c.left || set[0] != key || slices.Contains(unset, nameVariable) != left {
			t.Errorf("%+v: set %v, unset %v", c, set, unset)
		}
	}
}
