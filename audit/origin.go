package audit

import (
	"errors"
	"fmt"
)

// An OriginError says that a log is sound as far as it was read, but is called
// otherwise than it should be: another log was meant, or the gateway was
// renamed since.
type OriginError struct {
	Have string // the log's origin
	Want string // the origin of the gateway, or of the checkpoint kept elsewhere
}

// Error returns both origins.
func (e *OriginError) Error() string {
	return fmt.Sprintf("access log is that of %q, not of %q", e.Have, e.Want)
}

// ReadOrigin returns the origin of the log in a directory: its name, as its
// first checkpoint has it. It is empty if nothing is committed yet. No
// signature is verified, and a gateway may be writing to the log. The error
// wraps a [*CorruptError], or [io/fs.ErrNotExist] if there is no such directory.
func ReadOrigin(dir string) (string, error) {
	origin, err := readOrigin(dir)
	if err != nil {
		return "", fmt.Errorf("reading origin of access log: %w", err)
	}
	return origin, nil
}

func readOrigin(dir string) (string, error) {
	segments, err := listSegments(dir)
	if err != nil || len(segments) == 0 {
		return "", err
	}
	f, size, err := openSegment(dir, segments[0])
	if err != nil {
		return "", err
	}
	defer f.Close()
	s := &scanner{
		file:   segmentName(segments[0]),
		r:      f,
		size:   size,
		first:  segments[0],
		last:   len(segments) == 1,
		commit: func() error { return errStop },
	}
	if err := s.run(); err != nil && !errors.Is(err, errStop) {
		return "", err
	}
	return s.origin, nil
}

// validOrigin reports whether an origin can stand unescaped in a note and in
// JSON.
func validOrigin(origin string) bool {
	for _, c := range []byte(origin) {
		if c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '+' {
			return false
		}
	}
	return origin != ""
}
