package lab

import (
	"fmt"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
)

var keyringCommands = map[string]command{
	"keyring": {usage: "lock | unlock | stop | start | silent | none | unanswered | dies BYTES | stalls BYTES | prompts N", least: 1, run: runKeyring},
}

func runKeyring(s *script, ts *testscript.TestScript, _ bool, args []string) error {
	switch args[0] {
	case "lock":
		return s.keyring.Lock()
	case "unlock":
		return s.keyring.Unlock()
	case "stop":
		return s.keyring.Close()
	case "start":
		return s.restartKeyring(ts)
	case "silent":
		return s.silenceKeyring(ts)
	case "none":
		ts.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
		return nil
	case "unanswered":
		asked, err := s.keyring.ExpectPrompts()
		s.prompts = asked
		return err
	}
	if len(args) > 1 {
		return s.countedKeyring(ts, args[0], args[1])
	}
	return fmt.Errorf("no such subcommand")
}

// countedKeyring is for the subcommands that take a number.
func (s *script) countedKeyring(ts *testscript.TestScript, subcommand, number string) error {
	switch subcommand {
	case "prompts":
		return compareCount(s.prompts(), number)
	case "dies", "stalls":
		limit, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return err
		}
		bus, err := StartFailingBus(s.keyring.Address, limit, subcommand == "dies")
		if err != nil {
			return err
		}
		s.failing = append(s.failing, bus)
		ts.Setenv("DBUS_SESSION_BUS_ADDRESS", bus.Address)
		return nil
	}
	return fmt.Errorf("no such subcommand")
}

// restartKeyring brings the keyring back with its items, on a new bus.
func (s *script) restartKeyring(ts *testscript.TestScript) error {
	if err := s.keyring.Close(); err != nil {
		return err
	}
	k, err := StartKeyring(s.ctx, s.home)
	if err != nil {
		return err
	}
	s.keyring = k
	ts.Setenv("DBUS_SESSION_BUS_ADDRESS", k.Address)
	return nil
}

func (s *script) silenceKeyring(ts *testscript.TestScript) error {
	if s.silent == nil {
		bus, err := StartSilentBus()
		if err != nil {
			return err
		}
		s.silent = bus
	}
	ts.Setenv("DBUS_SESSION_BUS_ADDRESS", s.silent.Address)
	return nil
}
