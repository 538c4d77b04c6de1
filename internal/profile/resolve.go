package profile

import (
	"fmt"
	"maps"
	"strings"

	"vaws/internal/credentials"
	"vaws/internal/hint"
)

// Resolve finds the one target that the query means. Precedence: flag, VAWS_*
// variable, profile key, VAULT_* variable, [vaws] key, built-in default.
func Resolve(q Query) (Target, error) {
	if err := checkName(q.Name); err != nil {
		return Target{}, UsageError{err}
	}
	conf, err := readConfig(ConfigPath(q.Getenv), q.Name)
	if err != nil {
		return Target{}, err
	}
	return resolveIn(conf, q)
}

// resolveIn is Resolve in a config that has been read.
func resolveIn(conf awsConfig, q Query) (Target, error) {
	s, err := sourcesOf(conf, q)
	if err != nil {
		return Target{}, err
	}
	if err := checkProfile(q, s.conf.profile, s.keys); err != nil {
		return Target{}, err
	}
	role, err := placeRole(q.Name, &s.flags, &s.keys)
	if err != nil {
		return Target{}, err
	}
	t, err := s.target(q)
	if err != nil {
		return Target{}, err
	}
	t.Request.Role = role
	if err := s.ask(&t.Request); err != nil {
		return Target{}, err
	}
	t.EndpointURL = s.conf.profile.options["endpoint_url"]
	t.Region, err = s.region()
	return t, err
}

// ForRequest returns the target of a request that no profile stands for, with
// the surroundings and what [vaws] says of TLS if they are for its address.
func ForRequest(r credentials.Request, getenv func(string) string) (Target, error) {
	conf, err := readConfig(ConfigPath(getenv), "")
	if err != nil {
		return Target{}, err
	}
	s := sources{conf: conf, vault: vaultLayer(getenv), address: r.Address}
	if s.defaults, err = conf.vaws.layer(); err != nil {
		return Target{}, err
	}
	s.home = home(getenv, s.defaults, conf.address.get())
	s.keepOwn()
	t := Target{Name: r.Role, Request: r, Home: s.home, Ambient: s.home == s.address}
	err = s.surround(&t, getenv)
	return t, err
}

// sources are the places where a target's settings come from.
type sources struct {
	conf      awsConfig
	flags     layer
	variables layer // VAWS_*
	keys      layer // of the profile
	vault     layer // VAULT_*
	defaults  layer // [vaws]

	home    string // that the surroundings are for; may be empty
	address string // of the target; empty until it is chosen
}

// layers are the sources in the order of Resolve.
func (s *sources) layers() layers {
	return layers{s.flags, s.variables, s.keys, s.vault, s.defaults, builtIn}
}

func sourcesOf(conf awsConfig, q Query) (*sources, error) {
	s := &sources{
		conf:      conf,
		flags:     layer{values: q.Flags, origin: flagName, typed: true, here: true},
		variables: variablesLayer(q.Getenv),
		vault:     vaultLayer(q.Getenv),
	}
	var err error
	if s.keys, err = conf.profile.layer(); err != nil {
		return nil, err
	}
	if s.defaults, err = conf.vaws.layer(); err != nil {
		return nil, err
	}
	s.home = home(q.Getenv, s.defaults, conf.address.get())
	return s, checkVawsSection(conf.vaws)
}

// target chooses the Vault and fills in all that has nothing to do with a role.
func (s *sources) target(q Query) (Target, error) {
	if err := s.settleAddress(q.Getenv); err != nil {
		return Target{}, err
	}
	s.keepOwn()
	s.keepOneMethod()
	t := Target{Name: q.Name, Home: s.home, Ambient: s.home == s.address}
	t.Request.Address = s.address
	if err := s.layers().take(Namespace, &t.Request.Namespace, checkSlashed); err != nil {
		return Target{}, err
	}
	t.Request.Namespace = strings.Trim(t.Request.Namespace, "/")
	var err error
	if t.Login, err = s.login(&t.Request); err != nil {
		return Target{}, err
	}
	err = s.surround(&t, q.Getenv)
	return t, err
}

// checkVawsSection refuses a role for all: NAME would no longer mean anything.
func checkVawsSection(s section) error {
	if key := keyName(role); s.options[key] != "" {
		return hint.Errorf("put it into a [profile NAME] section",
			"%s:%d: %s in [vaws] would be every profile's role", s.path, s.lines[key], key)
	}
	return nil
}

// placeRole finds the role and gives the mount and endpoint that are written
// before it to the layer that it came from.
func placeRole(name string, flags, profileKeys *layer) (string, error) {
	text, from := name, flags
	if r := profileKeys.values[role]; r != "" {
		text, from = r, profileKeys
	}
	path, err := parseRole(text)
	if err == nil {
		err = path.agree(text, *from)
	}
	if err != nil && from == flags {
		return "", UsageError{fmt.Errorf("NAME: %w", err)}
	}
	if err != nil {
		return "", from.blame(role, err)
	}
	merged := path.values()
	maps.Copy(merged, from.values)
	from.values = merged
	return path.role, nil
}

// ask fills in what is asked of the role.
func (s *sources) ask(r *credentials.Request) error {
	err := s.layers().takeAll([]taking{
		{Mount, &r.Mount, checkSlashed},
		{Endpoint, &r.Endpoint, checkEndpoint},
		{RoleARN, &r.RoleARN, checkRoleARN},
		{SessionName, &r.SessionName, checkSessionName},
	})
	if err != nil {
		return err
	}
	r.Mount = strings.Trim(r.Mount, "/")
	if err := takeAs(s.layers(), TTL, &r.TTL, parseTTL); err != nil {
		return err
	}
	return s.checkMethod(*r)
}

func (s *sources) region() (AWSRegion, error) {
	var chosen string
	if err := s.layers().take(Region, &chosen, checkRegion); err != nil || chosen != "" {
		_, from := s.layers().pick(Region)
		return AWSRegion{chosen, from.typed}, err
	}
	profile := s.conf.profile
	chosen = profile.options["region"]
	if chosen == "" {
		return AWSRegion{}, nil
	}
	if err := checkRegion(chosen); err != nil {
		return AWSRegion{}, fmt.Errorf("%s:%d: region: %w", profile.path, profile.lines["region"], err)
	}
	return AWSRegion{chosen, false}, nil
}
