package lab

import (
	"errors"
	"fmt"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

var agentCommands = map[string]command{
	"agent": {usage: "NAME [@VAULT] [force | no-auth] [require-header] [ttl=DURATION] | NAME stop", least: 1, run: runAgent},
}

func runAgent(s *script, ts *testscript.TestScript, _ bool, args []string) error {
	name := args[0]
	running := s.agents[name]
	if len(args) == 2 && args[1] == "stop" {
		if running == nil {
			return fmt.Errorf("there is no agent %q", name)
		}
		delete(s.agents, name)
		return running.Close()
	}
	if running != nil {
		return fmt.Errorf("there is an agent %q already", name)
	}
	a, err := s.startAgent(name, args[1:])
	if err != nil {
		return err
	}
	s.agents[name] = a
	ts.Setenv(name+"_ADDR", a.Addr)
	ts.Setenv(name+"_SOCKET", a.Socket)
	return nil
}

// startAgent reads the words after the agent's name and starts it.
func (s *script) startAgent(name string, words []string) (*Agent, error) {
	vault, ttl, o := "", "", AgentOptions{AutoAuth: "true"}
	for _, word := range words {
		key, value, _ := strings.Cut(word, "=")
		switch {
		case strings.HasPrefix(word, "@"):
			vault = word[1:]
		case word == "force":
			o.AutoAuth = "force"
		case word == "no-auth":
			o.AutoAuth = "none"
		case word == "require-header":
			o.RequestHeader = true
		case key == "ttl":
			ttl = value
		default:
			return nil, fmt.Errorf("unknown option %q", word)
		}
	}
	v := s.vaults[vault]
	if v == nil {
		return nil, fmt.Errorf("there is no Vault %q", vault)
	}
	if o.AutoAuth != "none" {
		if err := s.agentRole(v, "agent-"+name, ttl, &o); err != nil {
			return nil, err
		}
	}
	return v.StartAgent(o)
}

// agentRole makes an AppRole whose tokens are of kind full for the mount aws and
// live for the TTL unless they are renewed.
func (s *script) agentRole(v *Vault, role, ttl string, o *AgentOptions) error {
	policy, err := v.MountPolicy(s.ctx, "aws", "full")
	if err != nil {
		return err
	}
	if o.RoleID, o.SecretID, err = v.AppRole(s.ctx, LoginRole{Path: "approle", Name: role, Policy: policy}, SecretIDs{}); err != nil {
		return err
	}
	s.search.add(o.SecretID)
	if ttl == "" {
		return nil
	}
	return v.Write(s.ctx, "auth/approle/role/"+role, map[string]any{"token_ttl": ttl})
}

func (s *script) closeAgents() error {
	var errs []error
	for _, a := range s.agents {
		errs = append(errs, a.Close())
	}
	return errors.Join(errs...)
}
