package audit

import "os"

// A Disk is how a [Log] makes bytes last. It stands between a log and the
// operating system so that tests can make it fail.
type Disk interface {
	// WriteAt writes all of p at an offset, as [os.File.WriteAt].
	WriteAt(f *os.File, p []byte, off int64) (int, error)

	// Sync returns when the file's data and size would survive a power cut.
	Sync(f *os.File) error

	// SyncDir returns when the names in a directory would survive one.
	SyncDir(dir string) error
}

// osDisk is the Disk of the operating system.
type osDisk struct{}

func (osDisk) WriteAt(f *os.File, p []byte, off int64) (int, error) { return f.WriteAt(p, off) }

func (osDisk) Sync(f *os.File) error { return datasync(f) }

func (osDisk) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
