package cache

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"

	"vaws/internal/hint"
)

// bus is a connection to the session bus for a few calls by one goroutine.
//
// It takes godbus's messages but not its connection, which needs six round
// trips until its user's first call, knows no time limit on the way, and may
// start a bus of its own (dbus-launch). Here a hit is three round trips, and the
// end of a context ends whatever hangs.
type bus struct {
	socket *socket
	in     *bufio.Reader
	out    bytes.Buffer // leaves with the next calls
	serial uint32
	inside bool // the bus has let this user in

	answered func() // called when all calls of a do are answered
}

// replyLimit is far above all answers to a handful of calls together.
const replyLimit = 1 << 20

// dialBus connects within wait. When ctx ends, so does every read and write on the
// connection.
func dialBus(ctx context.Context, addresses string, wait time.Duration) (*bus, error) {
	name, err := socketOf(addresses)
	if err != nil {
		return nil, unavailable{err}
	}
	s, err := dialSocket(ctx, name, wait)
	if err != nil {
		return nil, unavailable{err}
	}
	b := &bus{socket: s, in: bufio.NewReader(io.LimitReader(s, replyLimit))}
	// The socket's credentials prove who this is (mechanism EXTERNAL). The first calls
	// leave with it, before the answer is there, as sd-bus does it
	// (bus_socket_start_auth_client in systemd's bus-socket.c).
	uid := hex.EncodeToString([]byte(strconv.Itoa(os.Geteuid())))
	b.out.WriteString("\x00AUTH EXTERNAL " + uid + "\r\nBEGIN\r\n")
	return b, nil
}

func (b *bus) close() { b.socket.close() }

// enter reads whether the bus has let this user in.
func (b *bus) enter() error {
	if b.inside {
		return nil
	}
	answer, err := b.in.ReadSlice('\n')
	if err != nil {
		return brokenOff(err)
	}
	if !bytes.HasPrefix(answer, []byte("OK ")) {
		return unavailable{errors.New("the session bus refuses this user")}
	}
	b.inside = true
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
		return nil, brokenOff(err)
	}
	if err := b.enter(); err != nil {
		return nil, err
	}
	replies := make([]reply, len(calls))
	for waiting := len(calls); waiting > 0; {
		serial, r, err := b.receive()
		if err != nil {
			return nil, brokenOff(err)
		}
		if i := serial - first; serial >= first && int(i) < len(replies) {
			replies[i] = r
			waiting--
		}
	}
	b.answered()
	return replies, nil
}

// brokenOff is the error of a bus that hangs up in the middle. It may have been the
// one with the key, so it is not unavailable.
func brokenOff(err error) error {
	return hint.Errorf("run: export VAWS_CACHE=kernel", "the session bus broke the conversation off: %w", err)
}

// flush leaves nothing behind in memory: a new key may be in it.
func (b *bus) flush() error {
	_, err := b.socket.Write(b.out.Bytes())
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
