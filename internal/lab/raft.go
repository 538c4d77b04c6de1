package lab

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// raftNode is what makes a Vault a node of a cluster; zero for one that stands alone.
type raftNode struct {
	name    string
	first   *Vault // the node that started the cluster; nil: this one
	cluster string // where it listens for the other nodes, once that is known
}

func (n raftNode) arguments() []string {
	if n.name == "" {
		return nil
	}
	args := []string{"-raft", n.name}
	if n.first != nil {
		args = append(args, "-join", n.first.Addr)
	}
	if n.cluster != "" {
		args = append(args, "-cluster", n.cluster)
	}
	return args
}

// Cluster is a Vault of several nodes with integrated storage, each a process of its own.
type Cluster struct{ Nodes []*Vault }

// StartCluster starts a cluster with empty storage. Its nodes miss a leader after two to
// four seconds; Vault's do after five to ten by default. Close ends it.
func StartCluster(ctx context.Context, o VaultOptions, nodes int) (*Cluster, error) {
	c := &Cluster{}
	for i := range nodes {
		node := raftNode{name: fmt.Sprintf("node-%d", i+1)}
		if i > 0 {
			node.first = c.Nodes[0]
		}
		v, err := startNode(ctx, o, node)
		if err != nil {
			return nil, errors.Join(err, c.Close())
		}
		c.Nodes = append(c.Nodes, v)
		// Only a cluster that has a leader can be joined.
		if _, err := c.Leader(ctx); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	return c, nil
}

// Leader returns the node that leads, and waits until there is one.
func (c *Cluster) Leader(ctx context.Context) (*Vault, error) {
	for {
		for _, v := range c.Nodes {
			if v.leads(ctx) {
				return v, nil
			}
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for a leader: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Standby returns a node that runs and does not lead.
func (c *Cluster) Standby(ctx context.Context) (*Vault, error) {
	for _, v := range c.Nodes {
		if v.process.runs() && !v.leads(ctx) {
			return v, nil
		}
	}
	return nil, errors.New("there is no standby")
}

func (v *Vault) leads(ctx context.Context) bool {
	leader, err := v.client.Sys().LeaderWithContext(ctx)
	return err == nil && leader.IsSelf
}

// Start brings the nodes back that do not run, and waits until there is a leader.
func (c *Cluster) Start(ctx context.Context) error {
	for _, v := range c.Nodes {
		if v.process.runs() {
			continue
		}
		if err := v.Start(ctx); err != nil {
			return err
		}
	}
	_, err := c.Leader(ctx)
	return err
}

// Close ends all nodes and deletes their storage.
func (c *Cluster) Close() error {
	var errs []error
	for _, v := range c.Nodes {
		errs = append(errs, v.Close())
	}
	return errors.Join(errs...)
}
