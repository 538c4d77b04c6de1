package vault

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/vault/api"

	"vaws/internal/credentials"
)

// secondFactor is the second phase of a log-in for which Vault wants more than one
// proof: a method of each constraint, with a passcode where it takes one
// (https://developer.hashicorp.com/vault/api-docs/system/mfa/validate).
func (s *Source) secondFactor(ctx context.Context, client *api.Client, l credentials.Login, wanted *api.MFARequirement) (*api.Secret, error) {
	payload := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(wanted.MFAConstraints)) {
		factor := choose(wanted.MFAConstraints[name])
		if factor == nil {
			return nil, fmt.Errorf("the answer of Vault has no method for the second factor %q", name)
		}
		passcode, err := s.passcode(ctx, l, name, factor)
		if err != nil {
			return nil, err
		}
		s.sent = append(s.sent, passcode)
		payload[factor.ID] = []string{passcode}
	}
	return client.Sys().MFAValidateWithContext(ctx, wanted.MFARequestID, payload)
}

// choose takes a method with a passcode before one that asks a person elsewhere.
func choose(c *api.MFAConstraintAny) *api.MFAMethodID {
	if c == nil || len(c.Any) == 0 {
		return nil
	}
	if i := slices.IndexFunc(c.Any, func(m *api.MFAMethodID) bool { return m.UsesPasscode }); i >= 0 {
		return c.Any[i]
	}
	return c.Any[0]
}

func (s *Source) passcode(ctx context.Context, l credentials.Login, name string, factor *api.MFAMethodID) (string, error) {
	proof := s.config.Proof
	switch {
	case !factor.UsesPasscode:
		if proof.Tell != nil {
			proof.Tell(fmt.Sprintf("waiting for the second factor %s (%s)", name, factor.Type))
		}
		return "", nil
	case proof.AskSecret == nil:
		return "", s.withHowTo(l, errors.New("a second factor is wanted, and nobody is there to give it"))
	}
	code, err := proof.AskSecret(ctx, fmt.Sprintf("passcode for %s (%s): ", name, factor.Type))
	if err == nil && code == "" {
		err = errors.New("no passcode was entered")
	}
	return code, err
}
