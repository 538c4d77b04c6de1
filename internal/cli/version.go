package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set by the linker; see the Makefile.
var version string

type versionCommand struct{}

// Run prints the version, else the one that the Go tool has recorded, and what
// vaws was built for.
func (versionCommand) Run(s *session) error {
	version := version
	if info, ok := debug.ReadBuildInfo(); ok && version == "" {
		version = info.Main.Version
	}
	return s.answer(fmt.Appendf(nil, "vaws %s %s %s/%s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH))
}
