package lab

import (
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"

	"github.com/rogpeppe/go-internal/testscript"
)

var raftCommands = map[string]command{
	"raft": {usage: "NAME | NAME leader VAR | NAME standby VAR | NAME kill leader [after=N] | NAME start", least: 1, run: runRaft},
}

// raftNodes is how many nodes a cluster has: the least that can lose one.
const raftNodes = 3

func runRaft(s *script, ts *testscript.TestScript, _ bool, args []string) error {
	name := args[0]
	c := s.rafts[name]
	switch {
	case c == nil && len(args) == 1:
		return s.startRaft(ts, name)
	case c == nil:
		return fmt.Errorf("there is no cluster %q", name)
	case len(args) == 3 && args[1] == "leader":
		leader, err := c.Leader(s.ctx)
		s.setNode(ts, args[2], leader)
		return err
	case len(args) == 3 && args[1] == "standby":
		standby, err := c.Standby(s.ctx)
		s.setNode(ts, args[2], standby)
		return err
	case len(args) == 2 && args[1] == "start":
		s.amids.Wait()
		return c.Start(s.ctx)
	case len(args) > 2 && args[1] == "kill" && args[2] == "leader":
		return s.amid(ts, args[3:], c.Nodes, func() error {
			leader, err := c.Leader(s.ctx)
			if err == nil {
				leader.Kill()
			}
			return err
		})
	}
	return fmt.Errorf("no such subcommand")
}

// setNode tells the script the name and the address of a node.
func (s *script) setNode(ts *testscript.TestScript, variable string, node *Vault) {
	for name, v := range s.vaults {
		if v == node && name != "" {
			ts.Setenv(variable, name)
			ts.Setenv(variable+"_ADDR", v.Addr)
		}
	}
}

// startRaft starts a cluster, with a balancer in front of it.
func (s *script) startRaft(ts *testscript.TestScript, name string) error {
	c, err := StartCluster(s.ctx, VaultOptions{Binary: s.bin.Vault}, raftNodes)
	if err != nil {
		return err
	}
	if s.rafts == nil {
		s.rafts = map[string]*Cluster{}
	}
	s.rafts[name] = c
	leader, err := c.Leader(s.ctx)
	if err != nil {
		return err
	}
	if err := leader.MountAWS(s.ctx, "aws", s.stand, Account); err != nil {
		return err
	}
	token, err := leader.MountToken(s.ctx, TokenOptions{Mount: "aws", Kind: "full"})
	if err != nil {
		return err
	}
	var addresses []string
	for i, v := range c.Nodes {
		node := fmt.Sprintf("%s_%d", name, i+1)
		s.vaults[node] = v // which the script closes
		ts.Setenv(node+"_ADDR", v.Addr)
		addresses = append(addresses, "127.0.0.1:"+v.port())
	}
	b, err := startBalancer(addresses)
	if err != nil {
		return err
	}
	ts.Defer(b.close)
	ts.Setenv(name+"_ADDR", "http://"+b.listener.Addr().String())
	ts.Setenv(name+"_TOKEN", token)
	return nil
}

// balancer hands connections to servers in turn, and to the next one if one does not
// listen, as load balancers do that look at connections only.
type balancer struct {
	listener net.Listener
	servers  []string
	turn     atomic.Int64
	open     sync.WaitGroup
}

func startBalancer(servers []string) (*balancer, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &balancer{listener: l, servers: servers}
	b.open.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			b.open.Go(func() { b.connect(client) })
		}
	})
	return b, nil
}

func (b *balancer) connect(client net.Conn) {
	defer client.Close()
	for range b.servers {
		server, err := net.Dial("tcp", b.servers[b.turn.Add(1)%int64(len(b.servers))])
		if err != nil {
			continue
		}
		defer server.Close()
		go func() {
			_, _ = io.Copy(server, client)
			_ = server.(*net.TCPConn).CloseWrite()
		}()
		_, _ = io.Copy(client, server)
		return
	}
}

func (b *balancer) close() { _ = b.listener.Close() }
