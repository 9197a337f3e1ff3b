//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package audit

import (
	"errors"
	"os"
)

const noFollow = 0

// flock refuses: without a lock two gateways could write to one log.
func flock(*os.File) error {
	return errors.New("this system has no flock; keep the access log on Linux, BSD or macOS")
}
