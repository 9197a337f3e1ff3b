package audit

import (
	"os"
	"syscall"
)

// datasync is fdatasync(2): the data, and as much of the metadata as it takes
// to read it back, the size among it.
func datasync(f *os.File) error {
	for {
		err := syscall.Fdatasync(int(f.Fd()))
		if err != syscall.EINTR {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
