package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"vaws/internal/lab/aws"
)

// MFASerial is the device of the role session-mfa; the stand-in's MFACode is its
// code.
const MFASerial = "arn:aws:iam::" + Account + ":mfa/lab"

// allowAll is the policy document of roles that must have one.
const allowAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// MountAWS mounts an AWS secrets engine that acts in an account of the stand-in,
// with the roles
//
//	ec2-admin    assumed_role, one role ARN
//	multi        assumed_role, role ARNs in Account and OtherAccount
//	fed          federation_token
//	session      session_token
//	session-mfa  session_token that wants an MFA code
//	user         iam_user
//	short        assumed_role whose default_sts_ttl AWS refuses as too short
//	static-user  static role, rotated daily
//
// The engine acts as the IAM user admin-MOUNT-PORT, where PORT is Vault's, so that
// several Vaults can share a stand-in; static-user rotates static-MOUNT-PORT.
func (v *Vault) MountAWS(ctx context.Context, mount string, stand *aws.Server, account string) error {
	suffix := flatten(mount) + "-" + v.port()
	id, secret, err := stand.AddUser(account, "admin-"+suffix)
	if err != nil {
		return err
	}
	static := "static-" + suffix
	if err := stand.CreateUser(account, static); err != nil {
		return err
	}
	root := map[string]any{"access_key": id, "secret_key": secret}
	if err := v.mountEngine(ctx, mount, stand, account, root); err != nil {
		return err
	}
	role := map[string]any{"username": static, "rotation_period": "24h"}
	return v.Write(ctx, mount+"/static-roles/static-user", role)
}

// MountAWSFromEnvironment mounts an engine with the same roles, but for
// static-user, that acts with the keys in Vault's environment; see
// VaultOptions.Env.
func (v *Vault) MountAWSFromEnvironment(ctx context.Context, mount string, stand *aws.Server, account string) error {
	return v.mountEngine(ctx, mount, stand, account, map[string]any{})
}

func (v *Vault) mountEngine(ctx context.Context, mount string, stand *aws.Server, account string, root map[string]any) error {
	if err := v.Write(ctx, "sys/mounts/"+mount, map[string]any{"type": "aws"}); err != nil {
		return err
	}
	maps.Copy(root, map[string]any{
		"region": "us-east-1", "sts_endpoint": stand.URL(), "sts_region": "us-east-1", "iam_endpoint": stand.URL(),
	})
	if err := v.Write(ctx, mount+"/config/root", root); err != nil {
		return err
	}
	roles := defaultRoles(account)
	for _, name := range slices.Sorted(maps.Keys(roles)) {
		if err := v.Write(ctx, mount+"/roles/"+name, roles[name]); err != nil {
			return err
		}
	}
	return nil
}

func defaultRoles(account string) map[string]map[string]any {
	return map[string]map[string]any{
		"ec2-admin": {"credential_type": "assumed_role", "role_arns": RoleARN(account, "ec2-admin")},
		"multi": {"credential_type": "assumed_role", "role_arns": []string{
			RoleARN(Account, "reader"), RoleARN(OtherAccount, "reader"),
		}},
		"short":       {"credential_type": "assumed_role", "role_arns": RoleARN(account, "short"), "default_sts_ttl": 300},
		"fed":         {"credential_type": "federation_token", "policy_document": allowAll},
		"session":     {"credential_type": "session_token"},
		"session-mfa": {"credential_type": "session_token", "mfa_serial_number": MFASerial},
		"user":        {"credential_type": "iam_user", "policy_document": allowAll},
	}
}

// RoleARN returns the ARN of an AWS role.
func RoleARN(account, role string) string {
	return fmt.Sprintf("arn:aws:iam::%s:role/%s", account, role)
}

// flatten makes a mount's path fit for an IAM user's name.
func flatten(mount string) string {
	name := []byte(mount)
	for i, c := range name {
		if c == '/' {
			name[i] = '-'
		}
	}
	return string(name)
}

// Write writes to a path of the API as root.
func (v *Vault) Write(ctx context.Context, path string, data map[string]any) error {
	_, err := v.client.Logical().WriteWithContext(ctx, path, data)
	if err != nil {
		return fmt.Errorf("writing %q: %w", path, err)
	}
	return nil
}

// TokenOptions describe a token to create.
type TokenOptions struct {
	// Mount is the AWS engine that the token is for.
	Mount string
	// Kind is what it may do there; see TokenKinds.
	Kind string
	// TTL such as "20m" bounds its life (default: the server's 768h).
	TTL string
	// Batch makes it a batch token.
	Batch bool
	// NoDefault leaves out the policy "default", and with it lookup-self and
	// the renewal of leases.
	NoDefault bool
}

// TokenKinds are the policies that MountToken knows: for each kind, the
// capabilities on paths of the mount.
var TokenKinds = map[string]map[string][]string{
	"full": {
		"sts/*": {"update", "read"}, "creds/*": {"update", "read"}, "static-creds/*": {"read"},
		"roles": {"list"}, "roles/": {"list"}, "static-roles": {"list"}, "static-roles/": {"list"},
	},
	"use":     {"sts/*": {"update"}, "creds/*": {"update"}, "static-creds/*": {"read"}},
	"update":  {"sts/*": {"update"}},
	"read":    {"sts/*": {"read"}},
	"creds":   {"creds/*": {"update"}},
	"static":  {"static-creds/*": {"read"}},
	"nothing": {},
}

// MountToken creates a token with a policy for one mount.
func (v *Vault) MountToken(ctx context.Context, o TokenOptions) (string, error) {
	policy, err := v.MountPolicy(ctx, o.Mount, o.Kind)
	if err != nil {
		return "", err
	}
	data := map[string]any{"policies": []string{policy}, "no_default_policy": o.NoDefault}
	if o.TTL != "" {
		data["ttl"] = o.TTL
	}
	if o.Batch {
		data["type"] = "batch"
	}
	secret, err := v.client.Logical().WriteWithContext(ctx, "auth/token/create-orphan", data)
	if err != nil {
		return "", fmt.Errorf("creating a token: %w", err)
	}
	return secret.Auth.ClientToken, nil
}

// MountPolicy writes the policy of one of TokenKinds for a mount, and returns
// its name.
func (v *Vault) MountPolicy(ctx context.Context, mount, kind string) (string, error) {
	paths, ok := TokenKinds[kind]
	if !ok {
		return "", fmt.Errorf("no such kind of token: %q", kind)
	}
	rules := map[string]map[string][]string{}
	for path, capabilities := range paths {
		rules[mount+"/"+path] = map[string][]string{"capabilities": capabilities}
	}
	// A policy may be written in JSON as well as in HCL.
	text, err := json.Marshal(map[string]any{"path": rules})
	if err != nil {
		return "", err
	}
	name := "lab-" + flatten(mount) + "-" + kind
	return name, v.Write(ctx, "sys/policies/acl/"+name, map[string]any{"policy": string(text)})
}
