package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

type versionCommand struct{}

// Run prints the version that the Go tool has recorded, and what vaws was built
// for.
func (versionCommand) Run(s *session) error {
	version := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
	}
	return s.answer(fmt.Appendf(nil, "vaws %s %s %s/%s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH))
}
