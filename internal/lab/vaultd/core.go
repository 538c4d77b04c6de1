package main

import (
	"context"
	"encoding/base64"
	"fmt"

	"github.com/hashicorp/go-hclog"
	jwtauth "github.com/hashicorp/vault-plugin-auth-jwt"
	kubeauth "github.com/hashicorp/vault-plugin-auth-kubernetes"
	"github.com/hashicorp/vault-plugin-secrets-kv"
	"github.com/hashicorp/vault/builtin/credential/approle"
	"github.com/hashicorp/vault/builtin/credential/cert"
	"github.com/hashicorp/vault/builtin/credential/ldap"
	"github.com/hashicorp/vault/builtin/credential/userpass"
	"github.com/hashicorp/vault/builtin/logical/aws"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical"
	"github.com/hashicorp/vault/sdk/physical/file"
	"github.com/hashicorp/vault/sdk/physical/inmem"
	"github.com/hashicorp/vault/vault"
)

var secretsEngines = map[string]logical.Factory{
	"aws": aws.Factory,
	"kv":  kv.Factory,
}

var authMethods = map[string]logical.Factory{
	"approle":    approle.Factory,
	"cert":       cert.Factory,
	"jwt":        jwtauth.Factory,
	"oidc":       jwtauth.Factory,
	"kubernetes": kubeauth.Factory,
	"ldap":       ldap.Factory,
	"userpass":   userpass.Factory,
}

// newCore makes the core that is served at the URL address.
func newCore(o options, address string, logger hclog.Logger) (*vault.Core, error) {
	storage, err := newStorage(o, logger)
	if err != nil {
		return nil, err
	}
	config := &vault.CoreConfig{
		Physical:           storage,
		LogicalBackends:    secretsEngines,
		CredentialBackends: authMethods,
		BuiltinRegistry:    registry{},
		DisableMlock:       true,
		Logger:             logger,
	}
	if o.raft.node != "" {
		if err := useRaft(config, o.raft, address); err != nil {
			return nil, err
		}
	}
	return vault.NewCore(config)
}

func newStorage(o options, logger hclog.Logger) (physical.Backend, error) {
	switch {
	case o.raft.node != "":
		return newRaft(o, logger)
	case o.storage == "":
		return inmem.NewInmem(nil, logger)
	}
	return file.NewFileBackend(map[string]string{"path": o.storage}, logger)
}

// initialize sets up new storage and unseals it; storage of an earlier run, or of a
// node that joins a cluster, is left sealed.
func initialize(ctx context.Context, core *vault.Core, o raftOptions) (ready, error) {
	if o.join != "" {
		return ready{Sealed: true}, joinCluster(ctx, core, o)
	}
	initialized, err := core.Initialized(ctx)
	if err != nil {
		return ready{}, fmt.Errorf("looking at the storage: %w", err)
	}
	if initialized {
		return ready{Sealed: true}, nil
	}
	result, err := core.Initialize(ctx, &vault.InitParams{
		BarrierConfig:  &vault.SealConfig{SecretShares: 1, SecretThreshold: 1},
		RecoveryConfig: &vault.SealConfig{},
	})
	if err != nil {
		return ready{}, fmt.Errorf("initializing: %w", err)
	}
	key := result.SecretShares[0]
	if unsealed, err := core.Unseal(key); err != nil || !unsealed {
		return ready{}, fmt.Errorf("unsealing: unsealed %t: %w", unsealed, err)
	}
	return ready{RootToken: result.RootToken, UnsealKey: base64.StdEncoding.EncodeToString(key)}, nil
}

// registry tells Vault's plugin catalog which plugins are compiled in. Vault's
// own registry would link every engine there is.
type registry struct{}

func (registry) factories(t consts.PluginType) map[string]logical.Factory {
	switch t {
	case consts.PluginTypeSecrets:
		return secretsEngines
	case consts.PluginTypeCredential:
		return authMethods
	default:
		return nil
	}
}

func (r registry) Contains(name string, t consts.PluginType) bool {
	_, ok := r.factories(t)[name]
	return ok
}

func (r registry) Get(name string, t consts.PluginType) (func() (any, error), bool) {
	factory, ok := r.factories(t)[name]
	return func() (any, error) { return factory, nil }, ok
}

func (r registry) Keys(t consts.PluginType) []string {
	var names []string
	for name := range r.factories(t) {
		names = append(names, name)
	}
	return names
}

func (r registry) DeprecationStatus(name string, t consts.PluginType) (consts.DeprecationStatus, bool) {
	if !r.Contains(name, t) {
		return consts.Unknown, false
	}
	return consts.Supported, true
}

func (registry) IsBuiltinEntPlugin(string, consts.PluginType) bool { return false }
