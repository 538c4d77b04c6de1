package lab

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// tokenPattern finds Vault's tokens, service, batch and recovery, and those of
// the lab's OpenBao.
var tokenPattern = regexp.MustCompile(`\bhv[sbr]\.[A-Za-z0-9_-]{20,}|` + baoTokenText.String())

// search looks for secrets where none may be.
type search struct {
	script  *script
	root    string // every file below it is searched
	argv    *argumentWatch
	allowed map[string]bool // files
	extra   []string
}

// add makes more texts count as secrets.
func (s *search) add(texts ...string) { s.extra = append(s.extra, texts...) }

// allow leaves out a file.
func (s *search) allow(file string) { s.allowed[file] = true }

// run searches the files and the command lines.
func (s *search) run() []string {
	pieces := s.pieces()
	leaks := s.searchFiles(pieces)
	for _, line := range s.argv.lines() {
		if piece := findSecret(line, pieces); piece != "" {
			leaks = append(leaks, "on a command line: "+piece)
		}
	}
	return leaks
}

func (s *search) pieces() []string {
	var secrets []string
	if s.script.stand != nil {
		secrets = s.script.stand.Secrets()
	}
	if provider := s.script.logins.provider; provider != nil {
		secrets = append(secrets, provider.Secrets()...)
	}
	return cutUp(append(secrets, s.extra...))
}

func (s *search) searchFiles(pieces []string) (leaks []string) {
	err := filepath.WalkDir(s.root, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path != s.root {
			return nil // what has just ended removes its files
		}
		if err != nil || !entry.Type().IsRegular() || s.allowed[path] {
			return err
		}
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if piece := findSecret(string(text), pieces); piece != "" {
			leaks = append(leaks, fmt.Sprintf("in %s: %s", path, piece))
		}
		return err
	})
	if err != nil {
		leaks = append(leaks, "the search failed: "+err.Error())
	}
	return leaks
}

// searchLog searches what the commands of a script wrote to stderr.
func (s *script) searchLog(log string) (leaks []string) {
	pieces := s.search.pieces()
	for i, section := range strings.Split(log, "[stderr]\n") {
		if i == 0 {
			continue
		}
		// The section goes on to the next command's echo or output.
		section, _, _ = strings.Cut(section, "[stdout]\n")
		section, _, _ = strings.Cut(section, "\n> ")
		if piece := findSecret(section, pieces); piece != "" {
			leaks = append(leaks, fmt.Sprintf("in stderr: %s\n%s", piece, section))
		}
	}
	return leaks
}

// findSecret returns a piece of a secret, or a Vault token, that is in the text.
func findSecret(text string, pieces []string) string {
	if token := tokenPattern.FindString(text); token != "" {
		return token
	}
	for _, piece := range pieces {
		if strings.Contains(text, piece) {
			return piece
		}
	}
	return ""
}

// pieceLength is short enough to find a secret that was cut off, and long enough
// never to be found by accident.
const pieceLength = 20

// cutUp returns what to look for: the pieces of each secret, as they are and
// percent-encoded, and its start in base64 and hexadecimal.
func cutUp(secrets []string) []string {
	var pieces []string
	for _, secret := range secrets {
		if secret == "" {
			continue
		}
		for piece := range slices.Chunk([]byte(secret), pieceLength) {
			if len(piece) < pieceLength && len(secret) > pieceLength {
				continue
			}
			pieces = append(pieces, string(piece))
			if escaped := url.QueryEscape(string(piece)); escaped != string(piece) {
				pieces = append(pieces, escaped)
			}
		}
		start := []byte(secret)[:min(len(secret), pieceLength/3*3)]
		pieces = append(pieces, base64.RawStdEncoding.EncodeToString(start), hex.EncodeToString(start))
	}
	return pieces
}

// argumentWatch collects the command lines of a program's processes.
type argumentWatch struct {
	program string
	mu      sync.Mutex
	seen    map[string]bool
}

// watchArguments looks at the running processes until the test is over.
func watchArguments(t *testing.T, program string) *argumentWatch {
	w := &argumentWatch{program: filepath.Base(program), seen: map[string]bool{}}
	tick := time.NewTicker(50 * time.Millisecond)
	done := make(chan struct{})
	t.Cleanup(func() { tick.Stop(); close(done) })
	go func() {
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				w.look()
			}
		}
	}()
	return w
}

func (w *argumentWatch) look() {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		line, err := os.ReadFile(file)
		if err != nil {
			continue // the process has ended
		}
		program, _, _ := strings.Cut(string(line), "\x00")
		if filepath.Base(program) != w.program {
			continue
		}
		w.mu.Lock()
		w.seen[strings.ReplaceAll(string(line), "\x00", " ")] = true
		w.mu.Unlock()
	}
}

func (w *argumentWatch) lines() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var lines []string
	for line := range w.seen {
		lines = append(lines, line)
	}
	return lines
}

func TestFindSecret(t *testing.T) {
	secret := "abc/def+ghi" + strings.Repeat("Q9", 20)
	pieces := cutUp([]string{secret})
	for name, tc := range map[string]struct {
		text string
		want bool
	}{
		"nothing":     {"all is well", false},
		"whole":       {"x" + secret + "y", true},
		"cut off":     {"token=" + secret[:25] + "...", true},
		"escaped":     {url.QueryEscape(secret), true},
		"base64":      {base64.StdEncoding.EncodeToString([]byte(secret)), true},
		"hexadecimal": {hex.EncodeToString([]byte(secret)), true},
		"a token":     {"X-Vault-Token: hvs.CAESIJ0123456789abcdefghij", true},
		"hvs. only":   {"tokens begin with hvs. and more", false},
	} {
		if got := findSecret(tc.text, pieces) != ""; got != tc.want {
			t.Errorf("%s: found %t, want %t", name, got, tc.want)
		}
	}
}

func TestSearchFindsLeaks(t *testing.T) {
	root := t.TempDir()
	w := &argumentWatch{seen: map[string]bool{"vaws --secret 0123456789abcdefghijklmn": true}}
	s := &script{search: search{root: root, argv: w, allowed: map[string]bool{}}}
	s.search.script = s
	s.search.add("0123456789abcdefghijklmn")
	for _, name := range []string{"leak", "allowed"} {
		if err := os.WriteFile(filepath.Join(root, name), []byte("0123456789abcdefghijklmn"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.search.allow(filepath.Join(root, "allowed"))
	leaks := strings.Join(s.search.run(), "\n")
	if !strings.Contains(leaks, filepath.Join(root, "leak")) || !strings.Contains(leaks, "command line") || strings.Contains(leaks, "allowed") {
		t.Errorf("leaks: %s", leaks)
	}
	log := "> exec x\n[stdout]\n0123456789abcdefghijklmn\n[stderr]\n%s\n> exec y\n[stdout]\n0123456789abcdefghijklmn\n"
	if found := s.searchLog(fmt.Sprintf(log, "fine")); len(found) != 0 {
		t.Errorf("a secret on stdout was found: %s", found)
	}
	if found := s.searchLog(fmt.Sprintf(log, "0123456789abcdefghijklmn")); len(found) != 1 {
		t.Errorf("a secret on stderr was not found once: %s", found)
	}
}
