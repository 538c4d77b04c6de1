package profile

import (
	"strings"
	"unicode/utf8"

	"vaws/internal/credentials"
	"vaws/internal/hint"
)

// rolePath is a role as it may be written: ROLE, MOUNT/ROLE, or a path pasted
// from the vault CLI, MOUNT/ENDPOINT/ROLE.
type rolePath struct{ mount, endpoint, role string }

// parseRole takes the mount to be all before the last slash, and the endpoint
// the last part of that if it is the name of one.
func parseRole(text string) (rolePath, error) {
	var p rolePath
	i := strings.LastIndexByte(text, '/')
	p.role = text[i+1:]
	if err := checkRole(p.role); err != nil {
		return rolePath{}, err
	}
	if i < 0 {
		return p, nil
	}
	p.mount = text[:i]
	if j := strings.LastIndexByte(p.mount, '/'); j >= 0 && checkEndpoint(p.mount[j+1:]) == nil {
		p.mount, p.endpoint = p.mount[:j], p.mount[j+1:]
	}
	return p, checkPath(p.mount)
}

// ParseRole reads a role as the user may write it: ROLE, MOUNT/ROLE, or a path pasted
// from the vault CLI. It returns mount, endpoint and role; what is not said is empty.
func ParseRole(text string) (credentials.Request, error) {
	p, err := parseRole(text)
	return credentials.Request{Mount: p.mount, Endpoint: p.endpoint, Role: p.role}, err
}

// CanName reports whether a profile can name the role.
func CanName(mount, role string) bool { return checkPath(mount) == nil && checkRole(role) == nil }

// ParseMount is the path of a mount without the slashes around it.
func ParseMount(text string) (string, error) {
	return strings.Trim(text, "/"), checkSlashed(text)
}

// checkName refuses what can be neither a profile nor a role, before it is
// looked for or printed.
func checkName(name string) error {
	const advice = `NAME is a profile of the AWS config, a role, or MOUNT/ROLE: vaws exec ec2-admin -- COMMAND`
	switch {
	case name == "":
		return hint.Errorf(advice, "NAME is empty")
	case !utf8.ValidString(name) || strings.ContainsFunc(name, isControl):
		return hint.Errorf(advice, "NAME %q holds control characters", name)
	case len(name) > 512:
		return hint.Errorf(advice, "NAME is longer than 512 bytes")
	}
	return nil
}

// values are the settings that the path itself makes.
func (p rolePath) values() map[string]string {
	values := map[string]string{}
	for setting, value := range map[string]string{Mount: p.mount, Endpoint: p.endpoint} {
		if value != "" {
			values[setting] = value
		}
	}
	return values
}

// agree fails if settings beside the path say something else than the path.
func (p rolePath) agree(text string, beside layer) error {
	for setting, value := range p.values() {
		if other, ok := beside.values[setting]; ok && strings.Trim(other, "/") != value {
			return hint.Errorf("say it in one place",
				"%q means %s %q, but %s says %q", text, setting, value, beside.origin(setting), other)
		}
	}
	return nil
}
