package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// socket is a connection to a Unix socket whose reads and writes block in the
// kernel. Package net would set up its poller for it, and wake a second thread for
// each answer: a tenth of a cache hit.
type socket struct {
	fd   int
	stop func() // ends the watch over the context
}

// dialSocket connects, within wait, to the socket of a process of this user or of root:
// whoever listens at an address left over in /tmp must not be given the key. A name
// after "@" is an abstract one. When ctx ends, so does every read and write.
func dialSocket(ctx context.Context, name string, wait time.Duration) (*socket, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening a socket: %w", err)
	}
	if err = connect(ctx, fd, name, wait); err == nil {
		err = checkPeer(fd)
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return &socket{fd, shutOnEnd(ctx, fd)}, nil
}

// connect waits while the queue of the listening socket is full. dbus-daemon's queue
// has 30 places (listen in dbus-sysdeps-unix.c), and a build may start hundreds of
// processes at once.
func connect(ctx context.Context, fd int, name string, wait time.Duration) error {
	limit := unix.NsecToTimeval(wait.Nanoseconds())
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &limit); err != nil {
		return err
	}
	for {
		err := unix.Connect(fd, &unix.SockaddrUnix{Name: name})
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case err == unix.EAGAIN:
			return context.DeadlineExceeded
		case err != unix.EINTR:
			return fmt.Errorf("connecting to %q: %w", name, err)
		}
	}
}

func checkPeer(fd int) error {
	peer, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err == nil && peer.Uid != 0 && int(peer.Uid) != os.Geteuid() {
		err = fmt.Errorf("the session bus belongs to user %d, not to user %d", peer.Uid, os.Geteuid())
	}
	return err
}

// shutOnEnd wakes who reads or writes when ctx ends, until the function that it
// returns is called. From then on the descriptor may be another file's.
func shutOnEnd(ctx context.Context, fd int) (stop func()) {
	var closing sync.Mutex
	closed := false
	unwatch := context.AfterFunc(ctx, func() {
		closing.Lock()
		defer closing.Unlock()
		if !closed {
			_ = unix.Shutdown(fd, unix.SHUT_RDWR)
		}
	})
	return func() {
		unwatch()
		closing.Lock()
		defer closing.Unlock()
		closed = true
	}
}

// Read implements io.Reader.
func (s *socket) Read(p []byte) (int, error) {
	n, err := again(unix.Read, s.fd, p)
	if n == 0 && err == nil && len(p) > 0 {
		err = io.EOF
	}
	return n, err
}

// Write implements io.Writer.
func (s *socket) Write(p []byte) (written int, err error) {
	for written < len(p) && err == nil {
		var n int
		n, err = again(unix.Write, s.fd, p[written:])
		written += n
	}
	return written, err
}

// again repeats a call that a signal has interrupted.
func again(call func(int, []byte) (int, error), fd int, p []byte) (int, error) {
	for {
		n, err := call(fd, p)
		if !errors.Is(err, unix.EINTR) {
			return max(n, 0), err
		}
	}
}

func (s *socket) close() {
	s.stop()
	_ = unix.Close(s.fd)
}
