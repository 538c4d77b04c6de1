package lab

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/godbus/dbus/v5"
)

// keyringPassword is what the login keyring of every Keyring is locked with.
const keyringPassword = "lab-keyring-password"

const (
	secretsName     = "org.freedesktop.secrets"
	secretsPath     = dbus.ObjectPath("/org/freedesktop/secrets")
	loginCollection = dbus.ObjectPath("/org/freedesktop/secrets/collection/login")
)

// Keyring is a private session bus with an unlocked gnome-keyring on it.
type Keyring struct {
	// Address is the value for DBUS_SESSION_BUS_ADDRESS.
	Address string

	dir    string
	bus    *process
	daemon *process
	conn   *dbus.Conn
}

// StartKeyring starts a bus on which nothing can be activated, and a
// gnome-keyring-daemon with its login keyring unlocked, stored under home as a
// desktop would. Close ends both.
func StartKeyring(ctx context.Context, home string) (*Keyring, error) {
	dir, err := os.MkdirTemp("", "vaws-lab-bus") // short: a socket's path has 108 bytes
	if err != nil {
		return nil, err
	}
	k := &Keyring{dir: dir, Address: "unix:path=" + filepath.Join(dir, "bus")}
	if err := k.start(ctx, home); err != nil {
		_ = k.Close()
		return nil, err
	}
	return k, nil
}

func (k *Keyring) start(ctx context.Context, home string) error {
	if err := k.startBus(ctx); err != nil {
		return err
	}
	cmd := exec.Command("gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets")
	cmd.Env = plainEnvironment(
		"HOME="+home,
		"XDG_DATA_HOME="+filepath.Join(home, ".local", "share"),
		"XDG_RUNTIME_DIR="+k.dir,
		"DBUS_SESSION_BUS_ADDRESS="+k.Address,
	)
	daemon, err := startWithInput(cmd, keyringPassword)
	if err != nil {
		return fmt.Errorf("starting gnome-keyring-daemon: %w", err)
	}
	k.daemon = daemon
	return k.daemon.waitUntil(ctx, func() bool {
		locked, err := k.locked()
		return err == nil && !locked
	})
}

// startWithInput starts cmd and writes input to its standard input, which then
// ends.
func startWithInput(cmd *exec.Cmd, input string) (*process, error) {
	p, err := startProcess(cmd)
	if err != nil {
		return nil, err
	}
	if _, err := p.stdin.Write([]byte(input)); err != nil {
		p.kill()
		return nil, err
	}
	return p, p.stdin.Close()
}

// busConfig is a session bus with one socket, without services, and with the limits of
// the session.conf that comes with dbus: by default a bus takes no more than 256
// connections of a user.
const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>%s</listen>
  <auth>EXTERNAL</auth>
  <servicedir>%s</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
  <limit name="max_completed_connections">100000</limit>
  <limit name="max_incomplete_connections">10000</limit>
  <limit name="max_connections_per_user">100000</limit>
  <limit name="max_replies_per_connection">50000</limit>
</busconfig>
`

func (k *Keyring) startBus(ctx context.Context) error {
	services := filepath.Join(k.dir, "services")
	if err := os.Mkdir(services, 0o700); err != nil {
		return err
	}
	file := filepath.Join(k.dir, "bus.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, busConfig, k.Address, services), 0o600); err != nil {
		return err
	}
	cmd := exec.Command("dbus-daemon", "--config-file="+file, "--nofork", "--nopidfile")
	cmd.Env = plainEnvironment()
	bus, err := startProcess(cmd)
	if err != nil {
		return fmt.Errorf("starting dbus-daemon: %w", err)
	}
	k.bus = bus
	return bus.waitUntil(ctx, func() bool {
		conn, err := dbus.Connect(k.Address)
		k.conn = conn
		return err == nil
	})
}

func (k *Keyring) service() dbus.BusObject { return k.conn.Object(secretsName, secretsPath) }

// locked reports whether the login keyring is locked. A collection's property must not be
// the first thing that a client asks for: the daemon aborts if it has not noted the client
// yet. The service's own are answered without it.
func (k *Keyring) locked() (bool, error) {
	var v dbus.Variant
	err := k.service().Call("org.freedesktop.DBus.Properties.Get",
		dbus.FlagNoAutoStart, "org.freedesktop.Secret.Service", "Collections").Err
	if err != nil {
		return false, err
	}
	err = k.conn.Object(secretsName, loginCollection).Call("org.freedesktop.DBus.Properties.Get",
		dbus.FlagNoAutoStart, "org.freedesktop.Secret.Collection", "Locked").Store(&v)
	if err != nil {
		return false, err
	}
	locked, _ := v.Value().(bool)
	return locked, nil
}

// Lock locks the login keyring.
func (k *Keyring) Lock() error {
	var locked []dbus.ObjectPath
	var prompt dbus.ObjectPath
	return k.service().Call("org.freedesktop.Secret.Service.Lock", dbus.FlagNoAutoStart,
		[]dbus.ObjectPath{loginCollection}).Store(&locked, &prompt)
}

// secret is the D-Bus form of a secret (Secret Service API, "Secret").
type secret struct {
	Session     dbus.ObjectPath
	Parameters  []byte
	Value       []byte
	ContentType string
}

// Unlock unlocks the login keyring without a prompt, by the way that the tests
// of gnome-keyring itself use.
func (k *Keyring) Unlock() error {
	var output dbus.Variant
	var session dbus.ObjectPath
	err := k.service().Call("org.freedesktop.Secret.Service.OpenSession", dbus.FlagNoAutoStart,
		"plain", dbus.MakeVariant("")).Store(&output, &session)
	if err != nil {
		return err
	}
	master := secret{Session: session, Parameters: []byte{}, Value: []byte(keyringPassword), ContentType: "text/plain"}
	return k.service().Call("org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface.UnlockWithMasterPassword",
		dbus.FlagNoAutoStart, loginCollection, master).Err
}

// Close ends both processes and removes the socket.
func (k *Keyring) Close() error {
	if k.conn != nil {
		_ = k.conn.Close()
	}
	for _, p := range []*process{k.daemon, k.bus} {
		if p != nil {
			p.end()
		}
	}
	return os.RemoveAll(k.dir)
}

// SilentBus is a socket that takes connections and never says a word.
type SilentBus struct {
	// Address is the value for DBUS_SESSION_BUS_ADDRESS.
	Address  string
	listener net.Listener
}

// StartSilentBus starts a SilentBus. Close ends it.
func StartSilentBus() (*SilentBus, error) {
	dir, err := os.MkdirTemp("", "vaws-lab-bus")
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "bus")
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	b := &SilentBus{Address: "unix:path=" + path, listener: listener}
	go b.accept()
	return b, nil
}

// accept holds every connection open until the listener closes.
func (b *SilentBus) accept() {
	var held []net.Conn
	for {
		conn, err := b.listener.Accept()
		if err != nil {
			break
		}
		held = append(held, conn)
	}
	for _, conn := range held {
		_ = conn.Close()
	}
}

// Close ends every connection and removes the socket.
func (b *SilentBus) Close() error {
	_ = b.listener.Close()
	return os.RemoveAll(filepath.Dir(strings.TrimPrefix(b.Address, "unix:path=")))
}
