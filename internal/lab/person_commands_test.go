package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

var personCommands = map[string]command{
	"person": {usage: "start | clear | type TEXT… | press KEY… | sees TEXT | screen FILE | resize WIDTHxHEIGHT | within DURATION", least: 1, run: runPerson},
}

// person is somebody at a terminal, which tmux is.
type person struct {
	socket string
	began  time.Time
}

// personPatience is how long a person looks at the screen for what should be there.
const personPatience = 20 * time.Second

func runPerson(s *script, ts *testscript.TestScript, _ bool, args []string) error {
	if args[0] == "start" {
		return startPerson(s, ts, args[1:])
	}
	if s.person == nil {
		return errors.New("there is nobody: person start")
	}
	p := s.person
	switch verb, rest := args[0], args[1:]; verb {
	case "type":
		if _, err := p.tmux("send-keys", "-l", strings.Join(rest, " ")); err != nil {
			return err
		}
		_, err := p.tmux("send-keys", "Enter")
		return err
	case "clear":
		atPrompt := func(screen string) bool { return strings.HasSuffix("\n"+screen, "\n$\n") }
		if err := p.waitFor(s, ts, atPrompt, "a prompt"); err != nil {
			return err
		}
		if _, err := p.tmux("send-keys", "-l", "clear\n"); err != nil {
			return err
		}
		return p.waitFor(s, ts, func(screen string) bool { return screen == "$\n" }, "a prompt alone")
	case "press":
		_, err := p.tmux("send-keys", rest...)
		return err
	case "sees":
		return p.waitFor(s, ts, func(screen string) bool { return strings.Contains(screen, strings.Join(rest, " ")) }, strings.Join(rest, " "))
	case "screen":
		want := ts.ReadFile(rest[0])
		return p.waitFor(s, ts, func(screen string) bool { return screen == want }, want)
	case "resize":
		width, height, _ := strings.Cut(rest[0], "x")
		_, err := p.tmux("resize-window", "-x", width, "-y", height)
		return err
	case "within":
		most, err := time.ParseDuration(rest[0])
		if took := time.Since(p.began); err == nil && took > most {
			return fmt.Errorf("it took %s", took)
		}
		return err
	}
	return errors.New("no such subcommand")
}

// startPerson gives the script a terminal with a shell in it, which has the script's
// environment.
func startPerson(s *script, ts *testscript.TestScript, args []string) error {
	width, height := "120", "30"
	if len(args) > 0 {
		width, height, _ = strings.Cut(args[0], "x")
	}
	p := &person{socket: filepath.Join(s.search.root, "run", "tmux"), began: time.Now()}
	config := filepath.Join(s.search.root, "run", "tmux.conf")
	if err := os.WriteFile(config, []byte("set -g status off\nset -g default-terminal screen\n"), 0o600); err != nil {
		return err
	}
	err := ts.Exec("tmux", "-S", p.socket, "-f", config, "new-session", "-d", "-x", width, "-y", height, "env PS1='$ ' sh")
	if err != nil {
		return err
	}
	s.person = p
	ts.Defer(func() { _, _ = p.tmux("kill-server") })
	return p.waitFor(s, ts, func(screen string) bool { return strings.HasPrefix(screen, "$") }, "a prompt")
}

func (p *person) tmux(verb string, args ...string) (string, error) {
	out, err := exec.Command("tmux", append([]string{"-S", p.socket, verb}, args...)...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("tmux %s: %w: %s", verb, err, out)
	}
	return string(out), err
}

// changing is what is another text on the screen each time.
var changing = regexp.MustCompile(`AROA[A-Z0-9]+:[\w.@=,-]+|assumed-role/([\w-]+)/[\w.@=,-]+|until \d{4}-\d\d-\d\d \d\d:\d\d`)

var trailing = regexp.MustCompile(`(?m) +$`)

// screen is what there is to be seen, without what changes each time.
func (p *person) screen(s *script, ts *testscript.TestScript) (string, error) {
	text, err := p.tmux("capture-pane", "-p", "-J") // joined where the terminal has broken them
	text = trailing.ReplaceAllString(text, "")
	for _, r := range [][2]string{{ts.Getenv("VAULT_ADDR"), "VAULT"}, {ts.Getenv("AWS_ENDPOINT_URL"), "AWS"}, {s.search.root, "WORK"}} {
		text = strings.ReplaceAll(text, r[0], r[1])
	}
	text = changing.ReplaceAllStringFunc(text, func(found string) string {
		switch {
		case strings.HasPrefix(found, "AROA"):
			return "AROA"
		case strings.HasPrefix(found, "until"):
			return "until TIME"
		}
		return changing.ReplaceAllString(found, "assumed-role/$1/SESSION")
	})
	return strings.TrimRight(text, "\n") + "\n", err
}

// waitFor looks at the screen until it is as it should be.
func (p *person) waitFor(s *script, ts *testscript.TestScript, good func(string) bool, want string) error {
	for deadline := time.Now().Add(personPatience); ; time.Sleep(20 * time.Millisecond) {
		screen, err := p.screen(s, ts)
		if err != nil || good(screen) {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the screen shows\n%s\nnot\n%s", screen, want)
		}
	}
}
