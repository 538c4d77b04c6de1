package lab

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"
)

// totpStep is the life of a code (RFC 6238, 5.2).
const totpStep = 30 * time.Second

// TOTP is a user's device for login MFA.
type TOTP struct {
	// MethodID names the method in Vault's mfa_requirement.
	MethodID string
	// Secret is the base32 secret that codes are made of.
	Secret string

	last int64 // the step of the last code
}

// RequireTOTP makes a login as r, by the method at r.Path, ask for a code.
func (v *Vault) RequireTOTP(ctx context.Context, r LoginRole) (*TOTP, error) {
	name := flatten(r.Path) + "-" + r.Name
	entity, err := v.entity(ctx, name, r)
	if err != nil {
		return nil, err
	}
	method, err := v.create(ctx, "identity/mfa/method/totp", map[string]any{"method_name": name, "issuer": "lab"})
	if err != nil {
		return nil, err
	}
	t := &TOTP{MethodID: method.Data["method_id"].(string)}
	enforcement := map[string]any{"mfa_method_ids": t.MethodID, "identity_entity_ids": entity}
	if err := v.Write(ctx, "identity/mfa/login-enforcement/"+name, enforcement); err != nil {
		return nil, err
	}
	made, err := v.create(ctx, "identity/mfa/method/totp/admin-generate", map[string]any{
		"method_id": t.MethodID, "entity_id": entity,
	})
	if err != nil {
		return nil, err
	}
	key, err := otp.NewKeyFromURL(made.Data["url"].(string))
	if err != nil {
		return nil, err
	}
	t.Secret = key.Secret()
	return t, nil
}

// entity creates the entity that stands for a user, and returns its ID.
func (v *Vault) entity(ctx context.Context, name string, r LoginRole) (string, error) {
	entity, err := v.create(ctx, "identity/entity", map[string]any{"name": name})
	if err != nil {
		return "", err
	}
	methods, err := v.client.Sys().ListAuthWithContext(ctx)
	if err != nil {
		return "", err
	}
	method := methods[r.Path+"/"]
	if method == nil {
		return "", fmt.Errorf("no auth method at %q", r.Path)
	}
	id := entity.Data["id"].(string)
	return id, v.Write(ctx, "identity/entity-alias", map[string]any{
		"name": r.Name, "canonical_id": id, "mount_accessor": method.Accessor,
	})
}

// create writes as root and returns the answer, which there has to be.
func (v *Vault) create(ctx context.Context, path string, data map[string]any) (*api.Secret, error) {
	answer, err := v.client.Logical().WriteWithContext(ctx, path, data)
	if err == nil && answer == nil {
		err = errors.New("no answer")
	}
	if err != nil {
		return nil, fmt.Errorf("writing %q: %w", path, err)
	}
	return answer, nil
}

// Code returns a code that it has not returned before, as Vault takes each one
// once. Vault takes the next step's too, so it waits only for a third code within
// a step.
func (t *TOTP) Code(ctx context.Context) (string, error) {
	step := max(t.last+1, stepAt(time.Now()))
	early := time.Unix((step-1)*int64(totpStep.Seconds()), 0)
	select {
	case <-time.After(time.Until(early)):
	case <-ctx.Done():
		return "", ctx.Err()
	}
	t.last = step
	return totp.GenerateCode(t.Secret, time.Unix(step*int64(totpStep.Seconds()), 0))
}

func stepAt(now time.Time) int64 { return now.Unix() / int64(totpStep.Seconds()) }
