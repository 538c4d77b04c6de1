package child

import (
	"path/filepath"
	"strings"

	"vaws/internal/hint"
)

// cmdCharacters mean something to cmd, some of them even inside quotes.
const cmdCharacters = "\"%!^&|<>()\r\n"

// checkBatch refuses to run a batch file of Windows with arguments that cmd would take
// for more than that. CreateProcess hands such files to cmd, which reads the command line
// by rules of its own (https://learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-createprocessw),
// while os/exec quotes for programs: of "a&b", cmd would run b.
func checkBatch(system, path string, command []string) error {
	extension := strings.ToLower(filepath.Ext(path))
	if system != "windows" || extension != ".bat" && extension != ".cmd" {
		return nil
	}
	for i, argument := range command[1:] {
		if strings.ContainsAny(argument, cmdCharacters) {
			refusal := hint.Errorf("run what the batch file runs, or pass the value in a file or a variable",
				"it is a batch file, and to cmd argument %d is more than an argument", i+1)
			return &Error{command[0], NotExecutable, refusal}
		}
	}
	return nil
}
