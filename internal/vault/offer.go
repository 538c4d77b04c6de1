package vault

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/hashicorp/vault/api"

	"vaws/internal/credentials"
)

// ErrMayNotList says that the token may not list the roles of a mount, which it may
// be allowed to use all the same.
var ErrMayNotList = errors.New("the token may not list the roles")

// Mounts are the mounts of AWS secrets engines on which the token may do something, in
// order, even those with characters that need escaping in a URL. Of r, address, namespace and log-in count, as for every function here
// (https://developer.hashicorp.com/vault/api-docs/system/internal-ui-mounts).
func (s *Source) Mounts(ctx context.Context, r credentials.Request) ([]string, error) {
	var secret *api.Secret
	err := s.asking(ctx, r, func() (err error) {
		secret, err = s.client.Logical().ReadWithContext(ctx, "sys/internal/ui/mounts")
		return err
	})
	switch {
	case err != nil:
		return nil, s.explainOffer(ctx, r, "asking for the mounts of AWS secrets engines", err)
	case secret == nil:
		return nil, nil
	}
	mounts, _ := secret.Data["secret"].(map[string]any)
	var found []string
	for path, mount := range mounts {
		about, _ := mount.(map[string]any)
		if path = strings.Trim(path, "/"); about["type"] == "aws" && !strings.ContainsFunc(path, isUnprintable) {
			found = append(found, path)
		}
	}
	slices.Sort(found)
	if len(found) == 0 && s.client.Token() == "" { // without one Vault answers all the same
		return nil, s.noToken()
	}
	return found, nil
}

func isUnprintable(r rune) bool { return !unicode.IsPrint(r) }

// Roles lists the roles and the static roles of the mount. If the token may list
// neither of them, the error wraps ErrMayNotList.
func (s *Source) Roles(ctx context.Context, r credentials.Request, mount string) ([]credentials.Role, error) {
	var all []credentials.Role
	var denial error
	for _, kind := range []string{"roles", "static-roles"} {
		var names []string
		err := s.asking(ctx, r, func() (err error) {
			names, err = s.listed(ctx, mount+"/"+kind)
			return err
		})
		if errors.As(err, new(*deniedError)) {
			s.config.Debug("the token may not list %s/%s", mount, kind)
			denial = err
			continue
		}
		if err != nil {
			return nil, s.explainOffer(ctx, r, fmt.Sprintf("listing the roles of mount %q", mount), err)
		}
		for _, name := range names {
			all = append(all, credentials.Role{Mount: mount, Name: name, Static: kind == "static-roles"})
		}
	}
	var denied *deniedError
	switch {
	case !errors.As(denial, &denied) || len(all) > 0:
		return all, nil
	case s.isToBlame(ctx, denied):
		return nil, s.explainOffer(ctx, r, fmt.Sprintf("listing the roles of mount %q", mount), denied)
	}
	return nil, fmt.Errorf("mount %q: %w", mount, ErrMayNotList)
}

// Usable are those of the roles that the token's policies let it use. All of them are
// if Vault does not tell.
func (s *Source) Usable(ctx context.Context, r credentials.Request, roles []credentials.Role) ([]credentials.Role, error) {
	var paths []string
	for _, role := range roles {
		paths = append(paths, PathsOf(role)...)
	}
	can, err := s.Capabilities(ctx, r, paths)
	var denied *deniedError
	if errors.As(err, &denied) && !denied.token {
		s.config.Debug("Vault does not tell what the token may do")
		return roles, nil
	}
	var usable []credentials.Role
	for _, role := range roles {
		for _, path := range PathsOf(role) {
			if suffices(can[path], role.Static) {
				usable = append(usable, role)
				break
			}
		}
	}
	return usable, err
}

// PathsOf are where the role's credentials can be had, the usual place first.
func PathsOf(r credentials.Role) []string {
	if r.Static {
		return []string{r.String()}
	}
	return []string{
		r.Mount + "/" + credentials.EndpointSTS + "/" + r.Name,
		r.Mount + "/" + credentials.EndpointCreds + "/" + r.Name,
	}
}

// suffices reports whether the capabilities are enough for one of attempts.
func suffices(capabilities []string, static bool) bool {
	for _, c := range capabilities {
		if c == "read" || c == "root" || c == "update" && !static {
			return true
		}
	}
	return false
}

// pathsAtOnce keeps the answer, which tells of each path twice, below maxAnswer.
const pathsAtOnce = 1000

// Capabilities are what the token may do at each of the paths, such as "read", "update",
// "deny" and "root" (https://developer.hashicorp.com/vault/api-docs/system/capabilities-self).
func (s *Source) Capabilities(ctx context.Context, r credentials.Request, paths []string) (map[string][]string, error) {
	all := map[string][]string{}
	for some := range slices.Chunk(paths, pathsAtOnce) {
		var secret *api.Secret
		err := s.asking(ctx, r, func() (err error) {
			secret, err = s.client.Logical().WriteWithContext(ctx, "sys/capabilities-self", map[string]any{"paths": some})
			if err == nil && secret == nil {
				err = errNothingThere
			}
			return err
		})
		if err != nil {
			return nil, s.explainOffer(ctx, r, "asking what the token may do", err)
		}
		for _, path := range some {
			list, _ := secret.Data[path].([]any)
			for _, c := range list {
				if text, ok := c.(string); ok {
					all[path] = append(all[path], text)
				}
			}
		}
	}
	return all, nil
}

// asking connects, and asks; once more if the token was to blame for a denial and
// another one can be had.
func (s *Source) asking(ctx context.Context, r credentials.Request, ask func() error) error {
	if err := s.Connect(ctx, r); err != nil {
		return connectError{err}
	}
	err := asDenied(ask())
	replaced, loginErr := s.replaceToken(ctx, r, err)
	switch {
	case loginErr != nil:
		return connectError{loginErr}
	case replaced:
		return asDenied(ask())
	}
	return err
}

// connectError is an error that has its words already.
type connectError struct{ error }

func (c connectError) Unwrap() error { return c.error }

// listed is the names at a path.
func (s *Source) listed(ctx context.Context, path string) ([]string, error) {
	secret, err := s.client.Logical().ListWithContext(ctx, path)
	if err != nil || secret == nil {
		return nil, err
	}
	return names(secret), nil
}

// explainOffer puts into words what went wrong while asking what there is.
func (s *Source) explainOffer(ctx context.Context, r credentials.Request, doing string, err error) error {
	var connect connectError
	var denied *deniedError
	var answer *api.ResponseError
	switch {
	case errors.As(err, &connect):
		return connect.error
	case errors.As(err, &denied):
		s.isToBlame(ctx, denied)
		if token := s.explainToken(denied); token != nil {
			return fmt.Errorf("%s: %w", doing, s.cleaned(token))
		}
		err = fmt.Errorf("the token's policies do not allow it: %w", denied)
	case errors.As(err, &answer) && !answer.RawError:
		err = s.explainAnswer(ctx, r, answer)
	default:
		err = s.explainAny(err)
	}
	return fmt.Errorf("%s: %w", doing, s.cleaned(err))
}
