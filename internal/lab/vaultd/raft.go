package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/physical/raft"
	"github.com/hashicorp/vault/sdk/physical"
	"github.com/hashicorp/vault/vault"
)

// raftOptions make vaultd a node of a cluster with integrated storage.
type raftOptions struct {
	node    string // its name; empty: no raft
	cluster string // address to listen on for the other nodes
	join    string // URL of a node of the cluster; empty: start one
}

// newRaft returns the storage of a node that misses a leader after two to four seconds;
// with Vault's default of performance_multiplier it would be five to ten.
func newRaft(o options, logger hclog.Logger) (physical.Backend, error) {
	if err := os.MkdirAll(o.storage, 0o700); err != nil {
		return nil, err
	}
	return raft.NewRaftBackend(map[string]string{
		"path": o.storage, "node_id": o.raft.node, "performance_multiplier": "2",
	}, logger)
}

// useRaft adds to the configuration what a node of a cluster has besides. api is
// the URL that standbys send clients to.
func useRaft(c *vault.CoreConfig, o raftOptions, api string) error {
	storage, ok := c.Physical.(physical.HABackend)
	if !ok {
		return fmt.Errorf("%T knows no high availability", c.Physical)
	}
	c.HAPhysical = storage
	c.RedirectAddr = api
	c.ClusterAddr = "https://" + o.cluster
	// Every node votes as soon as it has joined, and not after a time of probation.
	c.DisableAutopilot = true
	return nil
}

// joinCluster joins the cluster of the options. The node is sealed then; to unseal it
// is the second half of joining.
func joinCluster(ctx context.Context, core *vault.Core, o raftOptions) error {
	_, err := core.JoinRaftCluster(ctx, []*raft.LeaderJoinInfo{{LeaderAPIAddr: o.join}}, false)
	if err != nil {
		return fmt.Errorf("joining the cluster of %s: %w", o.join, err)
	}
	return nil
}

// freePort returns an address on loopback that nobody listens at. The other nodes are
// told of it before the core listens there.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// hearCluster has the core listen for the other nodes once it is unsealed, and answer
// what standbys forward with handler.
func hearCluster(core *vault.Core, o raftOptions, handler http.Handler) error {
	if o.node == "" {
		return nil
	}
	address, err := net.ResolveTCPAddr("tcp", o.cluster)
	if err != nil {
		return err
	}
	core.SetClusterListenerAddrs([]*net.TCPAddr{address})
	core.SetClusterHandler(handler)
	return nil
}
