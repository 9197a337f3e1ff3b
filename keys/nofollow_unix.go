//go:build unix

package keys

import "syscall"

// noFollow makes open(2) fail on a symbolic link and not wait on a FIFO.
const noFollow = syscall.O_NOFOLLOW | syscall.O_NONBLOCK
