package keys

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const maxFile = 1 << 20 // bytes in a file

// Options are what [OpenWith] and [RotateWith] take from outside.
type Options struct {
	Rand io.Reader        // where secrets come from; default crypto/rand
	Now  func() time.Time // when they were made; default time.Now
}

func (o *Options) complete() {
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

// Open reads a key file. If there is none it makes one with one key, and its
// directory if that is missing too; when Open returns, the file would survive
// a power cut. Of several processes that do so at once, all get the same key.
//
// A file that its group or others can read, that is a symbolic link or not a
// regular file, or that is not exactly as the package comment says, is refused.
func Open(path string) (*Set, error) {
	return OpenWith(path, Options{})
}

// OpenWith is [Open] with randomness and clock given.
func OpenWith(path string, o Options) (*Set, error) {
	o.complete()
	masters, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		masters, err = createKeys(path, o)
	}
	if err != nil {
		return nil, fmt.Errorf("opening key file: %w", err)
	}
	return &Set{masters}, nil
}

// Rotate adds a version to a key file and returns the set with it. When it
// returns, the new file is in place and would survive a power cut. Gateways
// use the new version once they open the file again.
//
// Do not rotate while another process does: of two, one gets an error.
func Rotate(path string) (*Set, error) {
	return RotateWith(path, Options{})
}

// RotateWith is [Rotate] with randomness and clock given.
func RotateWith(path string, o Options) (*Set, error) {
	o.complete()
	set, err := rotate(path, o)
	if err != nil {
		return nil, fmt.Errorf("rotating keys: %w", err)
	}
	return set, nil
}

func rotate(path string, o Options) (*Set, error) {
	// The name is fixed, so the file is also the lock. The keys are read
	// only then: else a rotation between would be lost.
	next := path + ".new"
	f, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_EXCL|noFollow, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%s is there: another rotation is under way, or one was cut short; "+
			"in that case remove it", next)
	}
	if err != nil {
		return nil, err
	}
	defer os.Remove(next) // in vain once it is renamed
	masters, err := read(path)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	m, err := generate(masters[len(masters)-1].version+1, o)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	masters = append(masters, m)
	if err := write(f, format(masters)); err != nil {
		return nil, err
	}
	if err := os.Rename(next, path); err != nil {
		return nil, err
	}
	return &Set{masters}, syncDir(filepath.Dir(path))
}

// createKeys makes a key file with one key and reads what is then there.
func createKeys(path string, o Options) ([]master, error) {
	m, err := generate(1, o)
	if err != nil {
		return nil, err
	}
	if err := create(path, format([]master{m})); err != nil {
		return nil, err
	}
	return read(path)
}

// create makes a file that only its owner can read, whole or not at all, and
// the directories above it that are missing. If another process was faster,
// its file stays.
func create(path string, data []byte) error {
	dir := filepath.Dir(path)
	if err := mkdirAll(dir); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, filepath.Base(path)+".*.tmp") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := write(f, data); err != nil {
		return err
	}
	// A link, unlike a rename, never replaces what is there.
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(dir)
}

func generate(version int, o Options) (master, error) {
	secret := make([]byte, SecretSize)
	if _, err := io.ReadFull(o.Rand, secret); err != nil {
		return master{}, fmt.Errorf("drawing a secret: %w", err)
	}
	return master{version, o.Now().UTC().Truncate(time.Second), secret}, nil
}

// read reads a key file; the error wraps fs.ErrNotExist if there is none.
func read(path string) ([]master, error) {
	data, err := readFile(path, checkSecret)
	if err != nil {
		return nil, err
	}
	masters, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return masters, nil
}

// readFile reads a file of at most 1 MiB that passes a check; the error wraps
// fs.ErrNotExist if there is none.
func readFile(path string, check func(string, fs.FileInfo) error) ([]byte, error) {
	// The link is looked at first for the sake of a clear message; what
	// counts is what was opened.
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if err := check(path, info); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|noFollow, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, err
	}
	if err := check(path, info); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s is longer than 1 MiB; restore it from a copy", path)
	}
	return data, nil
}

// checkSecret checks that a file is a regular one that only its owner can
// read.
func checkSecret(path string, info fs.FileInfo) error {
	if err := checkRegular(path, info); err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s can be read by others (%s); chmod 600, "+
			"and rotate the keys if somebody may have read it", path, info.Mode())
	}
	return nil
}

func checkRegular(path string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file (%s); give the path of the file itself",
			path, info.Mode())
	}
	return nil
}

// write writes, syncs and closes f.
func write(f *os.File, data []byte) error {
	_, err := f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// mkdirAll makes a directory and the ones above it that are missing, and syncs
// the name of each that it makes.
func mkdirAll(dir string) error {
	if _, err := os.Stat(dir); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(dir)
	if err := mkdirAll(parent); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(parent)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
