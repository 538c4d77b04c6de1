package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// version, commit and date are set by the linker; see the Makefile and .goreleaser.yaml.
var version, commit, date string

type versionCommand struct{}

// Run prints the version, what it was built from, and what it was built with and for.
func (versionCommand) Run(s *session) error {
	return s.answer(fmt.Appendf(nil, "vaws %s %s %s/%s\n", ownBuild(), runtime.Version(), runtime.GOOS, runtime.GOARCH))
}

// versionText is the version alone.
func versionText() string { return ownBuild().version }

// build is what a binary tells of its origin: its version, the commit that it was made
// from, and when that was committed (RFC 3339).
type build struct{ version, commit, date string }

// ownBuild is what the linker was told, else what the Go tool has recorded.
func ownBuild() build {
	if version != "" {
		return build{version, commit, date}
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return build{version: "(unknown)"}
	}
	return recorded(info)
}

// recorded takes the settings that "go help buildvcs" is about. A version of the Go
// tool's own making says itself whether files had changed since the commit.
func recorded(info *debug.BuildInfo) build {
	b := build{version: info.Main.Version}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.commit = s.Value
		case "vcs.time":
			b.date = s.Value
		}
	}
	return b
}

// String is the version, and in brackets as much as is known of the rest; of the
// commit as many digits as the Go tool's own versions have.
func (b build) String() string {
	origin := strings.Trim(fmt.Sprintf("%.12s, %s", b.commit, b.date), ", ")
	if origin == "" {
		return b.version
	}
	return b.version + " (" + origin + ")"
}
