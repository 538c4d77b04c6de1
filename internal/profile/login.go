package profile

import (
	"cmp"
	"slices"
	"strings"

	"vaws/internal/credentials"
	"vaws/internal/hint"
)

// ResolveLogin is Resolve for what concerns a Vault's token and no role: the
// query's name is that of a profile, which has to exist, or empty. Of the request
// it fills in address, namespace and log-in. Without a method, which the caller
// may need or not, the other settings of a log-in are no error.
func ResolveLogin(q Query) (Target, error) {
	conf, err := readConfig(ConfigPath(q.Getenv), q.Name)
	if err != nil {
		return Target{}, err
	}
	s, err := sourcesOf(conf, q)
	if err != nil {
		return Target{}, err
	}
	if err := checkLoginProfile(q, s.conf.profile, s.keys); err != nil {
		return Target{}, err
	}
	return s.target(q)
}

// checkLoginProfile is checkProfile for where only the Vault of a profile counts.
func checkLoginProfile(q Query, s section, keys layer) error {
	if q.Name == "" {
		return nil
	}
	if s.header == 0 {
		return UsageError{noProfile(q)}
	}
	call := parseCall(s.options["credential_process"])
	switch {
	case !call.isVaws:
		return checkElsewhere(q, s, keys)
	case !call.agrees(q, []string{Address, Namespace}):
		return otherCall(q, s, "leave out --profile, and say with --address and --namespace what that call says")
	}
	return nil
}

func noProfile(q Query) error {
	path := ConfigPath(q.Getenv)
	advice := cmp.Or(hint.DidYouMean(q.Name, Names(path)), "profiles are the sections [profile NAME] of "+path)
	return hint.Errorf(advice, "no profile %q", q.Name)
}

// keepOneMethod drops the settings of every log-in but the chosen one. A layer
// without a method means that of the next one below it that has any; where there is
// none, it means whatever is chosen.
func (s *sources) keepOneMethod() {
	all := s.layers()
	chosen, _ := all.pick(Auth)
	method := ""
	for _, l := range slices.Backward(all) {
		method = cmp.Or(l.values[Auth], method)
		if method != "" && method != chosen {
			l.drop(authSettings...)
		}
	}
}

// login fills in the request's log-in and returns what else it needs. The secret's
// place comes from one layer: a file below does not replace a variable above.
func (s *sources) login(r *credentials.Request) (Login, error) {
	var l Login
	var namespace string
	secret := s.layers().first(AuthSecretFile, AuthSecretEnv)
	if err := secret.takeFile(AuthSecretFile, &l.SecretFile); err != nil {
		return Login{}, err
	}
	if err := (layers{secret}).take(AuthSecretEnv, &l.SecretEnv, anything); err != nil {
		return Login{}, err
	}
	err := s.layers().takeAll([]taking{
		{Auth, &r.AuthMethod, checkPath},
		{AuthMount, &r.AuthMount, checkSlashed},
		{AuthRole, &r.AuthRole, anything},
		{AuthNamespace, &namespace, checkAuthNamespace},
		{authAudience, &l.Audience, anything},
	})
	r.AuthMount = strings.Trim(r.AuthMount, "/")
	if err != nil || r.AuthMethod == "" {
		return l, err
	}
	r.AuthMount = cmp.Or(r.AuthMount, r.AuthMethod)
	r.AuthNamespace = strings.Trim(cmp.Or(namespace, r.Namespace), "/")
	return l, nil
}

// checkMethod refuses settings of a log-in without the method they are for.
func (s *sources) checkMethod(r credentials.Request) error {
	if r.AuthMethod != "" {
		return nil
	}
	for _, setting := range authSettings {
		if value, from := s.layers().pick(setting); value != "" {
			return from.blame(setting, hint.Errorf("add vaws_auth, such as: vaws_auth = approle (or set VAWS_AUTH)",
				"no vaws_auth names the method to log in by"))
		}
	}
	return nil
}

func anything(string) error { return nil }

// checkAuthNamespace takes the root as well, for a namespace whose tokens come
// from there.
func checkAuthNamespace(path string) error {
	if path == "/" {
		return nil
	}
	return checkSlashed(path)
}
