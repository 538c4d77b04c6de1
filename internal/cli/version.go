package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set by the linker; see the Makefile.
var version string

type versionCommand struct{}

// Run prints the version and what vaws was built for.
func (versionCommand) Run(s *session) error {
	return s.answer(fmt.Appendf(nil, "vaws %s %s %s/%s\n", versionText(), runtime.Version(), runtime.GOOS, runtime.GOARCH))
}

// versionText is the version, else the one that the Go tool has recorded.
func versionText() string {
	if info, ok := debug.ReadBuildInfo(); ok && version == "" {
		return info.Main.Version
	}
	return version
}
