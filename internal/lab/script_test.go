package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"vaws/internal/lab/aws"
)

// script is the world of one script.
type script struct {
	ctx     context.Context
	bin     *Binaries
	home    string
	stand   *aws.Server
	vaults  map[string]*Vault // "" is the first one
	keyring *Keyring
	silent  *SilentBus
	failing []*FailingBus
	prompts func() int // that the keyring has wanted to show
	spies   map[string]*spy
	agents  map[string]*Agent
	rafts   map[string]*Cluster

	badServers map[string]*badServer
	amids      sync.WaitGroup // what happens in the background, amid requests
	logins     logins
	person     *person

	faults int // that the script has tried so far
	rows   []faultRow
	search search
}

type scriptKey struct{}

// scriptPatience bounds what the lab itself does for a script.
const scriptPatience = 5 * time.Minute

func setUpScript(env *testscript.Env, bin *Binaries, argv *argumentWatch, report *faultReport) error {
	ctx, cancel := context.WithTimeout(context.Background(), scriptPatience)
	s := &script{ctx: ctx, bin: bin, home: filepath.Join(env.WorkDir, "home"), vaults: map[string]*Vault{}, spies: map[string]*spy{}, agents: map[string]*Agent{}}
	s.search = search{script: s, root: env.WorkDir, argv: argv, allowed: map[string]bool{}}
	t := env.T().(*scriptT)
	t.script = s
	env.Values[scriptKey{}] = s
	env.Defer(cancel)
	env.Defer(func() { report.add(t, s.rows) })
	env.Defer(s.close)
	env.Defer(func() {
		for _, leak := range s.search.run() {
			t.Errorf("leak: %s", leak)
		}
	})
	if err := s.makeHome(env); err != nil {
		return err
	}
	return s.start(env)
}

func (s *script) makeHome(env *testscript.Env) error {
	run := filepath.Join(env.WorkDir, "run")
	for _, dir := range []string{s.home, run} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		// The files of an archive make their directories readable for all.
		if err := os.Chmod(dir, 0o700); err != nil {
			return err
		}
	}
	env.Setenv("HOME", s.home)
	env.Setenv("XDG_CONFIG_HOME", filepath.Join(s.home, ".config"))
	env.Setenv("XDG_CACHE_HOME", filepath.Join(s.home, ".cache"))
	env.Setenv("XDG_DATA_HOME", filepath.Join(s.home, ".local", "share"))
	env.Setenv("XDG_STATE_HOME", filepath.Join(s.home, ".local", "state"))
	env.Setenv("XDG_RUNTIME_DIR", run)
	env.Setenv("PATH", s.bin.Dir+":/usr/bin:/bin")
	env.Setenv("LANG", "C.UTF-8")
	env.Setenv("TERM", "dumb")
	env.Setenv("AS_ROOT", asRoot())
	return nil
}

// asRoot is what a shell puts before a command that only root may run. The packages
// that the lab needs could not have been installed without it.
func asRoot() string {
	if os.Geteuid() == 0 {
		return ""
	}
	return "sudo --non-interactive --preserve-env"
}

// start brings up the stand-in, the keyring and the first Vault.
func (s *script) start(env *testscript.Env) error {
	stand, err := aws.New(aws.Options{})
	if err != nil {
		return err
	}
	s.stand = stand
	env.Setenv("AWS_ENDPOINT_URL", stand.URL())
	env.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	env.Setenv("ACCOUNT", Account)
	env.Setenv("OTHER_ACCOUNT", OtherAccount)
	if s.keyring, err = StartKeyring(s.ctx, s.home); err != nil {
		return err
	}
	env.Setenv("DBUS_SESSION_BUS_ADDRESS", s.keyring.Address)
	v, token, err := s.addVault("", Account, nil)
	if err != nil {
		return err
	}
	env.Setenv("VAULT_ADDR", v.Addr)
	env.Setenv("VAULT_TOKEN", token)
	return nil
}

// addVault starts a Vault with the default roles on mount aws, and returns it
// with a token of kind full.
func (s *script) addVault(name, account string, files *TLSFiles) (*Vault, string, error) {
	v, err := s.startVault(name, VaultOptions{TLS: files})
	if err != nil {
		return nil, "", err
	}
	if err := v.MountAWS(s.ctx, "aws", s.stand, account); err != nil {
		return nil, "", err
	}
	token, err := v.MountToken(s.ctx, TokenOptions{Mount: "aws", Kind: "full"})
	return v, token, err
}

func (s *script) startVault(name string, o VaultOptions) (*Vault, error) {
	if s.vaults[name] != nil {
		return nil, fmt.Errorf("there is a Vault %q already", name)
	}
	o.Binary = s.bin.Vault
	v, err := StartVault(s.ctx, o)
	if err == nil {
		s.vaults[name] = v
	}
	return v, err
}

func (s *script) close() {
	_ = s.closeAgents()
	for _, v := range s.vaults {
		_ = v.Close()
	}
	if s.keyring != nil {
		_ = s.keyring.Close()
	}
	if s.silent != nil {
		_ = s.silent.Close()
	}
	for _, bus := range s.failing {
		_ = bus.Close()
	}
	if s.stand != nil {
		_ = s.stand.Close()
	}
}

// command is a command of the scripts.
type command struct {
	usage string // its arguments
	least int    // how many arguments it takes at least
	// negatable commands are told about a "!" in front of them.
	negatable bool
	run       func(s *script, ts *testscript.TestScript, negated bool, args []string) error
}

func scriptCommands() map[string]func(*testscript.TestScript, bool, []string) {
	adapted := map[string]func(*testscript.TestScript, bool, []string){}
	for _, table := range []map[string]command{
		vaultCommands, awsCommands, keyringCommands, runCommands, spyCommands, agentCommands, openBaoCommands,
		tokenCommands, loginCommands, pageCommands, personCommands, faultCommands, faultPointCommands, raftCommands, badServerCommands, wineCommands,
	} {
		for name, c := range table {
			adapted[name] = c.adapt(name)
		}
	}
	return adapted
}

func (c command) adapt(name string) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, negated bool, args []string) {
		if len(args) < c.least {
			ts.Fatalf("usage: %s %s", name, c.usage)
		}
		if negated && !c.negatable {
			ts.Fatalf("unsupported: ! %s", name)
		}
		s := ts.Value(scriptKey{}).(*script)
		if err := c.run(s, ts, negated, args); err != nil {
			ts.Fatalf("%s: %v", strings.Join(append([]string{name}, args...), " "), err)
		}
	}
}

// simple makes a command of a function that needs neither testscript nor
// negation.
func simple(usage string, least int, run func(s *script, args []string) error) command {
	return command{usage: usage, least: least, run: func(s *script, _ *testscript.TestScript, _ bool, args []string) error {
		return run(s, args)
	}}
}
