package lab

import (
	"fmt"
	"os"

	"github.com/hashicorp/vault/api/cliconfig"
	"github.com/rogpeppe/go-internal/testscript"
)

var tokenCommands = map[string]command{
	"clitoken": {usage: "get | store TOKEN | erase", least: 1, negatable: true, run: runCLIToken},
}

// cliTokenWord as its first argument makes the test binary do what the vault CLI
// does with its token, with the CLI's own code: it finds the token helper in
// ~/.vault and calls it.
const cliTokenWord = "lab-clitoken"

func runCLIToken(s *script, ts *testscript.TestScript, negated bool, args []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if len(args) > 1 { // past the command line, which is searched for secrets
		ts.Setenv("LAB_TOKEN", args[1])
		defer ts.Setenv("LAB_TOKEN", "")
		s.search.add(args[1])
	}
	err = ts.Exec(self, cliTokenWord, args[0])
	if negated {
		if err == nil {
			return fmt.Errorf("unexpected success")
		}
		return nil
	}
	return err
}

func cliTokenMain(args []string) int {
	if err := callTokenHelper(args[0]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func callTokenHelper(operation string) error {
	helper, err := cliconfig.DefaultTokenHelper()
	if err != nil {
		return err
	}
	switch operation {
	case "get":
		token, err := helper.Get()
		fmt.Print(token)
		return err
	case "store":
		return helper.Store(os.Getenv("LAB_TOKEN"))
	case "erase":
		return helper.Erase()
	}
	return fmt.Errorf("unknown operation %q", operation)
}
