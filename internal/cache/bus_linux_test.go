package cache

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"vaws/internal/hint"
)

// fakeBus is a session bus with a Secret Service on it, as far as the calls of
// this package go. The real ones are tried end to end.
type fakeBus struct {
	mu       sync.Mutex
	absent   bool          // nobody owns org.freedesktop.secrets
	refuses  bool          // the user is not let in
	locked   bool          // the login collection is locked
	prompts  bool          // CreateItem wants to prompt
	noLogin  bool          // there is only a default collection
	none     bool          // there is no collection at all
	silentAt string        // the method that is never answered; "auth": not even that
	failAt   string        // the method that fails
	slow     time.Duration // before the answers to Get, OpenSession and GetSecret
	lasts    int           // bytes of answers after which it hangs up; zero: for ever
	clearsAt string        // the method before which somebody else deletes what is there
	items    []string      // the secrets in the collection
	created  []dbus.ObjectPath
	called   []string
}

// listen starts the bus and returns its address.
func (f *fakeBus) listen(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bus,1")
	l, err := net.Listen("unix", path)
	must(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go f.serve(conn)
		}
	}()
	return "tcp:host=localhost;unix:path=" + dbus.EscapeBusAddressValue(path) + ",guid=0123"
}

// seen returns the calls since it was last asked, and where keys were made.
func (f *fakeBus) seen() (called []string, created []dbus.ObjectPath) {
	f.mu.Lock()
	defer f.mu.Unlock()
	called, f.called = f.called, nil
	return called, f.created
}

// left returns what is in the collection.
func (f *fakeBus) left() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.items
}

func (f *fakeBus) serve(conn net.Conn) {
	if f.lasts > 0 {
		conn = &mortal{conn, f.lasts}
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	if line, err := in.ReadString('\n'); err != nil || !strings.HasPrefix(line, "\x00AUTH EXTERNAL ") {
		return
	}
	switch {
	case f.silentAt == "auth":
		io.Copy(io.Discard, in) // until the other side has had enough
		return
	case f.refuses:
		conn.Write([]byte("REJECTED EXTERNAL\r\n"))
		return
	}
	conn.Write([]byte("OK 0123\r\n"))
	if line, err := in.ReadString('\n'); err != nil || line != "BEGIN\r\n" {
		return
	}
	for {
		msg, err := dbus.DecodeMessage(in)
		if err != nil {
			return
		}
		method := msg.Headers[dbus.FieldMember].Value().(string)
		if slices.Contains([]string{"Get", "OpenSession", "GetSecret"}, method) {
			time.Sleep(f.slow)
		}
		if answer := f.answer(method, msg); method != f.silentAt {
			var out bytes.Buffer
			if err := answer.EncodeTo(&out, binary.LittleEndian); err != nil {
				panic(err)
			}
			conn.Write(out.Bytes())
		}
	}
}

// mortal is a connection that breaks after so many bytes to its other end.
type mortal struct {
	net.Conn
	left int
}

func (m *mortal) Write(data []byte) (int, error) {
	n, err := m.Conn.Write(data[:min(len(data), m.left)])
	if m.left -= n; m.left == 0 {
		m.Close()
	}
	return n, err
}

func (f *fakeBus) answer(method string, msg *dbus.Message) *dbus.Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.called = append(f.called, method)
	path := msg.Headers[dbus.FieldPath].Value().(dbus.ObjectPath)
	fail := func(name string) *dbus.Message {
		return message(dbus.TypeError, msg.Serial(), map[dbus.HeaderField]any{dbus.FieldErrorName: name}, "refused")
	}
	reply := func(body ...any) *dbus.Message { return message(dbus.TypeMethodReply, msg.Serial(), nil, body...) }
	items := []dbus.ObjectPath{}
	for range f.items {
		items = append(items, "/org/freedesktop/secrets/collection/login/1")
	}
	if method == f.clearsAt {
		f.items, f.clearsAt = nil, ""
	}
	switch {
	case msg.Flags&dbus.FlagNoAutoStart == 0:
		return fail("org.freedesktop.DBus.Error.WouldHaveStarted")
	case method == "Hello":
		return reply(":1.1")
	case f.absent:
		return fail("org.freedesktop.DBus.Error.NameHasNoOwner")
	case method == f.failAt:
		return fail("org.freedesktop.DBus.Error.Failed")
	case method == "OpenSession":
		return reply(dbus.MakeVariant(""), dbus.ObjectPath("/session"))
	case method == "SearchItems" && f.locked:
		return reply([]dbus.ObjectPath{}, items)
	case method == "SearchItems":
		return reply(items, []dbus.ObjectPath{})
	case (method == "GetSecret" || method == "Delete") && len(f.items) == 0: // gnome-keyring's answer
		return fail("org.freedesktop.DBus.Error.UnknownMethod")
	case method == "GetSecret":
		return reply(secret{"/session", nil, []byte(f.items[0]), "text/plain"})
	case method == "Get" && path == ssPath && (f.none || f.noLogin):
		return reply(dbus.MakeVariant([]dbus.ObjectPath{"/org/freedesktop/secrets/collection/session"}))
	case method == "Get" && path == ssPath:
		return reply(dbus.MakeVariant([]dbus.ObjectPath{"/org/freedesktop/secrets/collection/session", ssLogin}))
	case method == "Get" && (f.none || f.noLogin && path == ssLogin):
		return fail("org.freedesktop.DBus.Error.UnknownObject")
	case method == "Get":
		return reply(dbus.MakeVariant(f.locked))
	case method == "Delete" && f.prompts:
		return reply(dbus.ObjectPath("/prompt"))
	case method == "Delete":
		f.items = nil
		return reply(dbus.ObjectPath("/"))
	case method == "CreateItem" && f.prompts:
		return reply(dbus.ObjectPath("/"), dbus.ObjectPath("/prompt"))
	case method == "CreateItem":
		var value secret
		if err := dbus.Store(msg.Body[1:2], &value); err != nil {
			panic(err)
		}
		f.items, f.created = append(f.items, string(value.Value)), append(f.created, path)
		return reply(dbus.ObjectPath("/item"), dbus.ObjectPath("/"))
	}
	return fail("org.freedesktop.DBus.Error.UnknownMethod")
}

func message(kind dbus.Type, answers uint32, headers map[dbus.HeaderField]any, body ...any) *dbus.Message {
	msg := &dbus.Message{Type: kind, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldReplySerial: dbus.MakeVariant(answers),
		dbus.FieldSignature:   dbus.MakeVariant(dbus.SignatureOf(body...)),
	}, Body: body}
	for field, value := range headers {
		msg.Headers[field] = dbus.MakeVariant(value)
	}
	return msg
}

// keyringOptions are those of a cache whose key is in that Secret Service.
func keyringOptions(t *testing.T, address string) Options {
	o := options(t)
	o.Mode, o.KeyFile = Keyring, ""
	o.KeyringWait = time.Minute
	o.Getenv = func(name string) string {
		if name == "DBUS_SESSION_BUS_ADDRESS" {
			return address
		}
		return ""
	}
	return o
}

func TestSecretServiceKeepsTheKey(t *testing.T) {
	f := &fakeBus{}
	o := keyringOptions(t, f.listen(t))
	save(t, open(t, o), request, minted)
	f.seen()
	c := open(t, o)
	if got := c.Load(t.Context(), request); got.Credentials == nil || *got.Credentials != minted {
		t.Errorf("loaded %+v", got.Credentials)
	}
	called, created := f.seen()
	if got := strings.Join(called, " "); got != "Hello Get OpenSession SearchItems GetSecret" {
		t.Errorf("a hit calls %s", got)
	}
	if len(created) != 1 || created[0] != ssLogin {
		t.Errorf("created in %q", created)
	}
}

func TestSecretServiceWithoutALoginCollection(t *testing.T) {
	f := &fakeBus{noLogin: true}
	save(t, open(t, keyringOptions(t, f.listen(t))), request, minted)
	if _, created := f.seen(); len(created) != 1 || created[0] != ssDefault {
		t.Errorf("created in %q", created)
	}
}

func TestSecretServiceThatCannotServe(t *testing.T) {
	key := newKey().text()
	tests := map[string]struct {
		bus         *fakeBus
		want        string
		unavailable bool
		hint        string
	}{
		"absent":          {&fakeBus{absent: true}, "nothing on the session bus provides it", true, ""},
		"refused":         {&fakeBus{refuses: true}, "the session bus refuses this user", true, ""},
		"locked, no key":  {&fakeBus{locked: true}, "its login keyring is locked", true, "unlock"},
		"locked":          {&fakeBus{locked: true, items: []string{key}}, "its login keyring is locked", true, "unlock"},
		"no collection":   {&fakeBus{none: true}, "neither a login nor a default collection", true, ""},
		"another's value": {&fakeBus{items: []string{"v9:" + key}}, "not a key", false, "secret-tool clear service vaws username cache-key-"},
		"fails":           {&fakeBus{items: []string{key}, failAt: "GetSecret"}, "refused (org.freedesktop.DBus.Error.Failed)", false, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Open(t.Context(), keyringOptions(t, test.bus.listen(t)))
			if err == nil || !strings.HasPrefix(err.Error(), "opening the Secret Service: ") || !strings.Contains(err.Error(), test.want) || isUnavailable(err) != test.unavailable {
				t.Errorf("error %v, unavailable %v", err, isUnavailable(err))
			}
			if err != nil && strings.Contains(err.Error(), key) {
				t.Error("the error shows the key")
			}
			if hints := strings.Join(hint.Of(err), "\n"); !strings.Contains(hints, test.hint) {
				t.Errorf("hints %q", hints)
			}
		})
	}
}

func TestSecretServiceThatWantsToPromptIsNotPrompted(t *testing.T) {
	f := &fakeBus{prompts: true}
	c := open(t, keyringOptions(t, f.listen(t)))
	if err := c.Save(t.Context(), request, minted); err == nil || !strings.Contains(err.Error(), "keeping the cache key in the Secret Service: its login keyring is locked") {
		t.Errorf("saved: %v", err)
	}
	if called, _ := f.seen(); called[len(called)-1] != "CreateItem" {
		t.Errorf("called %q", called)
	}
}

func TestSecretServiceIsClearedMeanwhile(t *testing.T) {
	bus := &fakeBus{items: []string{newKey().text()}, clearsAt: "GetSecret"}
	c := open(t, keyringOptions(t, bus.listen(t)))
	save(t, c, request, minted)
	if len(bus.left()) != 1 {
		t.Errorf("keys: %q", bus.left())
	}
	bus = &fakeBus{items: []string{newKey().text()}, clearsAt: "Delete"}
	must(t, remove(t, keyringOptions(t, bus.listen(t))))
	// What fails for another reason is no reason for another key.
	bus = &fakeBus{items: []string{newKey().text()}, failAt: "GetSecret"}
	if _, err := Open(t.Context(), keyringOptions(t, bus.listen(t))); err == nil || len(bus.left()) != 1 {
		t.Errorf("error %v, keys: %q", err, bus.left())
	}
}

func TestRemoveDeletesTheKeyFromTheSecretService(t *testing.T) {
	for name, test := range map[string]struct {
		bus  *fakeBus
		want string
	}{
		"there":         {&fakeBus{items: []string{newKey().text()}}, ""},
		"not there":     {&fakeBus{}, ""},
		"absent":        {&fakeBus{absent: true}, ""},
		"locked":        {&fakeBus{locked: true, items: []string{"?"}}, "its login keyring is locked"},
		"wants to ask":  {&fakeBus{prompts: true, items: []string{"?"}}, "it wants to ask before it deletes the key"},
		"anything else": {&fakeBus{items: []string{"not a key"}}, ""},
	} {
		_, err := Remove(t.Context(), keyringOptions(t, test.bus.listen(t)))
		if test.want == "" && (err != nil || len(test.bus.left()) > 0) || test.want != "" && (err == nil || !strings.Contains(err.Error(), "removing the cache key from the Secret Service: "+test.want)) {
			t.Errorf("%s: %v, left %q", name, err, test.bus.left())
		}
	}
}

func TestSilentSecretServiceEndsInTheTimeLimit(t *testing.T) {
	for _, method := range []string{"auth", "Hello", "Get", "SearchItems", "GetSecret"} {
		t.Run(method, func(t *testing.T) {
			f := &fakeBus{silentAt: method}
			if method == "GetSecret" {
				f.items = []string{newKey().text()}
			}
			o := keyringOptions(t, f.listen(t))
			o.Mode, o.KeyringWait = Auto, 20*time.Millisecond
			_, err := Open(t.Context(), o)
			if err == nil || err.Error() != "opening the Secret Service: timed out after 20ms" || len(hint.Of(err)) == 0 {
				t.Errorf("error %v", err)
			}
		})
	}
}

// A service that is asked by hundreds at once gives each answer late, but it does.
func TestSlowSecretServiceIsWaitedFor(t *testing.T) {
	f := &fakeBus{items: []string{newKey().text()}, slow: 700 * time.Millisecond}
	o := keyringOptions(t, f.listen(t))
	o.KeyringWait = 2 * time.Second
	if _, err := Open(t.Context(), o); err != nil {
		t.Errorf("error %v", err)
	}
}

// A bus that dies is no bus without a keyring: another key must not be made because
// of it.
func TestBusThatDiesInTheMiddle(t *testing.T) {
	text := newKey().text()
	for lasts := 1; ; lasts++ {
		f := &fakeBus{lasts: lasts, items: []string{text}}
		o := keyringOptions(t, f.listen(t))
		o.Mode = Auto
		c, err := Open(t.Context(), o)
		if err == nil && c.key != nil && c.key.text() == text {
			return
		}
		if err == nil || isUnavailable(err) || !strings.Contains(err.Error(), "the session bus broke the conversation off") || len(hint.Of(err)) == 0 {
			t.Fatalf("after %d bytes: %+v, %v, hints %q", lasts, c, err, hint.Of(err))
		}
	}
}

func TestSilentSecretServiceIsNotAskedForAnotherKey(t *testing.T) {
	f := &fakeBus{silentAt: "CreateItem"}
	c := open(t, keyringOptions(t, f.listen(t)))
	impatient := c.place.(secretService)
	impatient.wait = 20 * time.Millisecond
	c.place = impatient
	for range 2 {
		if err := c.Save(t.Context(), request, minted); err == nil || !strings.Contains(err.Error(), "timed out after 20ms") {
			t.Errorf("saved: %v", err)
		}
	}
	if _, created := f.seen(); len(created) > 1 {
		t.Errorf("%d keys made", len(created))
	}
}

func TestBusThatAcceptsNobody(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bus")
	l, err := net.Listen("unix", path)
	must(t, err)
	defer l.Close()
	o := keyringOptions(t, "unix:path="+path)
	o.KeyringWait = 20 * time.Millisecond
	if _, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "timed out") {
		t.Errorf("error %v", err)
	}
}

func TestNoBus(t *testing.T) {
	for _, address := range []string{"", "autolaunch:", "tcp:host=localhost,port=1", "unix:path=" + filepath.Join(t.TempDir(), "gone"), "unix:guid=1"} {
		if _, err := Open(t.Context(), keyringOptions(t, address)); !isUnavailable(err) {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestBusAddress(t *testing.T) {
	dir := t.TempDir()
	env := map[string]string{"XDG_RUNTIME_DIR": dir}
	getenv := func(name string) string { return env[name] }
	if got := busAddress(getenv); got != "" {
		t.Errorf("no socket: %q", got)
	}
	writeFile(t, filepath.Join(dir, "bus"), nil, 0o600)
	if got := busAddress(getenv); got != "" {
		t.Errorf("a file: %q", got)
	}
	must(t, os.Remove(filepath.Join(dir, "bus")))
	l, err := net.Listen("unix", filepath.Join(dir, "bus"))
	must(t, err)
	defer l.Close()
	if got, err := socketOf(busAddress(getenv)); got != filepath.Join(dir, "bus") || err != nil {
		t.Errorf("a socket: %q, %v", got, err)
	}
	if giveAway(t, filepath.Join(dir, "bus"), 12345, -1) {
		if got := busAddress(getenv); got != "" {
			t.Errorf("another's socket: %q", got)
		}
	}
	env["DBUS_SESSION_BUS_ADDRESS"] = "unix:abstract=/tmp/a%2cb,guid=1"
	if got, err := socketOf(busAddress(getenv)); got != "@/tmp/a,b" || err != nil {
		t.Errorf("abstract: %q, %v", got, err)
	}
}
