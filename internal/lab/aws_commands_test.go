package lab

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

var awsCommands = map[string]command{
	"calls":           simple("ACTION N | reset", 1, runCalls),
	"minted":          simple("N [ACCOUNT]", 1, runMinted),
	"aws-fail":        simple("ACTION TIMES CODE STATUS TEXT…", 5, runFail),
	"aws-delay":       simple("ACTION DURATION", 2, runDelay),
	"aws-lifetime":    withDuration(func(s *script, d time.Duration) { s.stand.SetLifetime(d) }),
	"aws-keydelay":    withDuration(func(s *script, d time.Duration) { s.stand.SetKeyDelay(d) }),
	"aws-keyrefusals": withNumber(func(s *script, n int) { s.stand.SetKeyRefusals(n) }),
	"aws-tokenlength": withNumber(func(s *script, n int) { s.stand.SetTokenLength(n) }),
	"aws-mfa":         simple("CODE", 1, func(s *script, args []string) error { s.stand.SetMFACode(args[0]); return nil }),
	"aws-deny":        simple("ROLEARN", 1, func(s *script, args []string) error { s.stand.DenyRole(args[0]); return nil }),
	"aws-reset":       simple("", 0, func(s *script, _ []string) error { s.stand.ResetFailures(); return nil }),
	"aws-stop":        simple("", 0, func(s *script, _ []string) error { return s.stand.Close() }),
}

func withDuration(set func(*script, time.Duration)) command {
	return simple("DURATION", 1, func(s *script, args []string) error {
		d, err := time.ParseDuration(args[0])
		if err != nil {
			return err
		}
		set(s, d)
		return nil
	})
}

func withNumber(set func(*script, int)) command {
	return simple("N", 1, func(s *script, args []string) error {
		n, err := strconv.Atoi(args[0])
		if err != nil {
			return err
		}
		set(s, n)
		return nil
	})
}

func runCalls(s *script, args []string) error {
	if args[0] == "reset" {
		s.stand.ResetCalls()
		return nil
	}
	if len(args) != 2 {
		return fmt.Errorf("how many?")
	}
	return compareCount(s.stand.Calls(args[0]), args[1])
}

// runMinted counts the users that the engine makes: their names begin with
// "vault-", those of the lab do not. Vault deletes those of a revoked token in the
// background, so it waits for them to become as many as wanted.
func runMinted(s *script, args []string) error {
	account := Account
	if len(args) > 1 {
		account = args[1]
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		users := slices.DeleteFunc(s.stand.Users(account), func(name string) bool { return !strings.HasPrefix(name, "vault-") })
		if err := compareCount(len(users), args[0]); err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

func runFail(s *script, args []string) error {
	times, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	status, err := strconv.Atoi(args[3])
	if err != nil {
		return err
	}
	s.stand.Fail(args[0], times, args[2], status, strings.Join(args[4:], " "))
	return nil
}

func runDelay(s *script, args []string) error {
	d, err := time.ParseDuration(args[1])
	if err != nil {
		return err
	}
	s.stand.Delay(args[0], d)
	return nil
}
