package cache

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"

	"vaws/internal/hint"
)

// kernelKeyring is the user keyring of the Linux kernel, shared by all sessions
// of the user and gone at reboot (user-keyring(7)).
type kernelKeyring struct{ description string }

func newKernelKeyring(o Options) place {
	return kernelKeyring{keyringService + ":" + keyAccount(o.Dir)}
}

func (kernelKeyring) String() string { return "the kernel keyring" }

const (
	keyType = "user"
	// All rights for the possessor and for the user, none for others. The
	// user's are needed: a session started by ssh, cron or sudo need not link
	// the user keyring, and then does not possess what is in it
	// (keyrings(7), "Possession").
	keyPermissions = 0x3f3f0000
)

func (kk kernelKeyring) look(context.Context) (*key, error) {
	var text [128]byte
	defer clear(text[:])
	var n int
	id, err := unix.KeyctlSearch(unix.KEY_SPEC_USER_KEYRING, keyType, kk.description, 0)
	if err == nil {
		n, err = unix.KeyctlBuffer(unix.KEYCTL_READ, id, text[:], 0)
	}
	if isNoKey(err) { // perhaps since it was found
		return nil, errNoKey
	}
	if err != nil {
		return nil, kernelError(err)
	}
	k, err := parseKey(text[:min(n, len(text))])
	if err != nil {
		return nil, hint.Wrap(err, "remove it: keyctl purge user "+kk.description)
	}
	return k, nil
}

func isNoKey(err error) bool {
	return errors.Is(err, unix.ENOKEY) || errors.Is(err, unix.EKEYEXPIRED) || errors.Is(err, unix.EKEYREVOKED)
}

// kernelError tells a kernel that refuses, or does not know, the calls
// (containers filter them) from one that fails.
func kernelError(err error) error {
	switch {
	case errors.Is(err, unix.EPERM):
		return unavailable{fmt.Errorf("%w (containers often forbid it)", err)}
	case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EOPNOTSUPP):
		return unavailable{err}
	case errors.Is(err, unix.EDQUOT):
		return hint.Wrap(fmt.Errorf("%w: the user's quota is full, see /proc/key-users", err), hintKeyFile)
	}
	return err
}

// store makes the key in the keyring of this thread, where it is possessed and
// its permissions can be set, and then links it into the user keyring. It
// never is there with other permissions.
func (kk kernelKeyring) store(_ context.Context, k *key) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	id, err := unix.AddKey(keyType, kk.description, []byte(k.text()), unix.KEY_SPEC_THREAD_KEYRING)
	if err != nil {
		return kernelError(err)
	}
	defer unix.KeyctlInt(unix.KEYCTL_UNLINK, id, unix.KEY_SPEC_THREAD_KEYRING, 0, 0)
	if err := unix.KeyctlSetperm(id, keyPermissions); err != nil {
		return kernelError(err)
	}
	_, err = unix.KeyctlInt(unix.KEYCTL_LINK, id, unix.KEY_SPEC_USER_KEYRING, 0, 0)
	return kernelError(err)
}

// remove takes the key out of the user keyring. The kernel deletes what is in none.
func (kk kernelKeyring) remove(context.Context) error {
	id, err := unix.KeyctlSearch(unix.KEY_SPEC_USER_KEYRING, keyType, kk.description, 0)
	if err == nil {
		_, err = unix.KeyctlInt(unix.KEYCTL_UNLINK, id, unix.KEY_SPEC_USER_KEYRING, 0, 0)
	}
	if isNoKey(err) || errors.Is(err, unix.ENOENT) { // another process was faster
		return nil
	}
	return kernelError(err)
}
