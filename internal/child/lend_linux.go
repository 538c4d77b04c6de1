package child

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// lendMemory makes a file without a name. The kernel frees it with its last descriptor.
// That is not one of this process, which others of the user may not look into
// (Conceal), but of one that knows no secrets and ends with it, however it ends.
func lendMemory(name string, data []byte) (path string, release func(), err error) {
	fd, err := memfd(name)
	if err != nil {
		return "", nil, err
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	if err := fill(f, data); err != nil {
		return "", nil, err
	}
	lender, release, err := startLender(f)
	if err != nil {
		return "", nil, err
	}
	path = fmt.Sprintf("/proc/%d/fd/3", lender)
	// Not so where /proc is another PID namespace's, or is not there.
	if !isAt(path, f) {
		release()
		return "", nil, fmt.Errorf("%s: %w", path, os.ErrNotExist)
	}
	return path, release, nil
}

// startLender runs this program as the lender of f, its descriptor 3.
func startLender(f *os.File) (pid int, release func(), err error) {
	lender := exec.Command("/proc/self/exe")
	lender.Args = []string{"vaws", LenderWord}
	lender.Env = []string{} // not this one's, which may hold secrets
	lender.Dir = "/"
	lender.ExtraFiles = []*os.File{f}
	lender.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // Ctrl-C is for the child
	input, err := lender.StdinPipe()
	if err != nil {
		return 0, nil, err
	}
	if err := lender.Start(); err != nil {
		return 0, nil, err
	}
	return lender.Process.Pid, func() {
		_ = input.Close()
		_ = lender.Wait()
	}, nil
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
