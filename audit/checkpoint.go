package audit

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	headerStart     = `{"segment":{"first":`
	headerMiddle    = `,"edge":[`
	headerEnd       = `]}}`
	checkpointStart = `{"checkpoint":`
	leavesStart     = `,"leaves":[`
	leavesEnd       = `]}`
)

var (
	errHeader     = errors.New("malformed segment header")
	errCheckpoint = errors.New("malformed checkpoint")
)

// strict64 refuses what encodes the same bytes in another way.
var strict64 = base64.StdEncoding.Strict()

// seqPrefix returns what the line of record n begins with.
func seqPrefix(n int64) []byte {
	return strconv.AppendInt([]byte(`{"seq":`), n, 10)
}

// recordStart returns what the line of record n begins with, to its time.
func recordStart(n int64) []byte {
	return append(seqPrefix(n), `,"time":"`...)
}

// recordTime returns the time in a record line, or zero if it has none.
func recordTime(line []byte) time.Time {
	_, rest, _ := bytes.Cut(line, []byte(`,"time":"`))
	text, _, _ := bytes.Cut(rest, []byte(`"`))
	t, err := time.Parse(time.RFC3339Nano, string(text))
	if err != nil {
		return time.Time{}
	}
	return t
}

// appendHeader appends the header line of a segment that begins after t.
func appendHeader(buf []byte, t *tree) []byte {
	buf = append(buf, headerStart...)
	buf = strconv.AppendInt(buf, t.n, 10)
	buf = append(buf, headerMiddle...)
	buf = appendHashes(buf, t.edge)
	return append(buf, headerEnd...)
}

// parseHeader parses a header line; it accepts only what appendHeader writes.
func parseHeader(line []byte) (tree, error) {
	rest, ok1 := bytes.CutPrefix(line, []byte(headerStart))
	num, rest, ok2 := bytes.Cut(rest, []byte(headerMiddle))
	list, ok3 := bytes.CutSuffix(rest, []byte(headerEnd))
	if !ok1 || !ok2 || !ok3 {
		return tree{}, errHeader
	}
	n, err1 := strconv.ParseInt(string(num), 10, 64)
	edge, err2 := parseHashes(list)
	if err1 != nil || err2 != nil || n < 0 || len(edge) != bits.OnesCount64(uint64(n)) {
		return tree{}, errHeader
	}
	t := tree{n, edge}
	if !bytes.Equal(appendHeader(nil, &t), line) {
		return tree{}, errHeader
	}
	return t, nil
}

// A checkpoint is a parsed checkpoint line.
type checkpoint struct {
	note   string // the signed note
	origin string
	n      int64
	root   tlog.Hash
	leaves []tlog.Hash
}

// isCheckpoint reports whether a line is meant to be a checkpoint.
func isCheckpoint(line []byte) bool {
	return bytes.HasPrefix(line, []byte(checkpointStart))
}

// appendCheckpoint appends a checkpoint line.
func appendCheckpoint(buf []byte, signed string, leaves []tlog.Hash) []byte {
	buf = append(buf, checkpointStart...)
	buf = append(buf, '"')
	buf = append(buf, strings.ReplaceAll(signed, "\n", `\n`)...)
	buf = append(buf, '"')
	buf = append(buf, leavesStart...)
	buf = appendHashes(buf, leaves)
	return append(buf, leavesEnd...)
}

// parseCheckpoint parses a checkpoint line; it accepts only what
// appendCheckpoint writes for a note with one signature. The signature is
// not verified.
func parseCheckpoint(line []byte) (checkpoint, error) {
	rest, ok1 := bytes.CutPrefix(line, []byte(checkpointStart+`"`))
	text, rest, ok2 := bytes.Cut(rest, []byte(`"`+leavesStart))
	list, ok3 := bytes.CutSuffix(rest, []byte(leavesEnd))
	if !ok1 || !ok2 || !ok3 {
		return checkpoint{}, errCheckpoint
	}
	leaves, err := parseHashes(list)
	if err != nil || len(leaves) == 0 {
		return checkpoint{}, errCheckpoint
	}
	cp := checkpoint{note: strings.ReplaceAll(string(text), `\n`, "\n"), leaves: leaves}

	part := strings.Split(cp.note, "\n")
	if len(part) != 6 {
		return checkpoint{}, errCheckpoint
	}
	cp.origin = part[0]
	n, err1 := strconv.ParseInt(part[1], 10, 64)
	root, err2 := parseHash(part[2])
	sig, err3 := strict64.DecodeString(strings.TrimPrefix(part[4], signaturePrefix+cp.origin+" "))
	if err1 != nil || err2 != nil || err3 != nil || n <= 0 || !validOrigin(cp.origin) {
		return checkpoint{}, errCheckpoint
	}
	cp.n, cp.root = n, root
	again := fmt.Sprintf("%s\n%s%s %s\n", checkpointText(cp.origin, n, root), signaturePrefix,
		cp.origin, strict64.EncodeToString(sig))
	if again != cp.note || !bytes.Equal(appendCheckpoint(nil, cp.note, leaves), line) {
		return checkpoint{}, errCheckpoint
	}
	return cp, nil
}

// checkpointText returns the text that is signed (C2SP tlog-checkpoint).
func checkpointText(origin string, n int64, root tlog.Hash) string {
	return fmt.Sprintf("%s\n%d\n%s\n", origin, n, root)
}

// openCheckpoint verifies a signed checkpoint by the key named as its origin.
// Unlike a checkpoint line it may carry further signatures and extensions.
func openCheckpoint(signed string, v note.Verifiers) (checkpoint, error) {
	n, err := note.Open([]byte(signed), v)
	if err != nil {
		return checkpoint{}, err
	}
	part := strings.SplitN(n.Text, "\n", 4)
	if len(part) < 4 {
		return checkpoint{}, errCheckpoint
	}
	size, err1 := strconv.ParseInt(part[1], 10, 64)
	root, err2 := parseHash(part[2])
	if err1 != nil || err2 != nil || size < 0 || strconv.FormatInt(size, 10) != part[1] {
		return checkpoint{}, errCheckpoint
	}
	for _, sig := range n.Sigs {
		if sig.Name == part[0] {
			return checkpoint{note: signed, origin: part[0], n: size, root: root}, nil
		}
	}
	return checkpoint{}, errors.New("checkpoint is not signed by the key named as its origin")
}

func appendHashes(buf []byte, list []tlog.Hash) []byte {
	for i, h := range list {
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = append(buf, '"')
		buf = base64.StdEncoding.AppendEncode(buf, h[:])
		buf = append(buf, '"')
	}
	return buf
}

func parseHashes(list []byte) ([]tlog.Hash, error) {
	if len(list) == 0 {
		return nil, nil
	}
	const quoted = 1 + 44 + 1
	if (len(list)+1)%(quoted+1) != 0 {
		return nil, errCheckpoint
	}
	hashes := make([]tlog.Hash, 0, (len(list)+1)/(quoted+1))
	for ; len(list) >= quoted; list = list[min(quoted+1, len(list)):] {
		h, err := parseHash(string(list[1 : quoted-1]))
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, h)
	}
	return hashes, nil
}

func parseHash(s string) (tlog.Hash, error) {
	data, err := strict64.DecodeString(s)
	if err != nil || len(data) != tlog.HashSize {
		return tlog.Hash{}, errCheckpoint
	}
	return tlog.Hash(data), nil
}
