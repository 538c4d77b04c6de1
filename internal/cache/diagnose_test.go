package cache

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vaws/internal/hint"
)

func find(t *testing.T, o Options, names map[string]string, about string) hint.Finding {
	t.Helper()
	for _, f := range Diagnose(t.Context(), o, names) {
		if f.About == about {
			return f
		}
	}
	return hint.Finding{}
}

func TestDiagnoseWellCache(t *testing.T) {
	dir := t.TempDir()
	o := Options{Dir: filepath.Join(dir, "vaws"), Mode: File, KeyFile: filepath.Join(dir, "key")}
	for _, f := range Diagnose(t.Context(), o, nil) {
		if f.Status != hint.Fine {
			t.Errorf("%q", f)
		}
	}
	if _, err := os.Stat(o.KeyFile); err == nil {
		t.Error("it made a key")
	}
	must(t, open(t, o).Save(t.Context(), request, minted))
	if f := find(t, o, nil, aboutDir); !strings.HasSuffix(f.Text, "/vaws, credentials kept: 1") {
		t.Errorf("%q", f)
	}
	files, err := os.ReadDir(filepath.Join(o.Dir, "entries"))
	if err != nil || len(files) != 1 {
		t.Errorf("it left %v, %v", files, err)
	}
	if f := find(t, Options{Mode: None}, nil, aboutDir); f.Status != hint.Fine {
		t.Errorf("%q", f)
	}
}

func TestDiagnoseTellsWhoHoldsALock(t *testing.T) {
	dir := t.TempDir()
	holder := child(t, "hold-lock", dir)
	stdout, err := holder.StdoutPipe()
	must(t, err, holder.Start())
	defer func() { _ = holder.Process.Kill(); _ = holder.Wait() }()
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "locked\n" {
		t.Fatalf("the holder says %q, %v", line, err)
	}
	o := Options{Dir: filepath.Join(dir, "vaws"), Mode: File, KeyFile: filepath.Join(dir, "key")}
	f := find(t, o, map[string]string{request.Key(): "aws/deploy"}, aboutLocks)
	if f.Status != hint.Doubtful || !strings.HasPrefix(f.Text, "the lock of aws/deploy is held") {
		t.Errorf("%q", f)
	}
}
