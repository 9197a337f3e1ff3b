package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const segmentSuffix = ".jsonl"

// segmentName returns the name of the segment whose first record is n.
func segmentName(n int64) string {
	return fmt.Sprintf("%020d%s", n, segmentSuffix)
}

// parseSegmentName is the inverse of segmentName.
func parseSegmentName(name string) (first int64, ok bool) {
	n, err := strconv.ParseInt(strings.TrimSuffix(name, segmentSuffix), 10, 64)
	return n, err == nil && n >= 0 && segmentName(n) == name
}

// listSegments returns the number of the first record of each segment, in order.
func listSegments(dir string) ([]int64, error) {
	entries, err := os.ReadDir(dir) // sorted by name, hence by number
	if err != nil {
		return nil, fmt.Errorf("listing segments: %w", err)
	}
	var list []int64
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), segmentSuffix) {
			continue
		}
		first, ok := parseSegmentName(e.Name())
		if !ok {
			return nil, &CorruptError{File: e.Name(), Seq: -1,
				Reason: "the name is not that of a segment; move the file elsewhere"}
		}
		list = append(list, first)
	}
	return list, nil
}

// misplaced is the error for a segment where the one that begins with record n
// should stand.
func misplaced(first, n int64) *CorruptError {
	return &CorruptError{File: segmentName(first), Seq: n,
		Reason: fmt.Sprintf("a segment that begins with record %d should stand before it", n)}
}

// openRegular opens a file, or makes it if flag says so. Anything but a regular
// file that is not executable is refused; a symbolic link is not followed, and
// a FIFO not waited for.
func openRegular(path string, flag int) (*os.File, error) {
	// The link is looked at first for the sake of a clear message; what
	// counts is what was opened.
	if info, err := os.Lstat(path); err == nil {
		if err := checkRegular(path, info); err != nil {
			return nil, err
		}
	}
	f, err := os.OpenFile(path, flag|noFollow, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = checkRegular(path, info)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func checkRegular(path string, info fs.FileInfo) error {
	switch {
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file (%s); move it elsewhere", path, info.Mode())
	case info.Mode().Perm()&0o111 != 0:
		return fmt.Errorf("%s is executable (%s); find out why, then chmod 600", path, info.Mode())
	}
	return nil
}

// openSegment opens a segment to read, and tells its size at this moment.
func openSegment(dir string, first int64) (*os.File, int64, error) {
	f, err := openRegular(filepath.Join(dir, segmentName(first)), os.O_RDONLY)
	if err != nil {
		return nil, 0, fmt.Errorf("opening segment: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, fmt.Errorf("opening segment: %w", err)
	}
	return f, info.Size(), nil
}

// makeDir makes the directory of a log if it is missing, durably, and checks
// that it is one that only its owner can write to.
func makeDir(dir string, d Disk) error {
	info, err := os.Lstat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if err := mkdirAll(dir, d); err != nil {
			return fmt.Errorf("making directory: %w", err)
		}
		info, err = os.Lstat(dir)
	}
	switch {
	case err != nil:
		return fmt.Errorf("reading directory: %w", err)
	case !info.IsDir():
		return fmt.Errorf("%s is not a directory (%s); "+
			"give the path of a directory itself, not a link to it", dir, info.Mode())
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("%s can be written to by others (%s); chmod 700", dir, info.Mode())
	}
	return nil
}

// mkdirAll makes a directory and the ones above it that are missing, and syncs
// the name of each.
func mkdirAll(dir string, d Disk) error {
	parent := filepath.Dir(dir)
	if _, err := os.Stat(parent); errors.Is(err, fs.ErrNotExist) {
		if err := mkdirAll(parent, d); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return d.SyncDir(parent)
}

// lockDir takes the lock of a directory; closing the file releases it.
func lockDir(dir string) (*os.File, error) {
	f, err := openRegular(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE)
	if err != nil {
		return nil, fmt.Errorf("locking: %w", err)
	}
	if err := flock(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("locking %s: %w", f.Name(), err)
	}
	return f, nil
}
