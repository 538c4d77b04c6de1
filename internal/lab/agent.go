package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// AgentOptions configure an Agent.
type AgentOptions struct {
	// AutoAuth says which requests get the agent's own token: "none", "true"
	// for those that come without one, or "force" for all.
	AutoAuth string
	// RoleID and SecretID are what the agent logs in with at the AppRole mount
	// "approle", unless AutoAuth is "none".
	RoleID, SecretID string
	// RequestHeader makes it refuse requests without "X-Vault-Request: true".
	RequestHeader bool
}

// Agent is a real Vault Agent in a process of its own: it logs in to a Vault and
// passes requests on to it.
type Agent struct {
	// Addr is the URL of its TCP listener, for VAULT_ADDR.
	Addr string
	// Socket is the URL of its unix socket, unix:///path.
	Socket string

	dir     string
	process *process
}

// StartAgent starts an agent of the Vault, and returns when it has logged in; it
// is an error if that takes more than 20 seconds. Close ends it.
func (v *Vault) StartAgent(o AgentOptions) (*Agent, error) {
	dir, err := os.MkdirTemp("", "vaws-lab-agent")
	if err != nil {
		return nil, err
	}
	a := &Agent{dir: dir}
	if err := a.launch(v, o); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// longestSocket is how long the path of a unix socket may be in bytes: macOS has
// room for 104 with the final zero, Linux for 108 (sun_path).
const longestSocket = 103

// agentReady is the line that the agent prints; see vaultd's source.
type agentReady struct {
	Address string `json:"address"`
	Socket  string `json:"socket"`
}

func (a *Agent) launch(v *Vault, o AgentOptions) error {
	socket := filepath.Join(a.dir, "socket")
	if len(socket) > longestSocket {
		return fmt.Errorf("the path of the socket is too long: %q", socket)
	}
	args := []string{"agent", "-vault", v.Addr, "-socket", socket, "-auto-auth", o.AutoAuth, "-user-agent", labAgent}
	if t := v.options.TLS; t != nil {
		args = append(args, "-ca-cert", t.CA)
	}
	if o.RequestHeader {
		args = append(args, "-require-request-header")
	}
	files, err := a.writeIDs(o)
	if err != nil {
		return err
	}
	cmd := exec.Command(v.options.Binary, append(args, files...)...)
	cmd.Env = plainEnvironment()
	var ready agentReady
	if a.process, err = startTalking(cmd, &ready); err != nil {
		return err
	}
	a.Addr, a.Socket = ready.Address, ready.Socket
	return nil
}

// writeIDs returns the arguments that name the files.
func (a *Agent) writeIDs(o AgentOptions) (args []string, err error) {
	for flag, id := range map[string]string{"-role-id": o.RoleID, "-secret-id": o.SecretID} {
		file := filepath.Join(a.dir, flag[1:])
		if err := os.WriteFile(file, []byte(id), 0o600); err != nil {
			return nil, err
		}
		args = append(args, flag, file)
	}
	return args, nil
}

// Close ends the agent and deletes its files.
func (a *Agent) Close() error {
	if a.process != nil {
		a.process.end()
	}
	return os.RemoveAll(a.dir)
}
