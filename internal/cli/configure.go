package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"vaws/internal/credentials"
	"vaws/internal/hint"
	"vaws/internal/profile"
	"vaws/internal/term"
	"vaws/internal/vault"
)

// configureCommand writes profiles for Vault's roles.
type configureCommand struct {
	vaultFlags `embed:""`
	Mount      *string  `placeholder:"PATH" help:"Look at this mount of the AWS secrets engine alone (VAWS_MOUNT)."`
	Roles      []string `name:"role" sep:"none" placeholder:"NAME" help:"Role to write a profile for, or MOUNT/ROLE; may be given several times."`
	All        bool     `help:"Write a profile for every role that the token may use."`
	Region     *string  `placeholder:"NAME" help:"AWS region of the profiles."`
	Remove     bool     `help:"Take out all that vaws configure has written."`
	Yes        bool     `short:"y" help:"Do not ask whether the change is wanted."`
}

// Help is shown below the summary.
func (configureCommand) Help() string {
	return `It asks Vault which roles the token may use, lets you choose, and shows the change before it makes it. All that it writes is one marked block of the AWS config; the rest stays as it is. Called again it adds profiles; what is no longer chosen in the list goes. A profile is named after its role, or MOUNT-ROLE where two mounts have one of that name.

    vaws configure
    vaws configure --role ec2-admin --yes
    vaws configure --remove`
}

// Run changes the block and nothing else.
func (c configureCommand) Run(s *session) error {
	s.heedDebug(c.vaultFlags)
	if err := c.check(s); err != nil {
		return err
	}
	defer s.quitQuietly()()
	file, err := profile.Open(profile.ConfigPath(s.getenv))
	if err != nil {
		return err
	}
	block, err := profile.ParseBlock(file.Path, file.Data, file.Exists)
	if err != nil {
		return err
	}
	if c.Remove {
		return c.change(s, file, block.Removed(), "vaws configure's block is gone from "+file.Path)
	}
	wishes, err := c.wishes(s, block)
	if err != nil {
		return err
	}
	change := block.Update(wishes, profile.Keys(profile.CredentialsPath(s.getenv)))
	for _, err := range append(block.Faults(), change.Left...) {
		s.warn(err)
	}
	names := slices.DeleteFunc(change.Names, func(name string) bool { return name == "" })
	if err := c.change(s, file, change.Data, "written to "+file.Path); err != nil {
		return err
	}
	switch {
	case len(names) > 0:
		s.advise("run: aws sts get-caller-identity --profile " + hint.Quote(names[0]))
	case len(change.Names) > 0:
		return errors.New("none of the roles has got a profile")
	}
	return nil
}

// check refuses what makes no sense, and what would ask where nobody can answer.
func (c configureCommand) check(s *session) error {
	_, err := given(map[string]*string{profile.Mount: c.Mount, profile.Region: c.Region})
	chooses := c.Mount != nil || len(c.Roles) > 0 || c.All || c.Region != nil
	switch {
	case err != nil:
		return err
	case c.Remove && chooses:
		return usageError{hint.Errorf("run: vaws configure --remove", "--remove takes out everything, and goes with nothing that chooses")}
	case c.All && len(c.Roles) > 0:
		return usageError{hint.Errorf("leave one of them out", "--all and --role are two different choices")}
	case !c.Yes && !term.Available():
		return usageError{hint.Errorf("say that it is: --yes", "there is no terminal to ask at whether the change is wanted")}
	case !c.Remove && !c.All && len(c.Roles) == 0 && !term.CanPick():
		return usageError{hint.Errorf("run: vaws configure --role ROLE, or: vaws configure --all", "this terminal cannot show a list to choose from, and no role is named")}
	case c.Region != nil:
		if err := profile.CheckRegion(*c.Region); err != nil {
			return usageError{fmt.Errorf("--region: %w", err)}
		}
	}
	return nil
}

// change shows what would change, asks if it is wanted, and makes it so.
func (c configureCommand) change(s *session, file *profile.File, data []byte, done string) error {
	if bytes.Equal(data, file.Data) && (data != nil || !file.Exists) {
		s.say("nothing to change in " + file.Path)
		return nil
	}
	if err := s.answer(difference(file.Path, file.Data, data)); err != nil {
		return err
	}
	if !c.Yes {
		s.calm()
		answer, err := term.Ask(context.Background(), "make this change? [y/N] ")
		if err != nil {
			return err
		}
		if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
			return errors.New("that was no yes: nothing has changed")
		}
	}
	if err := file.Replace(data, s.now()); err != nil {
		return err
	}
	s.say(done)
	return nil
}

// wishes asks Vault what there is, and the person what is wanted of it.
func (c configureCommand) wishes(s *session, block *profile.Block) (*profile.Wishes, error) {
	command, err := ownCommand()
	if err != nil {
		return nil, err
	}
	t, err := s.resolveLogin(loginFlags{vaultFlags: c.vaultFlags}, nil)
	if err != nil {
		return nil, err
	}
	s.warnIfPlain(t)
	w := &profile.Wishes{Address: t.Request.Address, Namespace: t.Request.Namespace, Command: command, Trust: s.trust(t)}
	if c.Region != nil {
		w.Region = *c.Region
	}
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	o, err := c.offering(ctx, s, t, block.UsualMount())
	if err != nil {
		return w, err
	}
	w.Offered = o.usable
	switch {
	case len(c.Roles) > 0:
		w.Add, err = o.named(ctx, c.Roles)
	case len(o.usable) == 0:
		err = o.nothing()
	default:
		o.warnOfClosed(s)
		w.Add = o.usable
		if !c.All {
			w.Add, w.Drop, err = o.pick(s, block.Roles(w))
		}
	}
	if err != nil {
		return nil, err
	}
	if len(w.Add) > 0 {
		s.warnOfLacks(t, w.Trust)
		o.warnOfFaults(ctx, s, w.Add)
	}
	w.NewRegion, err = c.newRegion(s, w, block)
	return w, err
}

// newRegion is the region of new profiles where --region is not given: that which the
// person works in. Without one, the AWS CLI does nothing at all.
func (c configureCommand) newRegion(s *session, w *profile.Wishes, block *profile.Block) (string, error) {
	_, region := s.usersRegion()
	region = cmp.Or(region, s.getenv("VAWS_REGION"), block.Region())
	old := block.Roles(w)
	isOld := func(r credentials.Role) bool { return slices.Contains(old, r) }
	switch {
	case c.Region != nil || profile.CheckRegion(region) == nil || len(slices.DeleteFunc(slices.Clone(w.Add), isOld)) == 0:
		return region, nil
	case c.Yes:
		s.warn(hint.Errorf("run it with --region, or: export AWS_REGION=eu-central-1", "the new profiles have no region, which the AWS CLI wants"))
		return "", nil
	}
	s.calm()
	region, err := term.Ask(context.Background(), "AWS region, such as eu-central-1 (empty for none): ")
	if region = strings.TrimSpace(region); err == nil && region != "" {
		err = profile.CheckRegion(region)
	}
	return region, err
}

// ownCommand is what SDKs can call this program by.
func ownCommand() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("finding out where vaws is: %w", err)
	}
	if found, err := exec.LookPath("vaws"); err == nil && profile.IsSameFile(found, self) {
		return "vaws", nil
	}
	// The path that was typed may be a link that outlives this version.
	if typed, err := filepath.Abs(os.Args[0]); err == nil && filepath.Base(os.Args[0]) != os.Args[0] && profile.IsSameFile(typed, self) {
		self = typed
	}
	return profile.QuoteProgram(self)
}

// offering is what a Vault has for the token.
type offering struct {
	source *vault.Source
	at     credentials.Request // address, namespace and log-in
	mount  string              // the only one that is looked at; empty: all
	usual  string              // the mount of roles that are written without one
	mounts []string
	closed []string // those of mounts whose roles the token may not list
	usable []credentials.Role
	denied []credentials.Role
}

func (c configureCommand) offering(ctx context.Context, s *session, t profile.Target, usual string) (*offering, error) {
	o := &offering{at: t.Request, usual: usual, mount: s.getenv("VAWS_MOUNT")}
	if c.Mount != nil {
		o.mount = *c.Mount
	}
	var err error
	if o.mount, err = profile.ParseMount(o.mount); o.mount != "" && err != nil {
		return nil, usageError{fmt.Errorf("--mount: %w", err)}
	}
	store, err := s.store(ctx, c.vaultFlags)
	if err != nil {
		return nil, err
	}
	config, err := s.vaultConfig(t, targetFlags{}, store, true)
	if err != nil {
		return nil, err
	}
	o.source = vault.New(config)
	defer s.wait("asking Vault which roles there are")()
	return o, o.ask(ctx, s)
}

// warnOfFaults tells what the token may know of the roles that will keep SDKs from using
// them.
func (o *offering) warnOfFaults(ctx context.Context, s *session, roles []credentials.Role) {
	var requests []credentials.Request
	for _, role := range roles {
		r := o.at
		r.Mount, r.Role = role.Mount, role.Name
		if role.Static {
			r.Endpoint = credentials.EndpointStaticCreds
		}
		requests = append(requests, r)
	}
	for _, f := range o.source.ExamineRoles(ctx, requests) {
		if f.Status != hint.Fine {
			s.warn(hint.Wrap(fmt.Errorf("%s: %s", f.About, f.Text), f.Hints...))
		}
	}
}

// ask fills in what there is.
func (o *offering) ask(ctx context.Context, s *session) (err error) {
	if o.mounts = []string{o.mount}; o.mount == "" {
		if o.mounts, err = o.source.Mounts(ctx, o.at); err != nil {
			return err
		}
		o.mounts = s.nameable(o.mounts)
	}
	if len(o.mounts) == 0 {
		o.mounts = []string{o.usual}
	}
	var all []credentials.Role
	for _, mount := range o.mounts {
		roles, err := o.source.Roles(ctx, o.at, mount)
		if errors.Is(err, vault.ErrMayNotList) {
			o.closed = append(o.closed, mount)
			continue
		}
		if err != nil {
			return err
		}
		for _, r := range roles {
			if profile.CanName(r.Mount, r.Name) {
				all = append(all, r)
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	o.usable, err = o.source.Usable(ctx, o.at, all)
	next := 0 // of usable, which is in the same order
	for _, r := range all {
		if next < len(o.usable) && r == o.usable[next] {
			next++
		} else {
			o.denied = append(o.denied, r)
		}
	}
	return err
}

// pick lets the person choose. What the block has is chosen at first, and goes if it no
// longer is.
func (o *offering) pick(s *session, has []credentials.Role) (add, drop []credentials.Role, err error) {
	several := o.usable[len(o.usable)-1].Mount != o.usable[0].Mount // they are in order
	var choices []term.Choice
	for _, r := range o.usable {
		text := r.Name
		if several {
			text = r.Mount + "/" + r.Name
		}
		if r.Static {
			text += " (static)"
		}
		choices = append(choices, term.Choice{Text: text, Chosen: slices.Contains(has, r)})
	}
	s.calm()
	chosen, err := term.Pick(context.Background(), "which roles get a profile?", choices)
	for i, r := range o.usable {
		if slices.Contains(chosen, i) {
			add = append(add, r)
		} else {
			drop = append(drop, r)
		}
	}
	return add, drop, err
}

// warnOfClosed tells of mounts that may have more than was offered.
func (o *offering) warnOfClosed(s *session) {
	for _, mount := range o.closed {
		s.warn(hint.Wrap(fmt.Errorf("mount %q: %w", mount, vault.ErrMayNotList), o.nameThem(mount)))
	}
}

func (o *offering) nameThem(mount string) string {
	return "name those that you may use: vaws configure --role " + hint.Quote(mount+"/ROLE")
}

// nothing is why there is nothing to choose from.
func (o *offering) nothing() error {
	switch {
	case len(o.closed) > 0:
		return hint.Wrap(fmt.Errorf("mount %q: %w", o.closed[0], vault.ErrMayNotList), o.nameThem(o.closed[0]))
	case len(o.denied) > 0:
		return o.refused(o.denied[0])
	}
	return hint.Errorf("run: vault secrets list, and: vault list MOUNT/roles", "there are no roles on %s of %s",
		"the mount "+strings.Join(o.mounts, ", "), o.at.Address)
}

// refused is the error for a role that there is, or may be.
func (o *offering) refused(r credentials.Role) error {
	capability := "update"
	if r.Static {
		capability = "read"
	}
	return hint.Errorf(fmt.Sprintf("a policy that would do: path %q { capabilities = [%q] }", vault.PathsOf(r)[0], capability),
		"role %q on mount %q: the token's policies do not allow it", r.Name, r.Mount)
}

// named finds the roles that were named.
func (o *offering) named(ctx context.Context, roles []string) ([]credentials.Role, error) {
	var all []credentials.Role
	for _, text := range roles {
		path, err := profile.ParseRole(text)
		if err != nil {
			return nil, usageError{fmt.Errorf("--role: %w", err)}
		}
		if path.Mount != "" && o.mount != "" && path.Mount != o.mount {
			return nil, usageError{hint.Errorf("say it in one place", "--role %s is on another mount than %q", text, o.mount)}
		}
		r, err := o.find(ctx, path.Mount, path.Role, path.Endpoint)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(all, r) {
			all = append(all, r)
		}
	}
	return all, nil
}

// find finds a role among those that there are, else on a mount that may not be
// listed. mount and endpoint may be empty.
func (o *offering) find(ctx context.Context, mount, name, endpoint string) (credentials.Role, error) {
	static := endpoint == credentials.EndpointStaticCreds
	matching := func(roles []credentials.Role) (found []credentials.Role) {
		for _, r := range roles {
			if r.Name == name && (mount == "" || r.Mount == mount) && (endpoint == "" || r.Static == static) {
				found = append(found, r)
			}
		}
		return found
	}
	found, denied := matching(o.usable), matching(o.denied)
	switch {
	case len(found) > 0 && found[len(found)-1].Mount != found[0].Mount:
		return found[0], usageError{hint.Errorf(fmt.Sprintf("say which: --role %s or --role %s", found[0], found[len(found)-1]),
			"role %q is on more than one mount", name)}
	case len(found) > 0:
		return found[0], nil
	case len(denied) > 0:
		return denied[0], o.refused(denied[0])
	}
	closed := o.closedMount(mount)
	if closed == "" {
		return credentials.Role{}, o.unknown(mount, name)
	}
	possible := []credentials.Role{{Mount: closed, Name: name}, {Mount: closed, Name: name, Static: true}}
	switch {
	case static:
		possible = possible[1:]
	case endpoint != "":
		possible = possible[:1]
	}
	usable, err := o.source.Usable(ctx, o.at, possible)
	if err == nil && len(usable) == 0 {
		err = hint.Wrap(o.refused(possible[0]), fmt.Sprintf("if %q is not where the AWS secrets engine is mounted, choose with --mount", closed))
	}
	if err != nil {
		return credentials.Role{}, err
	}
	return usable[0], nil
}

// closedMount is the mount on which a role may be that was not listed; empty if there
// is none, or more than one.
func (o *offering) closedMount(named string) string {
	switch {
	case named != "" && (slices.Contains(o.closed, named) || !slices.Contains(o.mounts, named)):
		return named
	case named != "":
		return ""
	case slices.Contains(o.closed, o.usual):
		return o.usual
	case len(o.closed) == 1:
		return o.closed[0]
	}
	return ""
}

func (o *offering) unknown(mount, name string) error {
	var names []string
	for _, r := range o.usable {
		names = append(names, r.Name)
	}
	if mount == "" {
		mount = strings.Join(o.mounts, ", ")
	}
	err := fmt.Errorf("role %q on mount %q: %w", name, mount, vault.ErrUnknownRole)
	if len(o.closed) > 1 {
		return hint.Wrap(err, "name its mount: --role MOUNT/"+name)
	}
	if near := hint.DidYouMean(name, names); near != "" {
		return hint.Wrap(err, near)
	}
	return hint.Wrap(err, "for all that the token may use: vaws configure --all")
}
