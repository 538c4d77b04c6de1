package child

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// lendMemory makes a file without a name. The kernel frees it with its last
// descriptor, and this process has the only one, however it ends.
func lendMemory(name string, data []byte) (path string, release func(), err error) {
	fd, err := memfd(name)
	if err != nil {
		return "", nil, err
	}
	f := os.NewFile(uintptr(fd), name)
	path = fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), fd)
	if err := fill(f, data); err != nil {
		return "", nil, errors.Join(err, f.Close())
	}
	// Not so where /proc is another PID namespace's, or is not there.
	if !isAt(path, f) {
		return "", nil, errors.Join(fmt.Errorf("%s: %w", path, os.ErrNotExist), f.Close())
	}
	return path, func() { _ = f.Close() }, nil
}

// memfd asks for a file that can never be executed: the sysctl vm.memfd_noexec
// may demand that. Kernels before 6.3 do not know the flag.
func memfd(name string) (fd int, err error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err = unix.MemfdCreate(name, flags|unix.MFD_NOEXEC_SEAL)
	if errors.Is(err, unix.EINVAL) {
		fd, err = unix.MemfdCreate(name, flags)
	}
	return fd, err
}

func fill(f *os.File, data []byte) error {
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Chmod(0o400); err != nil {
		return err
	}
	const seals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	_, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, seals)
	return err
}
