//go:build !linux

package audit

import "os"

// datasync syncs data and metadata.
func datasync(f *os.File) error { return f.Sync() }
