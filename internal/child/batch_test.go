package child

import (
	"errors"
	"testing"

	"vaws/internal/hint"
)

func TestBatchFilesGetNoMoreThanArguments(t *testing.T) {
	for _, c := range []struct {
		system, path, argument string
		refused                bool
	}{
		{"windows", `C:\tools\cdk.cmd`, "a&b", true},
		{"windows", `C:\tools\CDK.BAT`, "100%PATH%", true},
		{"windows", `C:\tools\cdk.cmd`, "a\nb", true},
		{"windows", `C:\tools\cdk.cmd`, `a"b`, true},
		{"windows", `C:\tools\cdk.cmd`, `C:\a b\c.json`, false},
		{"windows", `C:\tools\cdk.cmd`, "--all=é", false},
		{"windows", `C:\tools\cdk.exe`, "a&b", false},
		{"linux", "/tools/cdk.cmd", "a&b", false},
	} {
		err := checkBatch(c.system, c.path, []string{"cdk", c.argument})
		var refusal *Error
		if errors.As(err, &refusal) != c.refused || c.refused && (refusal.Status != NotExecutable || len(hint.Of(err)) != 1) {
			t.Errorf("%s %s %q: %v", c.system, c.path, c.argument, err)
		}
	}
}
