package cli

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestVersionShowsWhatTheLinkerWasTold(t *testing.T) {
	was := build{version, commit, date}
	t.Cleanup(func() { version, commit, date = was.version, was.commit, was.date })
	version, commit, date = "v1.2.3", "0123456", "2026-11-20T18:00:00Z"
	status, stdout, stderr := call(t, nil, "version")
	want := "vaws v1.2.3 (0123456, 2026-11-20T18:00:00Z) " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH + "\n"
	if status != 0 || stdout != want || stderr != "" {
		t.Errorf("status %d, stdout %q, want %q, stderr %q", status, stdout, want, stderr)
	}
}

func TestVersionFallsBackToTheBuildInfo(t *testing.T) {
	for _, test := range []struct {
		settings []debug.BuildSetting
		want     string
	}{
		{nil, "(devel)"},
		{
			[]debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.time", Value: "2026-11-20T18:00:00Z"}},
			"(devel) (0123456789ab, 2026-11-20T18:00:00Z)",
		},
		{[]debug.BuildSetting{{Key: "vcs.revision", Value: "0123456"}}, "(devel) (0123456)"},
	} {
		info := debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Settings: test.settings}
		if got := recorded(&info).String(); got != test.want {
			t.Errorf("%v: %q, want %q", test.settings, got, test.want)
		}
	}
}
