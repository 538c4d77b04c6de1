package lab

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/godbus/dbus/v5"
)

// FailingBus passes conversations with a session bus on for a while.
type FailingBus struct {
	// Address is the value for DBUS_SESSION_BUS_ADDRESS.
	Address  string
	listener net.Listener
	real     string // path of the bus's socket
	limit    int64  // bytes of the bus's answers that are passed on
	hangsUp  bool   // after that; otherwise nothing more is said
}

// StartFailingBus starts a socket in front of the bus at address. On every connection
// it passes limit bytes of answers on, and then hangs up, or falls silent. Close ends
// it.
func StartFailingBus(address string, limit int64, hangsUp bool) (*FailingBus, error) {
	dir, err := os.MkdirTemp("", "vaws-lab-bus")
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "bus")
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	b := &FailingBus{"unix:path=" + path, listener, strings.TrimPrefix(address, "unix:path="), limit, hangsUp}
	go b.accept()
	return b, nil
}

func (b *FailingBus) accept() {
	for {
		client, err := b.listener.Accept()
		if err != nil {
			return
		}
		go b.pass(client)
	}
}

func (b *FailingBus) pass(client net.Conn) {
	defer client.Close()
	bus, err := net.Dial("unix", b.real)
	if err != nil {
		return
	}
	defer bus.Close()
	asked := make(chan struct{})
	go func() {
		_, _ = io.Copy(bus, client) // until the client hangs up
		close(asked)
	}()
	_, _ = io.Copy(client, io.LimitReader(bus, b.limit))
	if !b.hangsUp {
		<-asked
	}
}

// Close stops accepting and removes the socket.
func (b *FailingBus) Close() error {
	_ = b.listener.Close()
	return os.RemoveAll(filepath.Dir(strings.TrimPrefix(b.Address, "unix:path=")))
}

// prompter is what the keyring calls when it wants to ask the user something. It never
// shows anything, as if nobody answered.
type prompter struct{ asked atomic.Int32 }

// BeginPrompting is the keyring's call (gcr's org.gnome.keyring.internal.Prompter).
func (p *prompter) BeginPrompting(dbus.ObjectPath) *dbus.Error {
	p.asked.Add(1)
	return nil
}

// StopPrompting is the keyring's call when the question is no longer of interest.
func (p *prompter) StopPrompting(dbus.ObjectPath) *dbus.Error { return nil }

// ExpectPrompts makes questions of the keyring wait for an answer for ever. The
// function that it returns tells how often the keyring has wanted to ask.
func (k *Keyring) ExpectPrompts() (asked func() int, err error) {
	p := &prompter{}
	if err := k.conn.Export(p, "/org/gnome/keyring/Prompter", "org.gnome.keyring.internal.Prompter"); err != nil {
		return nil, err
	}
	_, err = k.conn.RequestName("org.gnome.keyring.SystemPrompter", dbus.NameFlagDoNotQueue)
	return func() int { return int(p.asked.Load()) }, err
}
