package profile

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
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
	s, err := settle(q, conf)
	if err != nil {
		return Target{}, err
	}
	t := Target{Name: q.Name, Home: s.home, Ambient: s.home == s.address}
	if t.Request, err = s.request(); err != nil {
		return Target{}, err
	}
	if t.Login, err = s.login(&t.Request); err != nil {
		return Target{}, err
	}
	if err = t.surround(q.Getenv); err != nil {
		return Target{}, err
	}
	t.EndpointURL = conf.profile.options["endpoint_url"]
	t.Region, err = s.region(conf.profile)
	return t, err
}

// ForRequest returns the target of a request that no profile stands for, with
// the surroundings if they are for its address.
func ForRequest(r credentials.Request, getenv func(string) string) (Target, error) {
	conf, err := readConfig(ConfigPath(getenv), "")
	if err != nil {
		return Target{}, err
	}
	defaults, err := conf.vaws.layer()
	if err != nil {
		return Target{}, err
	}
	t := Target{Name: r.Role, Request: r, Home: home(getenv, defaults, conf.addresses)}
	t.Ambient = t.Home == r.Address
	return t, t.surround(getenv)
}

// surround adds the surroundings, if they are for the target's address.
func (t *Target) surround(getenv func(string) string) (err error) {
	if t.TLS, err = tlsOf(getenv, t.Ambient); err != nil || !t.Ambient {
		return err
	}
	t.Proxy = getenv("VAULT_PROXY_ADDR")
	t.Via, err = agent(getenv)
	return err
}

// settled is what is known once every layer is read and the address is chosen.
type settled struct {
	layers  layers // in the order of Resolve
	role    string
	address string // of the target
	home    string // that the surroundings are for; may be empty
}

func settle(q Query, conf awsConfig) (settled, error) {
	flags := layer{q.Flags, flagName, true}
	profileKeys, err := conf.profile.layer()
	if err != nil {
		return settled{}, err
	}
	defaults, err := conf.vaws.layer()
	if err != nil {
		return settled{}, err
	}
	if err := checkVawsSection(conf.vaws); err != nil {
		return settled{}, err
	}
	if err := checkProfile(q, conf.profile, profileKeys); err != nil {
		return settled{}, err
	}
	path, err := placeRole(q.Name, &flags, &profileKeys)
	if err != nil {
		return settled{}, err
	}
	vault := vaultLayer(q.Getenv)
	s := settled{
		role:   path,
		home:   home(q.Getenv, defaults, conf.addresses),
		layers: layers{flags, variablesLayer(q.Getenv), profileKeys, vault, defaults, builtIn},
	}
	return s, s.settleAddress(q.Getenv, profileKeys, vault, defaults)
}

// settleAddress chooses the target's address and drops what belongs to another.
func (s *settled) settleAddress(getenv func(string) string, profileKeys, vault, defaults layer) error {
	via, err := agent(getenv)
	if err != nil {
		return err
	}
	if s.address, err = s.layers.chooseAddress(cmp.Or(s.home, via), via != ""); err != nil {
		return err
	}
	own, all := profileKeys.values[Address], defaults.values[Address]
	profileKeys.keepAt(s.address, own, all, s.home)
	defaults.keepAt(s.address, all)
	if s.address != s.home {
		vault.drop(Namespace)
	}
	if method := profileKeys.values[auth]; method != "" && method != defaults.values[auth] {
		defaults.drop(authSettings...)
	}
	return nil
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

// home is the address that VAULT_TOKEN, the token helper and the rest of the
// surroundings belong to.
func home(getenv func(string) string, defaults layer, named []string) string {
	only := ""
	if len(named) == 1 {
		only = named[0]
	}
	for _, candidate := range []string{getenv("VAULT_ADDR"), defaults.values[Address], only, getenv("VAULT_AGENT_ADDR")} {
		if candidate == "" {
			continue
		}
		normal, err := normalise(candidate)
		if err != nil {
			return "" // an address that cannot be read is nobody's
		}
		return normal
	}
	return ""
}

// agent is the address of the Vault Agent to go through; empty if there is none.
func agent(getenv func(string) string) (string, error) {
	address := getenv("VAULT_AGENT_ADDR")
	if address == "" {
		return "", nil
	}
	normal, err := normalise(address)
	if err != nil {
		return "", fmt.Errorf("VAULT_AGENT_ADDR: %w", err)
	}
	return normal, nil
}

func (s settled) request() (credentials.Request, error) {
	r := credentials.Request{Address: s.address, Role: s.role}
	var ttl string
	err := s.layers.takeAll([]taking{
		{Mount, &r.Mount, checkSlashed},
		{Namespace, &r.Namespace, checkSlashed},
		{Endpoint, &r.Endpoint, checkEndpoint},
		{RoleARN, &r.RoleARN, checkRoleARN},
		{SessionName, &r.SessionName, checkSessionName},
		{TTL, &ttl, func(text string) (err error) { r.TTL, err = parseTTL(text); return }},
	})
	r.Mount, r.Namespace = strings.Trim(r.Mount, "/"), strings.Trim(r.Namespace, "/")
	return r, err
}

// checkSlashed is checkPath for a path that may have slashes at its ends.
func checkSlashed(path string) error {
	return checkPath(strings.Trim(path, "/"))
}

// login fills the request's log-in and returns where its secret is. A target
// without vaws_auth has none.
func (s settled) login(r *credentials.Request) (Login, error) {
	var l Login
	anything := func(string) error { return nil }
	err := s.layers.takeAll([]taking{
		{auth, &r.AuthMethod, checkPath},
		{authMount, &r.AuthMount, checkSlashed},
		{authRole, &r.AuthRole, anything},
		{authSecretFile, &l.SecretFile, checkSecretFile},
		{authSecretEnv, &l.SecretEnv, anything},
	})
	if err != nil {
		return Login{}, err
	}
	for _, setting := range authSettings {
		if value, from := s.layers.pick(setting); value != "" && r.AuthMethod == "" {
			return Login{}, from.blame(setting, hint.Errorf("add vaws_auth, such as: vaws_auth = approle",
				"no vaws_auth names the method to log in by"))
		}
	}
	if r.AuthMethod != "" && r.AuthMount == "" {
		r.AuthMount = r.AuthMethod
	}
	r.AuthMount = strings.Trim(r.AuthMount, "/")
	l.SecretFile = expandHome(l.SecretFile)
	return l, nil
}

// checkSecretFile asks for an absolute path: an SDK calls vaws from wherever it
// is.
func checkSecretFile(path string) error {
	if !strings.HasPrefix(path, "~/") && !filepath.IsAbs(path) {
		return hint.Errorf("write the whole path, or begin it with ~/", "%q is not an absolute path", path)
	}
	return nil
}

func (s settled) region(profile section) (AWSRegion, error) {
	var chosen string
	if err := s.layers.take(Region, &chosen, checkRegion); err != nil || chosen != "" {
		_, from := s.layers.pick(Region)
		return AWSRegion{chosen, from.typed}, err
	}
	chosen = profile.options["region"]
	if chosen == "" {
		return AWSRegion{}, nil
	}
	if err := checkRegion(chosen); err != nil {
		return AWSRegion{}, fmt.Errorf("%s:%d: region: %w", profile.path, profile.lines["region"], err)
	}
	return AWSRegion{chosen, false}, nil
}
