package audit

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// signaturePrefix begins each signature line of a note.
const signaturePrefix = "— "

// FindCheckpoint returns the one signed checkpoint in a text that may have
// other lines before and after it, as what "maskgate audit verify" prints has.
// It is for [Contains], which verifies it.
//
// A checkpoint begins with the line of its origin, which must be the name of
// one of its signatures, and ends with the last of its signature lines. None,
// or more than one, is an error.
func FindCheckpoint(text string) (string, error) {
	lines := strings.SplitAfter(text, "\n")
	var found []string
	for i, line := range lines {
		if line != "\n" {
			continue
		}
		end := i + 1
		for end < len(lines) && strings.HasPrefix(lines[end], signaturePrefix) &&
			strings.HasSuffix(lines[end], "\n") {
			end++
		}
		if end == i+1 {
			continue
		}
		for start := i - 1; start >= 0 && lines[start] != "\n"; start-- {
			if start+3 <= i && beginsCheckpoint(lines[start:start+3], lines[i+1:end]) {
				found = append(found, strings.Join(lines[start:end], ""))
			}
		}
	}
	switch len(found) {
	case 0:
		return "", errors.New("no signed checkpoint stands in the text; " +
			"give one as it was printed, to the end of its last line")
	case 1:
		return found[0], nil
	}
	return "", errors.New("several signed checkpoints stand in the text; give one of them")
}

// beginsCheckpoint reports whether lines are an origin, a size and a root, and
// a signature is in the origin's name.
func beginsCheckpoint(lines, signatures []string) bool {
	origin := strings.TrimSuffix(lines[0], "\n")
	size := strings.TrimSuffix(lines[1], "\n")
	n, err := strconv.ParseInt(size, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != size {
		return false
	}
	if _, err := parseHash(strings.TrimSuffix(lines[2], "\n")); err != nil {
		return false
	}
	return slices.ContainsFunc(signatures, func(s string) bool {
		return strings.HasPrefix(s, signaturePrefix+origin+" ")
	})
}
