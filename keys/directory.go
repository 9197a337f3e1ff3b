package keys

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
)

// The names in a data directory.
const (
	keyFile    = "keys.json"
	auditDir   = "audit"
	layoutFile = "layout"
)

// layout is the version of the data directory's layout that this package
// makes and reads.
const layout = 1

// A Directory is a gateway's data directory.
type Directory struct {
	path string
	keys *Set
}

// OpenDirectory opens the data directory of a gateway that starts. It makes
// what is missing of the directory, the file layout and the key file; when it
// returns, they would survive a power cut. The access log is not looked at.
//
// A layout that this version does not know is refused, and so is a key file
// that [Open] refuses.
func OpenDirectory(path string) (*Directory, error) {
	return openDirectory(path, Options{})
}

func openDirectory(path string, o Options) (*Directory, error) {
	path = filepath.Clean(path)
	err := checkLayout(path)
	if errors.Is(err, fs.ErrNotExist) {
		// Before the key file: one without a layout is of the first.
		err = create(filepath.Join(path, layoutFile), formatLayout(layout))
		if err == nil {
			err = checkLayout(path)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("opening data directory: %w", err)
	}
	set, err := OpenWith(filepath.Join(path, keyFile), o)
	if err != nil {
		return nil, err
	}
	return &Directory{path, set}, nil
}

// ReadDirectory opens a data directory that a gateway has made, and writes
// nothing to it. A gateway may be using it.
func ReadDirectory(path string) (*Directory, error) {
	path = filepath.Clean(path)
	if err := checkLayout(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading data directory: %w", err)
	}
	file := filepath.Join(path, keyFile)
	masters, err := read(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s does not exist: want the gateway's data directory", file)
	}
	if err != nil {
		return nil, fmt.Errorf("opening key file: %w", err)
	}
	return &Directory{path, &Set{masters}}, nil
}

// Keys returns the keys as they were when the directory was opened.
func (d *Directory) Keys() *Set { return d.keys }

// AuditDir returns the path of the access log's directory, which the log makes
// when it is first opened.
func (d *Directory) AuditDir() string { return AuditDir(d.path) }

// AuditDir returns the path of the access log in the data directory at a path,
// for who has the log but not the keys.
func AuditDir(path string) string { return filepath.Join(path, auditDir) }

// Rotate adds a version to the directory's key file, as [Rotate] does, and
// returns the set with it.
func (d *Directory) Rotate() (*Set, error) {
	return Rotate(filepath.Join(d.path, keyFile))
}

// checkLayout checks that the data directory's layout is the one that this
// package knows. The error wraps fs.ErrNotExist if the directory does not say.
func checkLayout(dir string) error {
	path := filepath.Join(dir, layoutFile)
	data, err := readFile(path, checkRegular)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(strings.TrimSuffix(string(data), "\n"))
	switch {
	case err != nil || n < 1 || string(formatLayout(n)) != string(data):
		return fmt.Errorf("%s is not a version on a line; restore it from a copy", path)
	case n != layout:
		return fmt.Errorf("%s says that the directory is of version %d, but this maskgate knows "+
			"only %d; run the maskgate that made it, or a newer one, or give another directory",
			path, n, layout)
	}
	return nil
}

func formatLayout(n int) []byte { return append(strconv.AppendInt(nil, int64(n), 10), '\n') }
