package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/hashicorp/vault/api"
)

// VaultOptions configure a Vault.
type VaultOptions struct {
	// Binary is the path of vaultd, from Build or BuildVault.
	Binary string
	// TLS makes Vault serve https with these files. Nil is plain http.
	TLS *TLSFiles
	// Env is added to Vault's otherwise plain environment, for example
	// AWS_SESSION_TOKEN for a Vault that runs on session credentials.
	Env []string
	// Log receives Vault's log, if set.
	Log io.Writer
}

// Vault is a real Vault server in a process of its own, initialized and
// unsealed. Its storage survives Stop, Kill and Start, and so does its address.
type Vault struct {
	// Addr is the URL for VAULT_ADDR.
	Addr string
	// RootToken is a token that may do anything.
	RootToken string

	options   VaultOptions
	dir       string
	unsealKey string
	node      raftNode
	client    *api.Client
	process   *process
}

// StartVault starts a Vault with empty storage. Close ends it.
func StartVault(ctx context.Context, o VaultOptions) (*Vault, error) {
	return startNode(ctx, o, raftNode{})
}

func startNode(ctx context.Context, o VaultOptions, node raftNode) (*Vault, error) {
	dir, err := os.MkdirTemp("", "vaws-lab-vault")
	if err != nil {
		return nil, err
	}
	v := &Vault{options: o, dir: dir, node: node}
	if err := v.launch(ctx); err != nil {
		_ = v.Close()
		return nil, err
	}
	return v, nil
}

// vaultReady is the line that vaultd prints; see vaultd's source.
type vaultReady struct {
	Address   string `json:"address"`
	Cluster   string `json:"cluster"`
	RootToken string `json:"root_token"`
	UnsealKey string `json:"unseal_key"`
	Sealed    bool   `json:"sealed"`
}

// launch starts the process and waits until it serves.
func (v *Vault) launch(ctx context.Context) error {
	cmd := exec.Command(v.options.Binary, v.arguments()...)
	cmd.Env = plainEnvironment(v.options.Env...)
	cmd.Stderr = v.options.Log
	var ready vaultReady
	p, err := startTalking(cmd, &ready)
	if err != nil {
		return fmt.Errorf("starting Vault: %w", err)
	}
	v.process = p
	return v.opened(ctx, ready)
}

func (v *Vault) arguments() []string {
	args := []string{"-storage", filepath.Join(v.dir, "storage"), "-request-log", v.requestLog()}
	if v.Addr != "" {
		args = append(args, "-listen", net.JoinHostPort("127.0.0.1", v.port()))
	}
	if t := v.options.TLS; t != nil {
		args = append(args, "-tls-cert", t.ServerCert, "-tls-key", t.ServerKey, "-tls-client-ca", t.CA)
	}
	return append(args, v.node.arguments()...)
}

// port returns the port of the address.
func (v *Vault) port() string { return v.Addr[strings.LastIndexByte(v.Addr, ':')+1:] }

// opened takes over what a fresh Vault says, and unseals one that restarted or joined a
// cluster.
func (v *Vault) opened(ctx context.Context, ready vaultReady) error {
	v.Addr, v.node.cluster = ready.Address, ready.Cluster
	if ready.RootToken != "" {
		v.RootToken, v.unsealKey = ready.RootToken, ready.UnsealKey
	} else if first := v.node.first; first != nil {
		v.RootToken, v.unsealKey = first.RootToken, first.unsealKey
	}
	client, err := v.newClient()
	if err != nil {
		return err
	}
	if v.client = client; ready.Sealed {
		return v.Unseal(ctx)
	}
	return nil
}

func (v *Vault) newClient() (*api.Client, error) {
	config := api.DefaultConfig()
	if config.Error != nil {
		return nil, config.Error
	}
	config.Address = v.Addr
	config.MaxRetries = 0
	if t := v.options.TLS; t != nil {
		if err := config.ConfigureTLS(&api.TLSConfig{CACert: t.CA}); err != nil {
			return nil, err
		}
	}
	client, err := api.NewClient(config)
	if err != nil {
		return nil, err
	}
	client.SetToken(v.RootToken)
	client.AddHeader("User-Agent", labAgent)
	client.ClearNamespace()
	return client, nil
}

// Client returns a client with the root token.
func (v *Vault) Client() *api.Client { return v.client }

// Stop ends the server in good order; Start brings it back.
func (v *Vault) Stop() {
	if v.process != nil {
		v.process.end()
	}
}

// Kill ends the server without warning; Start brings it back.
func (v *Vault) Kill() {
	if v.process != nil {
		v.process.kill()
	}
}

// Start brings a stopped or killed Vault back, at the same address, with the same
// storage, unsealed.
func (v *Vault) Start(ctx context.Context) error {
	if v.process.runs() {
		return errors.New("the Vault is running")
	}
	return v.launch(ctx)
}

// Seal makes Vault refuse every request until Unseal.
func (v *Vault) Seal(ctx context.Context) error {
	return v.client.Sys().SealWithContext(ctx)
}

// Unseal gives Vault its key. What takes a moment after that, such as mounting
// the engines, is done when it returns.
func (v *Vault) Unseal(ctx context.Context) error {
	if _, err := v.client.Sys().UnsealWithContext(ctx, v.unsealKey); err != nil {
		return err
	}
	return v.process.waitUntil(ctx, func() bool { return v.isUsable(ctx) })
}

// isUsable reports whether Vault answers requests, by itself or as a standby that knows
// of an active node.
func (v *Vault) isUsable(ctx context.Context) bool {
	health, err := v.client.Sys().HealthWithContext(ctx)
	if err != nil || health.Sealed || !health.Standby {
		return err == nil && !health.Sealed
	}
	leader, err := v.client.Sys().LeaderWithContext(ctx)
	return err == nil && leader.LeaderAddress != ""
}

// labAgent is the user agent of the lab's own client, which Requests leaves out.
const labAgent = "vaws-lab"

func (v *Vault) requestLog() string { return filepath.Join(v.dir, "requests") }

// Requests returns the requests that came in since the start or the last
// ResetRequests, as "METHOD /v1/path", without those that the lab made.
func (v *Vault) Requests() ([]string, error) {
	text, err := os.ReadFile(v.requestLog())
	if err != nil {
		return nil, err
	}
	var requests []string
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(strings.TrimSpace(line), " ", 3)
		if len(fields) < 3 || fields[2] != labAgent {
			requests = append(requests, strings.Join(fields[:2], " "))
		}
	}
	return requests, nil
}

// ResetRequests makes Requests start anew.
func (v *Vault) ResetRequests() error { return os.Truncate(v.requestLog(), 0) }

// Close ends the server and deletes its storage.
func (v *Vault) Close() error {
	v.Stop()
	return os.RemoveAll(v.dir)
}
