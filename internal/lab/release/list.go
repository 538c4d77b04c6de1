package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// platforms are what vaws is released for, in the words of artifacts' names.
var platforms = []string{
	"darwin_amd64", "darwin_arm64",
	"freebsd_amd64", "freebsd_arm64",
	"linux_386", "linux_amd64", "linux_arm64", "linux_armv7",
	"windows_amd64", "windows_arm64",
}

// packageFormats are those of Linux distributions.
var packageFormats = []string{"apk", "deb", "rpm"}

// downloads are the archives and packages of a release.
func downloads(version string) []string {
	var names []string
	for _, p := range platforms {
		name := "vaws_" + version + "_" + p
		if strings.HasPrefix(p, "windows") {
			names = append(names, name+".zip")
			continue
		}
		names = append(names, name+".tar.gz")
		if strings.HasPrefix(p, "linux") {
			for _, format := range packageFormats {
				names = append(names, name+"."+format)
			}
		}
	}
	return names
}

// list prints the artifacts in dist with their sizes. It is an error if one is missing,
// there is one more, or checksums.txt is not about what is there.
func list(out io.Writer, dist string) error {
	version, err := snapshotVersion(dist)
	if err != nil {
		return err
	}
	want := append(downloads(version), "checksums.txt", "homebrew/Casks/vaws.rb", "scoop/vaws.json")
	sizes, err := artifacts(dist)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(sizes)) {
		fmt.Fprintf(out, "%10d  %s\n", sizes[name], name)
		if !slices.Contains(want, name) {
			err = errors.Join(err, fmt.Errorf("%s is not expected", name))
		}
	}
	for _, name := range want {
		if sizes[name] == 0 {
			err = errors.Join(err, fmt.Errorf("%s is missing or empty", name))
		}
	}
	return errors.Join(err, checkSums(dist, downloads(version)))
}

// snapshotVersion is the version that GoReleaser has given to what is in dist.
func snapshotVersion(dist string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dist, "metadata.json"))
	if err != nil {
		return "", err
	}
	var metadata struct{ Version string }
	if err := json.Unmarshal(text, &metadata); err != nil || metadata.Version == "" {
		return "", fmt.Errorf("no version in %s/metadata.json: %w", dist, err)
	}
	return metadata.Version, nil
}

// artifacts are the sizes of the files in dist, by their paths there, without those that
// are in the archives and without what GoReleaser notes for itself.
func artifacts(dist string) (map[string]int64, error) {
	own := []string{"artifacts.json", "config.yaml", "metadata.json"}
	sizes := map[string]int64{}
	err := filepath.WalkDir(dist, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dist, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if strings.HasPrefix(name, "vaws_") {
				return fs.SkipDir
			}
			return nil
		}
		info, err := entry.Info()
		if err == nil && !slices.Contains(own, name) {
			sizes[filepath.ToSlash(name)] = info.Size()
		}
		return err
	})
	return sizes, err
}

// checkSums holds checksums.txt against the files, of which it has to have all.
func checkSums(dist string, names []string) error {
	text, err := os.ReadFile(filepath.Join(dist, "checksums.txt"))
	if err != nil {
		return err
	}
	said := map[string]string{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		sum, name, _ := strings.Cut(lines.Text(), "  ")
		said[name] = sum
	}
	for _, name := range names {
		content, readErr := os.ReadFile(filepath.Join(dist, name))
		if readErr == nil && said[name] != fmt.Sprintf("%x", sha256.Sum256(content)) {
			err = errors.Join(err, fmt.Errorf("checksums.txt is wrong about %s", name))
		}
	}
	return err
}
