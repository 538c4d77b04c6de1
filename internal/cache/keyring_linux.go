package cache

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/godbus/dbus/v5"

	"vaws/internal/hint"
)

// secretService is the keyring of a Linux desktop: gnome-keyring, KWallet,
// KeePassXC (https://specifications.freedesktop.org/secret-service-spec/latest/).
// It is asked in such a way that it never prompts and is never started.
type secretService struct {
	address string // of the session bus, empty if there is none
	account string
	dir     string
	wait    time.Duration
}

func newKeyring(o Options) place {
	return secretService{busAddress(o.Getenv), keyAccount(o.Dir), o.Dir, o.KeyringWait}
}

func (secretService) String() string { return "the Secret Service" }

const (
	ssName       = "org.freedesktop.secrets"
	ssPath       = "/org/freedesktop/secrets"
	ssService    = "org.freedesktop.Secret.Service"
	ssCollection = "org.freedesktop.Secret.Collection"
	ssItem       = "org.freedesktop.Secret.Item"
	ssLogin      = "/org/freedesktop/secrets/collection/login"
	ssDefault    = "/org/freedesktop/secrets/aliases/default"
	ssNoPrompt   = "/"
)

// secret is a secret as the Secret Service passes it, in a plain session.
type secret struct {
	Session     dbus.ObjectPath
	Parameters  []byte
	Value       []byte
	ContentType string
}

// attributes are those by which go-keyring, too, finds the key.
func (s secretService) attributes() map[string]string {
	return map[string]string{"service": keyringService, "username": s.account}
}

func (s secretService) look(ctx context.Context) (found *key, err error) {
	err = s.converse(ctx, func(c conversation) error {
		found, err = c.key()
		return err
	})
	if errors.Is(err, errNotAKey) {
		err = hint.Wrap(err, "remove it: secret-tool clear service "+keyringService+" username "+s.account)
	}
	return found, err
}

func (s secretService) store(ctx context.Context, k *key) error {
	return s.converse(ctx, func(c conversation) error {
		return c.create("vaws cache key for "+s.dir, k)
	})
}

func (s secretService) remove(ctx context.Context) error {
	return s.converse(ctx, func(c conversation) error {
		if len(c.locked) > 0 {
			return errLocked.error // another place will not do instead: the key is here
		}
		for _, item := range c.unlocked {
			if err := c.delete(item); err != nil && !c.isGone(item, err) {
				return err
			}
		}
		return nil
	})
}

// conversation is one with the Secret Service: what it holds, and a session for
// secrets to pass in.
type conversation struct {
	bus              *bus
	attributes       map[string]string
	collections      []dbus.ObjectPath
	session          dbus.ObjectPath
	unlocked, locked []dbus.ObjectPath // the items with the key's attributes
}

// converse holds a conversation, in which each answer has the time limit for itself:
// where hundreds of processes ask at once, all of them together can take longer.
func (s secretService) converse(ctx context.Context, say func(conversation) error) error {
	if s.address == "" {
		return unavailable{errors.New("there is no session bus (DBUS_SESSION_BUS_ADDRESS is not set)")}
	}
	limited, cancel := context.WithCancel(ctx)
	defer cancel()
	limit := time.AfterFunc(s.wait, cancel)
	defer limit.Stop()
	err := s.begin(limited, func() { limit.Reset(s.wait) }, say)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case limited.Err() != nil || errors.Is(err, context.DeadlineExceeded):
		return hint.Wrap(fmt.Errorf("timed out after %s", s.wait),
			"see whether the keyring waits for an answer in a window", "run: export VAWS_CACHE=kernel")
	}
	return secretError(err)
}

// begin connects, opens a session and searches. answered is called at every answer.
//
// OpenSession must not be the first call: gnome-keyring notes a new client in an
// idle callback (ensure_client_for_sender in gkd-secret-service.c) that the call
// itself may overtake, and then the daemon aborts and the user's keyring is
// locked. With version 42.1 that took some hundred hits. A property is answered
// without looking for the client, who is noted by then.
func (s secretService) begin(ctx context.Context, answered func(), say func(conversation) error) error {
	b, err := dialBus(ctx, s.address, s.wait)
	if err != nil {
		return err
	}
	defer b.close()
	b.answered = answered
	c := conversation{bus: b, attributes: s.attributes()}
	replies, err := b.do(
		call{"org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.Hello", nil},
		property(ssPath, ssService, "Collections"),
	)
	if err == nil {
		err = replies[1].store(&c.collections)
	}
	if err != nil {
		return err
	}
	replies, err = b.do(
		call{ssName, ssPath, ssService + ".OpenSession", []any{"plain", dbus.MakeVariant("")}},
		c.search(),
	)
	if err != nil {
		return err
	}
	var unused dbus.Variant
	if err := replies[0].store(&unused, &c.session); err != nil {
		return err
	}
	if err := replies[1].store(&c.unlocked, &c.locked); err != nil {
		return err
	}
	return say(c)
}

func property(path dbus.ObjectPath, iface, name string) call {
	return call{ssName, path, "org.freedesktop.DBus.Properties.Get", []any{iface, name}}
}

// key returns the key that was found, or errNoKey if one can be created.
func (c conversation) key() (*key, error) {
	if len(c.unlocked) > 0 {
		item := slices.Min(c.unlocked) // the same one for everybody
		k, err := c.secret(item)
		if c.isGone(item, err) {
			return c.key()
		}
		return k, err
	}
	if len(c.locked) > 0 {
		return nil, errLocked
	}
	if _, err := c.collection(); err != nil {
		return nil, err
	}
	return nil, errNoKey
}

func (c conversation) search() call {
	return call{ssName, ssPath, ssService + ".SearchItems", []any{c.attributes}}
}

// isGone reports whether a call to an item has failed because somebody has deleted the
// item since it was found. Services have several words for that, so it takes another
// search, whose result c has then.
func (c *conversation) isGone(item dbus.ObjectPath, err error) bool {
	if !errors.As(err, new(dbus.Error)) {
		return false
	}
	var unlocked, locked []dbus.ObjectPath
	replies, err := c.bus.do(c.search())
	if err != nil || replies[0].store(&unlocked, &locked) != nil {
		return false
	}
	c.unlocked, c.locked = unlocked, locked
	return !slices.Contains(slices.Concat(c.unlocked, c.locked), item)
}

func (c conversation) secret(item dbus.ObjectPath) (*key, error) {
	replies, err := c.bus.do(call{ssName, item, ssItem + ".GetSecret", []any{c.session}})
	if err != nil {
		return nil, err
	}
	var got secret
	if err := replies[0].store(&got); err != nil {
		return nil, err
	}
	defer clear(got.Value)
	return parseKey(got.Value)
}

// collection returns the unlocked collection in which go-keyring, too, creates
// its items.
func (c conversation) collection() (dbus.ObjectPath, error) {
	path := dbus.ObjectPath(ssDefault)
	if slices.Contains(c.collections, ssLogin) {
		path = ssLogin
	}
	replies, err := c.bus.do(property(path, ssCollection, "Locked"))
	if err != nil {
		return "", err
	}
	var locked bool
	if err := replies[0].store(&locked); err != nil {
		return "", unavailable{fmt.Errorf("it has neither a login nor a default collection: %w", err)}
	}
	if locked {
		return "", errLocked
	}
	return path, nil
}

// create stores the key as a new item. A service that wants to prompt first is
// as good as locked.
func (c conversation) create(label string, k *key) error {
	collection, err := c.collection()
	if err != nil {
		return err
	}
	properties := map[string]dbus.Variant{
		ssItem + ".Label":      dbus.MakeVariant(label),
		ssItem + ".Attributes": dbus.MakeVariant(c.attributes),
	}
	value := secret{c.session, []byte{}, []byte(k.text()), "text/plain; charset=utf8"}
	defer clear(value.Value)
	const replace = true // an item with the same attributes, if there is one after all
	replies, err := c.bus.do(call{ssName, collection, ssCollection + ".CreateItem", []any{properties, value, replace}})
	if err != nil {
		return err
	}
	var item, prompt dbus.ObjectPath
	if err := replies[0].store(&item, &prompt); err != nil {
		return err
	}
	if prompt != ssNoPrompt {
		return errLocked
	}
	return nil
}

// delete deletes an item. A service that wants to prompt first has not deleted it.
func (c conversation) delete(item dbus.ObjectPath) error {
	replies, err := c.bus.do(call{ssName, item, ssItem + ".Delete", nil})
	if err != nil {
		return err
	}
	var prompt dbus.ObjectPath
	if err := replies[0].store(&prompt); err != nil {
		return err
	}
	if prompt != ssNoPrompt {
		return hint.Wrap(errors.New("it wants to ask before it deletes the key"), "delete it there: it is called \"vaws cache key\"")
	}
	return nil
}

var errLocked = unavailable{hint.Errorf("unlock it by logging in to the desktop, or with \"gnome-keyring-daemon --unlock\" (which reads the password from stdin)",
	"its login keyring is locked")}

// secretError tells a service that is not there, or locked, from one that fails.
func secretError(err error) error {
	var refusal dbus.Error
	if isUnavailable(err) || !errors.As(err, &refusal) {
		return err
	}
	switch refusal.Name {
	case "org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner":
		return unavailable{errors.New("nothing on the session bus provides it")}
	case "org.freedesktop.DBus.Error.AccessDenied":
		return unavailable{refusal}
	case "org.freedesktop.Secret.Error.IsLocked":
		return errLocked
	}
	return fmt.Errorf("%w (%s)", refusal, refusal.Name)
}
