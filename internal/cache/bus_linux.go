package cache

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"
)

// bus is a connection to the session bus for a few calls by one goroutine.
//
// It takes godbus's messages but not its connection, which needs six round
// trips until its user's first call, knows no time limit on the way, and may
// start a bus of its own (dbus-launch). Here a hit is four writes, and the
// socket's deadline ends whatever hangs.
type bus struct {
	conn   *net.UnixConn
	stop   func() bool // stops watching the context
	in     *bufio.Reader
	out    bytes.Buffer // leaves with the next calls
	serial uint32
}

// replyLimit is far above all answers to a handful of calls together.
const replyLimit = 1 << 20

// dialBus connects and authenticates. When ctx ends, so does every read and
// write on the connection.
func dialBus(ctx context.Context, addresses string) (*bus, error) {
	socket, err := socketOf(addresses)
	if err != nil {
		return nil, unavailable{err}
	}
	conn, err := connect(ctx, socket)
	if err != nil {
		return nil, unavailable{err}
	}
	b := &bus{
		conn: conn,
		stop: context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }),
		in:   bufio.NewReader(io.LimitReader(conn, replyLimit)),
	}
	if err := b.authenticate(); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bus) close() {
	b.stop()
	_ = b.conn.Close()
}

// connect tries again while the queue of the listening socket is full: where a
// blocking connect(2) waits, Go's fails with EAGAIN. dbus-daemon's queue has 30
// places (listen in dbus-sysdeps-unix.c), and a build may start hundreds of
// processes at once.
func connect(ctx context.Context, socket string) (*net.UnixConn, error) {
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
		if err == nil {
			return checkPeer(conn.(*net.UnixConn))
		}
		if !errors.Is(err, unix.EAGAIN) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
}

// checkPeer closes the connection to a bus of another user: whoever listens at
// an address left over in /tmp must not be given the key.
func checkPeer(conn *net.UnixConn) (*net.UnixConn, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	var peer *unix.Ucred
	controlErr := raw.Control(func(fd uintptr) {
		peer, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err = errors.Join(err, controlErr); err == nil && peer.Uid != 0 && int(peer.Uid) != os.Geteuid() {
		err = fmt.Errorf("the session bus belongs to user %d, not to user %d", peer.Uid, os.Geteuid())
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// authenticate proves with the socket's credentials that this is the user
// (mechanism EXTERNAL). BEGIN leaves with the first calls.
func (b *bus) authenticate() error {
	uid := hex.EncodeToString([]byte(strconv.Itoa(os.Geteuid())))
	if _, err := b.conn.Write([]byte("\x00AUTH EXTERNAL " + uid + "\r\n")); err != nil {
		return err
	}
	answer, err := b.in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(answer, []byte("OK ")) {
		return unavailable{errors.New("the session bus refuses this user")}
	}
	b.out.WriteString("BEGIN\r\n")
	return nil
}

// call is a method to call. A name without an owner is never started for it.
type call struct {
	destination string
	path        dbus.ObjectPath
	method      string // interface and member
	args        []any
}

type reply struct {
	body []any
	err  error // a dbus.Error
}

// store puts the reply's values into dest.
func (r reply) store(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	return dbus.Store(r.body, dest...)
}

// do sends the calls together and returns their replies in the same order.
func (b *bus) do(calls ...call) ([]reply, error) {
	first := b.serial + 1
	for _, c := range calls {
		if err := b.enqueue(c); err != nil {
			return nil, err
		}
	}
	if err := b.flush(); err != nil {
		return nil, err
	}
	replies := make([]reply, len(calls))
	for waiting := len(calls); waiting > 0; {
		serial, r, err := b.receive()
		if err != nil {
			return nil, err
		}
		if i := serial - first; serial >= first && int(i) < len(replies) {
			replies[i] = r
			waiting--
		}
	}
	return replies, nil
}

// flush leaves nothing behind in memory: a new key may be in it.
func (b *bus) flush() error {
	_, err := b.conn.Write(b.out.Bytes())
	clear(b.out.Bytes())
	b.out.Reset()
	return err
}

func (b *bus) enqueue(c call) error {
	dot := strings.LastIndexByte(c.method, '.')
	msg := dbus.Message{
		Type:  dbus.TypeMethodCall,
		Flags: dbus.FlagNoAutoStart,
		Headers: map[dbus.HeaderField]dbus.Variant{
			dbus.FieldDestination: dbus.MakeVariant(c.destination),
			dbus.FieldPath:        dbus.MakeVariant(c.path),
			dbus.FieldInterface:   dbus.MakeVariant(c.method[:dot]),
			dbus.FieldMember:      dbus.MakeVariant(c.method[dot+1:]),
		},
		Body: c.args,
	}
	if len(c.args) > 0 {
		msg.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(c.args...))
	}
	start := b.out.Len()
	if err := msg.EncodeTo(&b.out, binary.LittleEndian); err != nil {
		return err
	}
	// godbus keeps the serial to itself. It is the third word of a message
	// (https://dbus.freedesktop.org/doc/dbus-specification.html#message-protocol-messages).
	b.serial++
	binary.LittleEndian.PutUint32(b.out.Bytes()[start+8:], b.serial)
	return nil
}

// receive returns the next reply and the serial of the call that it answers.
func (b *bus) receive() (serial uint32, r reply, err error) {
	for {
		msg, err := dbus.DecodeMessage(b.in)
		if err != nil {
			return 0, reply{}, err
		}
		serial, _ = msg.Headers[dbus.FieldReplySerial].Value().(uint32)
		switch msg.Type {
		case dbus.TypeMethodReply:
			return serial, reply{body: msg.Body}, nil
		case dbus.TypeError:
			name, _ := msg.Headers[dbus.FieldErrorName].Value().(string)
			return serial, reply{err: dbus.Error{Name: name, Body: msg.Body}}, nil
		}
		// Signals (NameAcquired) are of no interest.
	}
}
