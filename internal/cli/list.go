package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"vaws/internal/credentials"
	"vaws/internal/hint"
	"vaws/internal/profile"
	"vaws/internal/vault"
)

// listCommand shows what there is to name.
type listCommand struct {
	vaultFlags `embed:""`
	Roles      bool `help:"List what Vault offers to this token instead."`
	JSON       bool `name:"json" help:"Print JSON."`
}

// Help is shown below the summary.
func (listCommand) Help() string {
	return `    vaws list
    vaws list --roles
    vaws list --json`
}

// Run lists the profiles that use vaws, or Vault's roles.
func (l listCommand) Run(s *session) error {
	s.heedDebug(l.vaultFlags)
	defer s.quitQuietly()()
	uses, err := profile.Uses(s.getenv)
	if err != nil && (!l.Roles || errors.Is(err, profile.ErrNotFile)) {
		return err
	}
	if l.Roles {
		return l.listRoles(s, uses)
	}
	if l.JSON {
		return s.answerJSON(listed(uses))
	}
	switch path := profile.ConfigPath(s.getenv); {
	case len(uses) == 0 && path == "":
		s.say("there is no AWS config, as there is no home directory")
		s.advise("run: export AWS_CONFIG_FILE=/path/to/config")
		return nil
	case len(uses) == 0:
		s.say("no profile of " + path + " uses vaws")
		s.advise("run: vaws configure")
		return nil
	}
	return s.answer(renderUses(s.screen(), uses))
}

// listedProfile is an element of the array that "vaws list --json" prints. Without an
// error, all but namespace, endpoint and hints are there; with one, profile, file, line,
// sdk and error.
type listedProfile struct {
	Profile   string   `json:"profile"`
	File      string   `json:"file"` // the AWS config
	Line      int      `json:"line"` // of the section's header
	SDK       bool     `json:"sdk"`  // its credential_process calls vaws
	Address   string   `json:"address,omitempty"`
	Namespace string   `json:"namespace,omitempty"`
	Mount     string   `json:"mount,omitempty"`
	Role      string   `json:"role,omitempty"`
	Endpoint  string   `json:"endpoint,omitempty"` // if one is chosen
	Error     string   `json:"error,omitempty"`
	Hints     []string `json:"hints,omitempty"`
}

func listed(uses []profile.Use) []listedProfile {
	all := []listedProfile{}
	for _, u := range uses {
		r := u.Target.Request
		p := listedProfile{
			Profile: u.Profile, File: u.Path, Line: u.Line, SDK: u.Called,
			Address: r.Address, Namespace: r.Namespace, Mount: r.Mount, Role: r.Role, Endpoint: r.Endpoint,
		}
		if u.Err != nil {
			p = listedProfile{Profile: u.Profile, File: u.Path, Line: u.Line, SDK: u.Called, Error: u.Err.Error(), Hints: hint.Of(u.Err)}
		}
		all = append(all, p)
	}
	return all
}

// renderUses writes a table, and below it what is wrong with the profiles that it marks.
func renderUses(sc screen, uses []profile.Use) []byte {
	t := table{columns: []column{{"PROFILE", 12}, {"ROLE", 12}, {"VAULT", 12}, {"NAMESPACE", 6}, {"WHERE", 12}}}
	var faults bytes.Buffer
	for _, u := range uses {
		where := fmt.Sprintf("%s:%d", shortened(u.Path), u.Line)
		if u.Err != nil {
			t.rows = append(t.rows, append([]cell{{u.Profile, red}, {"error, see below", red}}, plain("", "", where)...))
			sc.writeFault(&faults, u.Profile, u.Err)
			continue
		}
		r := u.Target.Request
		t.rows = append(t.rows, plain(u.Profile, r.Path(), r.Address, r.Namespace, where))
	}
	out := t.render(sc)
	if faults.Len() > 0 {
		out = append(append(out, '\n'), faults.Bytes()...)
	}
	return out
}

// writeFault writes what is wrong with something, and what to do about it. What may be
// pasted is not broken into lines.
func (sc screen) writeFault(out *bytes.Buffer, what string, err error) {
	for i, line := range wrap(printable(what+": "+err.Error()), sc.width) {
		if i == 0 {
			line = sc.paint(red, line)
		}
		out.WriteString(line + "\n")
	}
	for _, advice := range hint.Of(err) {
		out.WriteString("  " + printable(advice) + "\n")
	}
}

// listTime is how long Vault may take to tell what it has.
const listTime = 20 * time.Second

// offeredRole is an element of the array that "vaws list --roles --json" prints.
type offeredRole struct {
	Address   string   `json:"address"`
	Namespace string   `json:"namespace,omitempty"`
	Mount     string   `json:"mount"`
	Role      string   `json:"role"`
	Static    bool     `json:"static"`   // served by static-creds alone
	Profiles  []string `json:"profiles"` // that use it
}

func (l listCommand) listRoles(s *session, uses []profile.Use) error {
	defer s.wait("asking Vault for its roles")()
	ctx, cancel := context.WithTimeout(context.Background(), listTime)
	defer cancel()
	t, err := s.resolveLogin(loginFlags{vaultFlags: l.vaultFlags}, nil)
	if err != nil {
		return err
	}
	store, err := s.store(ctx, l.vaultFlags)
	if err != nil {
		return err
	}
	config, err := s.vaultConfig(t, targetFlags{}, store, false)
	if err != nil {
		return err
	}
	offers, err := s.offers(ctx, vault.New(config), t.Request)
	if err != nil {
		return err
	}
	roles := []offeredRole{}
	for _, o := range offers {
		roles = append(roles, offeredRole{t.Request.Address, t.Request.Namespace, o.Mount, o.Name, o.Static, usersOf(uses, t.Request, o)})
	}
	if l.JSON {
		return s.answerJSON(roles)
	}
	return s.answer(renderRoles(s.screen(), roles))
}

// offers are the roles that the token may list and use. Of a mount whose roles it may
// not list there is a warning.
func (s *session) offers(ctx context.Context, from *vault.Source, r credentials.Request) ([]credentials.Role, error) {
	mounts, err := from.Mounts(ctx, r)
	if err != nil {
		return nil, err
	}
	if len(mounts) == 0 {
		s.warn(hint.Errorf("run: vaws doctor", "Vault shows this token no AWS secrets engine"))
	}
	var all []credentials.Role
	for _, mount := range s.nameable(mounts) {
		offers, err := from.Roles(ctx, r, mount)
		switch {
		case errors.Is(err, vault.ErrMayNotList):
			s.warn(hint.Errorf(fmt.Sprintf("a policy that would do: path %q { capabilities = [\"list\"] }", mount+"/roles"), "%w", err))
		case err != nil:
			return nil, err
		}
		for _, o := range offers {
			if profile.CanName(o.Mount, o.Name) {
				all = append(all, o)
			}
		}
	}
	return from.Usable(ctx, r, all)
}

// nameable are the mounts that profiles can name. Of the others there is a warning.
func (s *session) nameable(mounts []string) []string {
	var all []string
	for _, mount := range mounts {
		if _, err := profile.ParseMount(mount); err != nil {
			s.warn(hint.Wrap(fmt.Errorf("mount %q is left out: no profile can name it", mount),
				"vaws takes letters, digits and _ . @ : + = , ~ - in a mount's path: vault secrets move "+hint.Quote(mount)+" NEW-PATH"))
			continue
		}
		all = append(all, mount)
	}
	return all
}

// usersOf are the profiles that use the offered role of a Vault.
func usersOf(uses []profile.Use, at credentials.Request, o credentials.Role) []string {
	profiles := []string{}
	for _, u := range uses {
		r := u.Target.Request
		static := r.Endpoint == credentials.EndpointStaticCreds
		if u.Err == nil && r.Address == at.Address && r.Namespace == at.Namespace && r.Mount == o.Mount && r.Role == o.Name && static == o.Static {
			profiles = append(profiles, u.Profile)
		}
	}
	return profiles
}

func renderRoles(sc screen, roles []offeredRole) []byte {
	if len(roles) == 0 {
		return nil
	}
	t := table{columns: []column{{"ROLE", 12}, {"KIND", 0}, {"PROFILES", 10}}}
	for _, r := range roles {
		name, kind := r.Mount+"/"+r.Role, ""
		if r.Static {
			name, kind = r.Mount+"/"+credentials.EndpointStaticCreds+"/"+r.Role, "static"
		}
		t.rows = append(t.rows, plain(name, kind, joined(r.Profiles)))
	}
	return t.render(sc)
}

// joined names a few, and how many more there are.
func joined(names []string) string {
	const few = 3
	text := ""
	for i, name := range names {
		switch {
		case i == few:
			return fmt.Sprintf("%s and %d more", text, len(names)-few)
		case i > 0:
			text += ", "
		}
		text += name
	}
	return text
}
