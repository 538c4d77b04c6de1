package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"vaws/internal/cache"
	"vaws/internal/credentials"
	"vaws/internal/hint"
	"vaws/internal/profile"
	"vaws/internal/vault"
)

// doctorCommand examines everything between an SDK and its credentials.
type doctorCommand struct {
	vaultFlags `embed:""`
	JSON       bool     `name:"json" help:"Print JSON."`
	Names      []string `arg:"" optional:"" name:"name" help:"Profiles or roles to look at; otherwise every profile that uses vaws."`
}

// Help is shown below the summary.
func (doctorCommand) Help() string {
	return `It has no credentials made. It ends with status 1 if something is wrong.

    vaws doctor
    vaws doctor ec2-admin`
}

// errReported is an error that the answer on stdout has told of.
var errReported = errors.New("something is wrong")

const (
	// doctorTime is what the whole examination may take.
	doctorTime = 15 * time.Second
	// fileTime is what reading the AWS files may take, which may be on a network.
	fileTime = 3 * time.Second
	// cacheTime is what a keyring may take to be asked, and a held lock to be freed.
	cacheTime = 6 * time.Second
	// vaultTime is what one Vault, its token and its roles may take.
	vaultTime = 9 * time.Second
)

// Run examines one thing after the other, as far as they depend on each other, and
// tells of each.
func (d doctorCommand) Run(s *session) error {
	s.heedDebug(d.vaultFlags)
	defer s.quitQuietly()()
	stop := s.wait("examining")
	ctx, cancel := context.WithTimeout(context.Background(), doctorTime)
	defer cancel()
	findings := d.examine(ctx, s)
	stop()
	bad := slices.ContainsFunc(findings, func(f hint.Finding) bool { return f.Status == hint.Wrong })
	var err error
	if d.JSON {
		err = s.answerJSON(reportOf(findings))
	} else {
		err = s.answer(renderFindings(s.screen(), findings, len(d.Names) > 0))
	}
	if err == nil && bad {
		return errReported
	}
	return err
}

func (d doctorCommand) examine(ctx context.Context, s *session) []hint.Finding {
	self, _ := os.Executable()
	x := profile.Examination{Getenv: s.getenv, Environ: s.environ, Self: self, Names: d.Names}
	findings := within(ctx, fileTime, "AWS config", func(context.Context) []hint.Finding { return x.Config() })
	findings = append(findings, within(ctx, fileTime, "environment", func(context.Context) []hint.Finding { return x.Environment(s.now()) })...)
	told := findings
	targets, more := resultWithin(ctx, fileTime, "profiles", func(context.Context) ([]profile.Target, []hint.Finding) {
		return d.targets(s, x, told)
	})
	findings = append(findings, more...)
	mode, err := s.cacheMode(d.vaultFlags)
	if err != nil {
		return append(findings, hint.IsWrong("cache", hint.Wrap(err, "run: unset VAWS_CACHE")))
	}
	examined := make([][]hint.Finding, 2)
	var wait sync.WaitGroup
	wait.Go(func() {
		examined[0] = within(ctx, cacheTime, "cache", func(ctx context.Context) []hint.Finding {
			return cache.Diagnose(ctx, s.cacheOptions(mode), locksOf(targets))
		})
	})
	wait.Go(func() { examined[1] = s.examineVaults(ctx, targets, mode) })
	wait.Wait()
	return slices.Concat(findings, examined[0], examined[1])
}

// within is what examine finds, or that it takes too long: a file or a keyring may never
// answer.
func within(ctx context.Context, limit time.Duration, about string, examine func(context.Context) []hint.Finding) []hint.Finding {
	_, findings := resultWithin(ctx, limit, about, func(ctx context.Context) (struct{}, []hint.Finding) { return struct{}{}, examine(ctx) })
	return findings
}

// resultWithin is within for what finds something for others, too. One that takes too
// long goes on for nobody, and so must not write to what its caller has.
func resultWithin[T any](ctx context.Context, limit time.Duration, about string, examine func(context.Context) (T, []hint.Finding)) (T, []hint.Finding) {
	type found struct {
		result   T
		findings []hint.Finding
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	done := make(chan found, 1)
	go func() {
		result, findings := examine(ctx)
		done <- found{result, findings}
	}()
	select {
	case f := <-done:
		return f.result, f.findings
	case <-ctx.Done():
	}
	select { // who keeps to the time limit has a moment to say so
	case f := <-done:
		return f.result, f.findings
	case <-time.After(time.Second):
		var none T
		return none, []hint.Finding{hint.IsWrong(about, fmt.Errorf("no answer within %s", limit))}
	}
}

// targets are those of the given names, else of every profile, else of the
// surroundings. What the AWS config's examination has told of already is not told again.
func (d doctorCommand) targets(s *session, x profile.Examination, told []hint.Finding) (targets []profile.Target, findings []hint.Finding) {
	uses, err := x.Uses()
	if profile.ConfigPath(s.getenv) == "" { // vaws does without the file
		err = nil
	}
	add := func(about string, t profile.Target, err error) {
		if err == nil {
			targets = append(targets, t)
		} else if !isTold(told, about, err) {
			findings = append(findings, hint.IsWrong(about, err))
		}
	}
	if err != nil {
		add("AWS config", profile.Target{}, err)
		return nil, findings
	}
	for _, u := range uses {
		if len(d.Names) == 0 || slices.Contains(d.Names, u.Profile) {
			add("profile "+u.Profile, u.Target, u.Err)
		}
	}
	for _, name := range d.Names {
		if !slices.ContainsFunc(uses, func(u profile.Use) bool { return u.Profile == name }) {
			t, err := s.resolve(name, targetFlags{vaultFlags: d.vaultFlags})
			add(name, t, err)
		}
	}
	if len(targets)+len(findings) == 0 {
		home, err := s.resolveLogin(loginFlags{vaultFlags: d.vaultFlags}, nil)
		add("vault", home, err)
	}
	return targets, findings
}

func isTold(told []hint.Finding, about string, err error) bool {
	return slices.ContainsFunc(told, func(f hint.Finding) bool {
		return f.Status == hint.Wrong && (f.About == about || strings.Contains(err.Error(), f.Text))
	})
}

// locksOf names the locks of the targets.
func locksOf(targets []profile.Target) map[string]string {
	names := map[string]string{}
	for _, t := range targets {
		names[t.Request.Key()] = t.Request.Path()
		names[t.Request.Login().Key()] = "the log-in by " + t.Request.Login().String()
	}
	return names
}

// examineVaults examines each Vault with its tokens and roles, all at once.
func (s *session) examineVaults(ctx context.Context, targets []profile.Target, mode cache.Mode) []hint.Finding {
	var store *cache.Cache
	if mode != cache.None {
		store, _ = s.openCache(ctx, mode) // why not is told elsewhere
	}
	var addresses []string
	byAddress := map[string][]profile.Target{}
	for _, t := range targets {
		address := t.Request.Address
		if byAddress[address] == nil {
			addresses = append(addresses, address)
		}
		byAddress[address] = append(byAddress[address], t)
	}
	found := make([][]hint.Finding, len(addresses))
	slots := make(chan struct{}, vaultsAtOnce)
	var wait sync.WaitGroup
	for i, address := range addresses {
		slots <- struct{}{}
		wait.Go(func() {
			found[i] = within(ctx, vaultTime, "vault "+address, func(ctx context.Context) []hint.Finding {
				return s.examineVault(ctx, byAddress[address], store)
			})
			<-slots
		})
	}
	wait.Wait()
	return slices.Concat(found...)
}

// examineVault examines the Vault of the targets, then each of the ways to be known
// there.
func (s *session) examineVault(ctx context.Context, targets []profile.Target, store *cache.Cache) []hint.Finding {
	first := targets[0]
	config, err := s.briefly(first, store)
	if err != nil {
		return []hint.Finding{hint.IsWrong("vault "+first.Request.Address, err)}
	}
	findings, usable := vault.New(config).Examine(ctx, first.Request.Namespace)
	if first.Plain() {
		findings = append(findings, hint.IsDoubtful("vault "+first.Request.Address,
			hint.Errorf("use an https:// address", "tokens and credentials travel unencrypted")))
	}
	if !usable {
		return findings
	}
	for _, t := range distinct(slices.Clone(targets)) {
		config, err := s.briefly(t, store)
		if err != nil {
			continue
		}
		source := vault.New(config)
		token, works := source.ExamineToken(ctx, t.Request)
		if !t.Ambient && t.Home != "" && s.getenv("VAULT_TOKEN") != "" && works {
			token.Text += "; VAULT_TOKEN is for " + t.Home
		}
		findings = append(findings, token)
		if works {
			findings = append(findings, source.ExamineRoles(ctx, rolesAt(targets, placeOf(t)))...)
		}
	}
	return findings
}

// rolesAt are the requests of the targets at one place, each once.
func rolesAt(targets []profile.Target, at place) []credentials.Request {
	var all []credentials.Request
	for _, t := range targets {
		if r := t.Request; placeOf(t) == at && r.Role != "" && !slices.Contains(all, r) {
			all = append(all, r)
		}
	}
	return all
}

// doctorReport is what "vaws doctor --json" prints.
type doctorReport struct {
	OK       bool            `json:"ok"` // nothing is wrong; something may be doubtful
	Findings []doctorFinding `json:"findings"`
}

type doctorFinding struct {
	About  string      `json:"about"`
	Status hint.Status `json:"status"` // ok, warn or wrong
	Text   string      `json:"text"`
	Hints  []string    `json:"hints,omitempty"` // commands begin with "run: "
}

func reportOf(findings []hint.Finding) doctorReport {
	r := doctorReport{OK: true, Findings: []doctorFinding{}}
	for _, f := range findings {
		r.OK = r.OK && f.Status != hint.Wrong
		r.Findings = append(r.Findings, doctorFinding(f))
	}
	return r
}

func inkOf(s hint.Status) colour {
	switch s {
	case hint.Wrong:
		return red
	case hint.Doubtful:
		return yellow
	}
	return green
}

// renderFindings writes the findings for people. Hints are not broken into lines, so
// that they can be pasted. Of many fine ones of a kind there is one line, unless all
// were asked for.
func renderFindings(sc screen, findings []hint.Finding, all bool) []byte {
	if !all {
		findings = summarised(findings)
	}
	var out bytes.Buffer
	counts := map[hint.Status]int{}
	const indent = 7 // what the widest status and the gap take
	for _, f := range findings {
		counts[f.Status]++
		head := sc.paint(inkOf(f.Status), string(f.Status)) + strings.Repeat(" ", indent-len(f.Status))
		for _, line := range wrap(printable(f.About+": "+f.Text), max(sc.width-indent, 0)) {
			out.WriteString(head + line + "\n")
			head = strings.Repeat(" ", indent)
		}
		for _, advice := range f.Hints {
			out.WriteString(head + printable(advice) + "\n")
		}
	}
	out.WriteString("\n" + sc.paint(bold, verdict(counts)) + "\n")
	return out.Bytes()
}

func verdict(counts map[hint.Status]int) string {
	wrong, doubtful := counts[hint.Wrong], counts[hint.Doubtful]
	switch {
	case wrong == 0 && doubtful == 0:
		return "everything is fine"
	case doubtful == 0:
		return fmt.Sprintf("wrong: %d", wrong)
	}
	return fmt.Sprintf("wrong: %d, doubtful: %d", wrong, doubtful)
}

// manyFine findings of one kind are more than anybody reads.
const manyFine = 10

// summarised has one finding in the place of many fine ones.
func summarised(findings []hint.Finding) []hint.Finding {
	fine := map[string]int{}
	for _, f := range findings {
		if f.Status == hint.Fine {
			fine[kindOf(f)]++
		}
	}
	told := map[string]bool{}
	var rest []hint.Finding
	for _, f := range findings {
		kind := kindOf(f)
		switch {
		case f.Status != hint.Fine || fine[kind] <= manyFine:
			rest = append(rest, f)
		case !told[kind]:
			told[kind] = true
			rest = append(rest, hint.IsFine(kind+"s", "%d are fine (name one to see it)", fine[kind]))
		}
	}
	return rest
}

// kindOf is the first word of what a finding is about: "profile", "role".
func kindOf(f hint.Finding) string {
	kind, _, _ := strings.Cut(f.About, " ")
	return kind
}
