package lab

import (
	"context"
	"errors"
	"maps"
	"os"

	"vaws/internal/lab/idp"
)

// What the lab's JWTs and roles agree on.
const (
	// Audience is the audience of JWTs for Vault.
	Audience = "vaws-lab"
	// OIDCRedirect is where browsers bring the code to; Vault lets any port
	// of localhost pass for it (RFC 8252, 7.3).
	OIDCRedirect = "http://localhost:8250/oidc/callback"
	// ServiceAccount and ServiceNamespace name the one service account of
	// the lab's Kubernetes.
	ServiceAccount   = "deployer"
	ServiceNamespace = "lab"
)

// LoginRole is what everybody gets who logs in by a role, or as a user, of an
// auth method.
type LoginRole struct {
	// Path is where the method is enabled; it is enabled if it is not.
	Path string
	// Name is that of the role or of the user.
	Name string
	// Policy is the name of a policy; see MountPolicy.
	Policy string
	// TTL, MaxTTL and Period such as "20m" bound the tokens' lives (default:
	// the server's 768h, and no period).
	TTL, MaxTTL, Period string
	// Batch makes them batch tokens.
	Batch bool
	// NoDefault leaves out the policy "default".
	NoDefault bool
}

// tokens are the parameters that all methods have in common.
func (r LoginRole) tokens() map[string]any {
	data := map[string]any{"token_policies": r.Policy, "token_no_default_policy": r.NoDefault}
	for name, value := range map[string]string{
		"token_ttl": r.TTL, "token_max_ttl": r.MaxTTL, "token_period": r.Period,
	} {
		if value != "" {
			data[name] = value
		}
	}
	if r.Batch {
		data["token_type"] = "batch"
	}
	return data
}

// writeRole writes the role or user at kind/NAME, with parameters of the method's
// own.
func (v *Vault) writeRole(ctx context.Context, r LoginRole, kind string, own map[string]any) error {
	data := r.tokens()
	maps.Copy(data, own)
	return v.Write(ctx, "auth/"+r.Path+"/"+kind+"/"+r.Name, data)
}

// configureAuth enables a method and writes its configuration.
func (v *Vault) configureAuth(ctx context.Context, method, path string, config map[string]any) error {
	if err := v.EnableAuth(ctx, method, path); err != nil {
		return err
	}
	return v.Write(ctx, "auth/"+path+"/config", config)
}

// EnableAuth enables an auth method at a path, unless it is enabled there.
func (v *Vault) EnableAuth(ctx context.Context, method, path string) error {
	enabled, err := v.client.Sys().ListAuthWithContext(ctx)
	if err != nil {
		return err
	}
	if _, ok := enabled[path+"/"]; ok {
		return nil
	}
	return v.Write(ctx, "sys/auth/"+path, map[string]any{"type": method})
}

// SecretIDs bound what the secret IDs of an AppRole are good for.
type SecretIDs struct {
	// Uses is how many logins one allows; 0 is any number.
	Uses int
	// TTL such as "2s" is how long one lives; empty is for ever.
	TTL string
}

// AppRole creates a role of the method approle, and returns its role ID and a
// secret ID.
func (v *Vault) AppRole(ctx context.Context, r LoginRole, ids SecretIDs) (roleID, secretID string, err error) {
	if err := v.EnableAuth(ctx, "approle", r.Path); err != nil {
		return "", "", err
	}
	own := map[string]any{"secret_id_num_uses": ids.Uses}
	if ids.TTL != "" {
		own["secret_id_ttl"] = ids.TTL
	}
	if err := v.writeRole(ctx, r, "role", own); err != nil {
		return "", "", err
	}
	path := "auth/" + r.Path + "/role/" + r.Name
	id, err := v.client.Logical().ReadWithContext(ctx, path+"/role-id")
	if err != nil {
		return "", "", err
	}
	secret, err := v.client.Logical().WriteWithContext(ctx, path+"/secret-id", nil)
	if err != nil {
		return "", "", err
	}
	return id.Data["role_id"].(string), secret.Data["secret_id"].(string), nil
}

// OIDC lets the users of an identity provider log in with a browser that ends up
// at OIDCRedirect. The role is the method's default role as well. With formPost
// the provider has the browser post an ID token there: Vault asks for
// response_mode=form_post with response_type=id_token only.
func (v *Vault) OIDC(ctx context.Context, r LoginRole, provider *idp.Server, formPost bool) error {
	config := map[string]any{
		"oidc_discovery_url": provider.URL(),
		"oidc_client_id":     provider.ClientID,
		"oidc_client_secret": provider.ClientSecret,
		"default_role":       r.Name,
	}
	if formPost {
		config["oidc_response_mode"], config["oidc_response_types"] = "form_post", "id_token"
	}
	if err := v.configureAuth(ctx, "oidc", r.Path, config); err != nil {
		return err
	}
	return v.writeRole(ctx, r, "role", map[string]any{
		"role_type": "oidc", "user_claim": "sub", "groups_claim": "groups", "allowed_redirect_uris": OIDCRedirect,
	})
}

// JWT lets JWTs for Audience log in that the provider signed.
func (v *Vault) JWT(ctx context.Context, r LoginRole, provider *idp.Server) error {
	err := v.configureAuth(ctx, "jwt", r.Path, map[string]any{
		"jwt_validation_pubkeys": provider.PublicKey(), "bound_issuer": provider.URL(),
	})
	if err != nil {
		return err
	}
	return v.writeRole(ctx, r, "role", map[string]any{
		"role_type": "jwt", "user_claim": "sub", "bound_audiences": Audience,
	})
}

// User creates a user of the method userpass.
func (v *Vault) User(ctx context.Context, r LoginRole, password string) error {
	if err := v.EnableAuth(ctx, "userpass", r.Path); err != nil {
		return err
	}
	return v.writeRole(ctx, r, "users", map[string]any{"password": password})
}

// LDAP lets a user of a directory log in: who can bind as
// cn=NAME,PEOPLE at url, such as ldap://127.0.0.1:41234. What is said of the
// tokens' lives holds for every user of the path.
func (v *Vault) LDAP(ctx context.Context, r LoginRole, url, people string) error {
	config := r.tokens()
	// The policies are the user's own.
	delete(config, "token_policies")
	maps.Copy(config, map[string]any{"url": url, "userdn": people, "userattr": "cn"})
	if err := v.configureAuth(ctx, "ldap", r.Path, config); err != nil {
		return err
	}
	return v.Write(ctx, "auth/"+r.Path+"/users/"+r.Name, map[string]any{"policies": r.Policy})
}

// Cert lets the client certificate of the Vault's own TLSFiles log in.
func (v *Vault) Cert(ctx context.Context, r LoginRole) error {
	if v.options.TLS == nil {
		return errors.New("this Vault has no TLS")
	}
	ca, err := os.ReadFile(v.options.TLS.CA)
	if err != nil {
		return err
	}
	if err := v.EnableAuth(ctx, "cert", r.Path); err != nil {
		return err
	}
	return v.writeRole(ctx, r, "certs", map[string]any{"certificate": string(ca)})
}

// KubernetesAPI is where Vault has the tokens of service accounts reviewed.
type KubernetesAPI struct {
	// URL is that of the API server; CA is the PEM of its authority.
	URL, CA string
	// Reviewer is the token that Vault shows there.
	Reviewer string
}

// Kubernetes lets the lab's service account log in.
func (v *Vault) Kubernetes(ctx context.Context, r LoginRole, k KubernetesAPI) error {
	err := v.configureAuth(ctx, "kubernetes", r.Path, map[string]any{
		"kubernetes_host": k.URL, "kubernetes_ca_cert": k.CA, "token_reviewer_jwt": k.Reviewer,
	})
	if err != nil {
		return err
	}
	return v.writeRole(ctx, r, "role", map[string]any{
		"bound_service_account_names": ServiceAccount, "bound_service_account_namespaces": ServiceNamespace,
		"audience": Audience,
	})
}
