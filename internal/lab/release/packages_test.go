//go:build nightly

package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vaws/internal/lab"
)

// dist is where "make snapshot" has put what the tests of this file are about.
const dist = root + "/dist"

// artifactPath is the path of a download, such as linux_amd64.deb.
func artifactPath(t *testing.T, platformAndFormat string) string {
	t.Helper()
	version, err := snapshotVersion(dist)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dist, "vaws_"+version+"_"+platformAndFormat)
}

// file is what a package or an archive holds below a path.
type file struct {
	mode    fs.FileMode
	content []byte
}

// contents reads the files of a package or an archive, by their absolute paths. Those
// that are compressed with gzip are unpacked, and named without .gz.
func contents(t *testing.T, artifact string) map[string]file {
	t.Helper()
	command := []string{"bsdtar", "-cf", "-", "--format=pax", "@" + artifact}
	if strings.HasSuffix(artifact, ".deb") {
		command = []string{"dpkg-deb", "--fsys-tarfile", artifact}
	}
	files := map[string]file{}
	archive := tar.NewReader(strings.NewReader(output(t, ".", nil, command[0], command[1:]...)))
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.FileInfo().IsDir() || header.Name == ".PKGINFO" {
			continue
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		if header.Uid != 0 || header.Gid != 0 {
			t.Errorf("%s: %s belongs to %d:%d", artifact, header.Name, header.Uid, header.Gid)
		}
		name := path.Clean("/" + header.Name)
		if unzipped, ok := strings.CutSuffix(name, ".gz"); ok {
			name, content = unzipped, gunzip(t, content)
		}
		files[name] = file{header.FileInfo().Mode(), content}
	}
	if len(files) == 0 {
		t.Fatalf("nothing in %s", artifact)
	}
	return files
}

func gunzip(t *testing.T, content []byte) []byte {
	t.Helper()
	reader, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	content, err = io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// sameFiles compares paths, modes and contents.
func sameFiles(t *testing.T, what string, got, want map[string]file) {
	t.Helper()
	for name, w := range want {
		g, ok := got[name]
		switch {
		case !ok:
			t.Errorf("%s: %s is missing", what, name)
		case g.mode != w.mode:
			t.Errorf("%s: %s has mode %s, want %s", what, name, g.mode, w.mode)
		case !bytes.Equal(g.content, w.content):
			t.Errorf("%s: %s is different", what, name)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s: %s is not expected", what, name)
		}
	}
}

// moved is the files with paths that begin with one of the pairs' firsts renamed to its
// second.
func moved(files map[string]file, pairs ...string) map[string]file {
	renamed := map[string]file{}
	for name, f := range files {
		for i := 0; i < len(pairs); i += 2 {
			if rest, ok := strings.CutPrefix(name, pairs[i]); ok {
				name = pairs[i+1] + rest
				break
			}
		}
		renamed[name] = f
	}
	return renamed
}

// linuxPlatforms are what packages are made for, with the names that the formats have for
// them: apk, deb, rpm.
var linuxPlatforms = map[string][3]string{
	"linux_386":   {"x86", "i386", "i386"},
	"linux_amd64": {"x86_64", "amd64", "x86_64"},
	"linux_arm64": {"aarch64", "arm64", "aarch64"},
	"linux_armv7": {"armv7", "armhf", "armv7hl"},
}

// The three kinds of packages and the archive bring the same files, to where each
// distribution wants them.
func TestPackagesHoldTheSame(t *testing.T) {
	for platform := range linuxPlatforms {
		deb := contents(t, artifactPath(t, platform+".deb"))
		elsewhere := moved(deb, "/usr/share/zsh/vendor-completions/", "/usr/share/zsh/site-functions/")
		sameFiles(t, platform+".rpm", contents(t, artifactPath(t, platform+".rpm")), elsewhere)
		sameFiles(t, platform+".apk", contents(t, artifactPath(t, platform+".apk")), elsewhere)

		archive := contents(t, artifactPath(t, platform+".tar.gz"))
		delete(archive, "/completions/vaws.ps1") // for PowerShell, which has no place for them
		sameFiles(t, platform+".tar.gz", moved(archive,
			"/vaws", "/usr/bin/vaws",
			"/completions/vaws.bash", "/usr/share/bash-completion/completions/vaws",
			"/completions/vaws.fish", "/usr/share/fish/vendor_completions.d/vaws.fish",
			"/completions/_vaws", "/usr/share/zsh/vendor-completions/_vaws",
			"/man/", "/usr/share/man/man1/",
			"/", "/usr/share/doc/vaws/"), deb)
	}
}

// All archives have the same pages, and each has the program for its platform.
func TestArchivesHoldTheSame(t *testing.T) {
	want := contents(t, artifactPath(t, "linux_amd64.tar.gz"))
	delete(want, "/vaws")
	for _, platform := range platforms {
		format, program := ".tar.gz", "/vaws"
		if strings.HasPrefix(platform, "windows") {
			format, program = ".zip", "/vaws.exe"
		}
		files := contents(t, artifactPath(t, platform+format))
		if built := builtFor(t, files[program].content); built != platform {
			t.Errorf("%s has a program for %s", platform+format, built)
		}
		if mode := files[program].mode; mode != 0o755 {
			t.Errorf("%s in %s has mode %s", program, platform+format, mode)
		}
		delete(files, program)
		sameFiles(t, platform+format, files, want)
	}
}

// builtFor is the platform of a program that was built without cgo, without paths of the
// machine and without what is for tests alone.
func builtFor(t *testing.T, program []byte) string {
	t.Helper()
	info, err := buildinfo.Read(bytes.NewReader(program))
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if settings["CGO_ENABLED"] != "0" || settings["-trimpath"] != "true" || settings["-tags"] != "nethttpomithttp2" {
		t.Errorf("built with %v", settings)
	}
	platform := settings["GOOS"] + "_" + settings["GOARCH"]
	if arm := settings["GOARM"]; arm != "" {
		platform += "v" + arm
	}
	return platform
}

func TestPackagesAreForTheirArchitecture(t *testing.T) {
	for platform, want := range linuxPlatforms {
		pkginfo := output(t, ".", nil, "bsdtar", "-xOf", artifactPath(t, platform+".apk"), ".PKGINFO")
		if !strings.Contains(pkginfo, "\narch = "+want[0]+"\n") {
			t.Errorf("%s.apk, want %s:\n%s", platform, want[0], pkginfo)
		}
		if got := output(t, ".", nil, "dpkg-deb", "-f", artifactPath(t, platform+".deb"), "Architecture"); got != want[1]+"\n" {
			t.Errorf("%s.deb is for %q, want %s", platform, got, want[1])
		}
		if got := output(t, ".", nil, "rpm", "-qp", "--queryformat", "%{ARCH}", artifactPath(t, platform+".rpm")); got != want[2] {
			t.Errorf("%s.rpm is for %q, want %s", platform, got, want[2])
		}
	}
}

// cleanRoot is a directory with a minimal Debian in it.
func cleanRoot(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("chroot takes root")
	}
	archive, err := lab.BuildDebianRoot(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	output(t, dir, nil, "tar", "--numeric-owner", "-xf", archive)
	return dir
}

// inRoot runs a command there, with a HOME of its own.
func inRoot(t *testing.T, dir string, args ...string) string {
	t.Helper()
	clean := []string{dir, "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/tmp/home", "LC_ALL=C.UTF-8", "TERM=dumb"}
	return output(t, ".", nil, "chroot", append(clean, args...)...)
}

// traces are all paths below dir, with what there is to say of them; of what dpkg keeps
// about packages in general, the paths alone. What man keeps for itself is left out.
func traces(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if slices.Contains([]string{"proc", "sys", "dev", "tmp", "var/cache/man"}, name) {
			return fs.SkipDir
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		found[name] = info.Mode().String()
		if strings.HasPrefix(name, "var/lib/dpkg/") || name == "var/log/dpkg.log" {
			return nil
		}
		if info.Mode().IsRegular() {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			found[name] += fmt.Sprintf(" %x", sha256.Sum256(content))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// bashCompletes is what a shell of a user does: the loader of bash-completion finds what
// completes vaws.
const bashCompletes = `
. /usr/share/bash-completion/bash_completion
if complete -p vaws 2>/dev/null; then exit 1; fi
_completion_loader vaws || [ $? = 124 ]
COMP_LINE='vaws cred' COMP_POINT=9 COMP_WORDS=(vaws cred) COMP_CWORD=1
_vaws
printf '%s\n' "${COMPREPLY[@]}"`

// The deb is installed by dpkg into a Debian that has nothing of vaws, works there, and
// leaves nothing.
func TestDebComesAndGoes(t *testing.T) {
	dir := cleanRoot(t)
	architecture := strings.TrimSpace(inRoot(t, dir, "dpkg", "--print-architecture"))
	platform := ""
	for p, names := range linuxPlatforms {
		if names[1] == architecture {
			platform = p
		}
	}
	output(t, ".", nil, "cp", artifactPath(t, platform+".deb"), filepath.Join(dir, "tmp/vaws.deb"))
	before := traces(t, dir)

	inRoot(t, dir, "dpkg", "--install", "/tmp/vaws.deb")
	for _, test := range []struct {
		want    string
		command []string
	}{
		{"vaws v", []string{"vaws", "version"}},
		{"credential-process", []string{"bash", "-c", bashCompletes}},
		{"credential-process", []string{"fish", "-c", "complete -C 'vaws cred'"}},
		{"_vaws", []string{"zsh", "-c", "autoload -U compinit; compinit -D -u; echo $_comps[vaws]"}},
		{"/usr/share/man/man1/vaws.1.gz\n/usr/share/man/man1/vaws-exec.1.gz\n", []string{"man", "-w", "vaws", "vaws-exec"}},
		{"Vault", []string{"man", "vaws"}},
	} {
		if got := inRoot(t, dir, test.command...); !strings.Contains(got, test.want) {
			t.Errorf("%q: %q, want %q", test.command, got, test.want)
		}
	}
	if got := inRoot(t, dir, "dpkg", "--verify", "vaws"); got != "" {
		t.Errorf("dpkg --verify: %s", got)
	}
	if got := inRoot(t, dir, "dpkg-query", "--show", "--showformat", "${Conffiles}", "vaws"); got != "" {
		t.Errorf("conffiles: %s", got)
	}

	inRoot(t, dir, "dpkg", "--purge", "vaws")
	after := traces(t, dir)
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if before[name] != after[name] {
			t.Errorf("%s: %q, before %q", name, after[name], before[name])
		}
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			t.Errorf("%s is gone", name)
		}
	}
}

// All of it made once more, in another directory and with nothing compiled before, is
// the same to the last byte.
func TestSnapshotIsReproducible(t *testing.T) {
	goreleaser, err := lab.BuildGoReleaser(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	again := checkout(t, "again")
	runMake(t, again, []string{"GOCACHE=" + t.TempDir()}, "goreleaser", "GORELEASER="+goreleaser,
		"ARGS=release --snapshot --clean --skip=sign,sbom")
	for _, name := range []string{"checksums.txt", "homebrew/Casks/vaws.rb", "scoop/vaws.json"} {
		one, other := digest(t, filepath.Join(dist, name)), digest(t, filepath.Join(again, "dist", name))
		if one != other {
			t.Errorf("%s is different the second time", name)
		}
	}
	if err := list(io.Discard, filepath.Join(again, "dist")); err != nil {
		t.Error(err)
	}
}
