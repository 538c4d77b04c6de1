package profile

import (
	"fmt"
	"path/filepath"
	"strings"

	"vaws/internal/credentials"
	"vaws/internal/hint"
)

// layer is one place where settings come from.
type layer struct {
	values map[string]string
	origin func(setting string) string // how an error names the place
}

// layers are in the order of their precedence.
type layers []layer

// pick returns the value of a setting and how an error names its place; both
// are empty where no layer has it.
func (ls layers) pick(setting string) (value, origin string) {
	for _, l := range ls {
		if v := l.values[setting]; v != "" {
			return v, l.origin(setting)
		}
	}
	return "", ""
}

// take stores a setting's value after its check; a setting that nobody has
// stays empty.
func (ls layers) take(setting string, to *string, check func(string) error) error {
	value, origin := ls.pick(setting)
	if value == "" {
		return nil
	}
	if strings.ContainsFunc(value, isControl) {
		return fmt.Errorf("%s: control characters in its value", origin)
	}
	if err := check(value); err != nil {
		return fmt.Errorf("%s: %w", origin, err)
	}
	*to = value
	return nil
}

// Resolve finds the one target that the query means. Precedence: flag, VAWS_*
// variable, profile key, VAULT_* variable, [vaws] key, built-in default.
func Resolve(q Query) (Target, error) {
	if err := checkName(q.Name); err != nil {
		return Target{}, err
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
	if t.TLS, err = tlsOf(q.Getenv, t.Ambient); err != nil {
		return Target{}, err
	}
	if t.Ambient {
		t.Via, t.Proxy = q.Getenv("VAULT_AGENT_ADDR"), q.Getenv("VAULT_PROXY_ADDR")
	}
	t.Region, err = s.region(conf.profile)
	return t, err
}

// settled is what is known once every layer is read and the address is chosen.
type settled struct {
	layers  layers
	role    string
	address string // of the target
	home    string // that the surroundings are for; may be empty
}

func settle(q Query, conf awsConfig) (settled, error) {
	flags := layer{q.Flags, flagName}
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
	vault := layer{map[string]string{Namespace: q.Getenv("VAULT_NAMESPACE")}, func(string) string { return "VAULT_NAMESPACE" }}
	variables := variablesLayer(q.Getenv)
	if s.address, err = chooseAddress(layers{flags, variables, profileKeys}, q.Getenv, s.home); err != nil {
		return settled{}, err
	}
	if s.address != s.home {
		vault.values = nil
	}
	profileKeys.keepAtHome(s.address)
	defaults.keepAtHome(s.address)
	if method := profileKeys.values[auth]; method != "" && method != defaults.values[auth] {
		defaults.drop(authSettings...)
	}
	builtIn := layer{map[string]string{Mount: "aws"}, func(string) string { return "built-in default" }}
	s.layers = layers{flags, variables, profileKeys, vault, defaults, builtIn}
	return s, nil
}

// layer turns a section's vaws_* keys into settings.
func (s section) layer() (layer, error) {
	values, err := settingsOf(s)
	return layer{values, func(setting string) string {
		return fmt.Sprintf("%s:%d: %s", s.path, s.lines[keyName(setting)], keyName(setting))
	}}, err
}

func variablesLayer(getenv func(string) string) layer {
	values := map[string]string{}
	for _, setting := range flagSettings {
		values[setting] = getenv(variableName(setting))
	}
	return layer{values, variableName}
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
	text, from, origin := name, flags, "NAME"
	if r := profileKeys.values[role]; r != "" {
		text, from, origin = r, profileKeys, profileKeys.origin(role)
	}
	path, err := parseRole(text)
	if err == nil {
		err = path.agree(text, *from)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", origin, err)
	}
	merged := path.values()
	for setting, value := range from.values {
		merged[setting] = value
	}
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

func chooseAddress(explicit layers, getenv func(string) string, home string) (string, error) {
	address, origin := explicit.pick(Address)
	if address == "" && home != "" {
		return home, nil
	}
	if address == "" {
		address, origin = getenv("VAULT_ADDR"), "VAULT_ADDR"
	}
	if address == "" {
		return "", hint.Errorf("run: export VAULT_ADDR=https://vault.example.com:8200 (or set vaws_address in the AWS config)",
			"no Vault address is known")
	}
	normal, err := normalise(address)
	if err != nil {
		return "", fmt.Errorf("%s: %w", origin, err)
	}
	return normal, nil
}

// keepAtHome drops what belongs to one Vault from a layer that names another
// one than the target's.
func (l *layer) keepAtHome(address string) {
	own := l.values[Address]
	if own == "" {
		return
	}
	if normal, err := normalise(own); err != nil || normal != address {
		l.drop(append([]string{Namespace}, authSettings...)...)
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
			_, origin := s.layers.pick(take.setting)
			return Login{}, hint.Errorf("add vaws_auth, such as: vaws_auth = approle", "%s says how to log in, but no vaws_auth names the method", origin)
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
		return AWSRegion{chosen, true}, err
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
