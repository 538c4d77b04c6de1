package profile

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strings"

	"vaws/internal/credentials"
	"vaws/internal/hint"
)

// layer is one place where settings come from.
type layer struct {
	values map[string]string
	origin func(setting string) string // how an error names the place
	typed  bool                        // on the command line
}

// UsageError is an error in what was typed, not in what was found.
type UsageError struct{ error }

// Unwrap returns the error.
func (u UsageError) Unwrap() error { return u.error }

// blame names the place of a setting before an error.
func (l layer) blame(setting string, err error) error {
	err = fmt.Errorf("%s: %w", l.origin(setting), err)
	if l.typed {
		return UsageError{err}
	}
	return err
}

// layers are in the order of their precedence.
type layers []layer

// pick returns the value of a setting and the layer that has it; the value is
// empty where none does.
func (ls layers) pick(setting string) (value string, from layer) {
	for _, l := range ls {
		if v := l.values[setting]; v != "" {
			return v, l
		}
	}
	return "", layer{}
}

// take stores a setting's value after its check; a setting that nobody has
// stays empty.
func (ls layers) take(setting string, to *string, check func(string) error) error {
	value, from := ls.pick(setting)
	if value == "" {
		return nil
	}
	if strings.ContainsFunc(value, isControl) {
		return from.blame(setting, errors.New("control characters in its value"))
	}
	if err := check(value); err != nil {
		return from.blame(setting, err)
	}
	*to = value
	return nil
}

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
	layers  layers
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
	s := settled{role: path, home: home(q.Getenv, defaults, conf.addresses)}
	vault := vaultLayer(q.Getenv)
	variables := variablesLayer(q.Getenv)
	all := layers{flags, variables, profileKeys, vault, defaults}
	via, err := agent(q.Getenv)
	if err != nil {
		return settled{}, err
	}
	if s.address, err = all.chooseAddress(via); err != nil {
		return settled{}, err
	}
	if s.address != s.home {
		vault.drop(Namespace)
	}
	profileKeys.keepAt(s.address, profileKeys.values[Address], defaults.values[Address], s.home)
	defaults.keepAt(s.address, defaults.values[Address])
	if method := profileKeys.values[auth]; method != "" && method != defaults.values[auth] {
		defaults.drop(authSettings...)
	}
	s.layers = append(all, layer{values: map[string]string{Mount: "aws"}})
	return s, nil
}

// layer turns a section's vaws_* keys into settings.
func (s section) layer() (layer, error) {
	values, err := settingsOf(s)
	return layer{values: values, origin: func(setting string) string {
		return fmt.Sprintf("%s:%d: %s", s.path, s.lines[keyName(setting)], keyName(setting))
	}}, err
}

// vaultLayer is what the vault CLI would take from the environment.
func vaultLayer(getenv func(string) string) layer {
	names := map[string]string{Address: "VAULT_ADDR", Namespace: "VAULT_NAMESPACE"}
	values := map[string]string{}
	for setting, name := range names {
		values[setting] = getenv(name)
	}
	return layer{values: values, origin: func(setting string) string { return names[setting] }}
}

func variablesLayer(getenv func(string) string) layer {
	values := map[string]string{}
	for _, setting := range flagSettings {
		values[setting] = getenv(variableName(setting))
	}
	return layer{values: values, origin: variableName}
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

// chooseAddress returns the target's address. One that only another profile
// names is nobody else's.
func (ls layers) chooseAddress(agent string) (string, error) {
	address, from := ls.pick(Address)
	if address == "" && agent != "" {
		return agent, nil
	}
	if address == "" {
		return "", hint.Errorf("run: export VAULT_ADDR=https://vault.example.com:8200 (or set vaws_address in the AWS config)",
			"no Vault address is known")
	}
	normal, err := normalise(address)
	if err != nil {
		return "", from.blame(Address, err)
	}
	return normal, nil
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

// keepAt drops what belongs to one Vault, unless that is the target's. The owner
// is the first address that is not empty.
func (l *layer) keepAt(address string, owners ...string) {
	for _, owner := range owners {
		if owner == "" {
			continue
		}
		if normal, err := normalise(owner); err != nil || normal != address {
			l.drop(append([]string{Namespace}, authSettings...)...)
		}
		return
	}
}

func (l *layer) drop(settings ...string) {
	for _, setting := range settings {
		delete(l.values, setting)
	}
}

func (s settled) request() (credentials.Request, error) {
	r := credentials.Request{Address: s.address, Role: s.role}
	var ttl string
	for _, take := range []struct {
		setting string
		to      *string
		check   func(string) error
	}{
		{Mount, &r.Mount, checkSlashed},
		{Namespace, &r.Namespace, checkSlashed},
		{Endpoint, &r.Endpoint, checkEndpoint},
		{RoleARN, &r.RoleARN, checkRoleARN},
		{SessionName, &r.SessionName, checkSessionName},
		{TTL, &ttl, func(text string) (err error) { r.TTL, err = parseTTL(text); return }},
	} {
		if err := s.layers.take(take.setting, take.to, take.check); err != nil {
			return credentials.Request{}, err
		}
	}
	r.Mount, r.Namespace = strings.Trim(r.Mount, "/"), strings.Trim(r.Namespace, "/")
	return r, nil
}

// checkSlashed is checkPath for a path that may have slashes at its ends.
func checkSlashed(path string) error {
	return checkPath(strings.Trim(path, "/"))
}

// login fills the request's log-in and returns where its secret is. A target
// without vaws_auth has none.
func (s settled) login(r *credentials.Request) (Login, error) {
	var l Login
	for _, take := range []struct {
		setting string
		to      *string
		check   func(string) error
	}{
		{auth, &r.AuthMethod, checkPath},
		{authMount, &r.AuthMount, checkSlashed},
		{authRole, &r.AuthRole, func(string) error { return nil }},
		{authSecretFile, &l.SecretFile, checkSecretFile},
		{authSecretEnv, &l.SecretEnv, func(string) error { return nil }},
	} {
		if err := s.layers.take(take.setting, take.to, take.check); err != nil {
			return Login{}, err
		}
		if *take.to != "" && r.AuthMethod == "" {
			_, from := s.layers.pick(take.setting)
			return Login{}, from.blame(take.setting, hint.Errorf("add vaws_auth, such as: vaws_auth = approle",
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
