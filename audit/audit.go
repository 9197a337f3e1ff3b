// Package audit keeps the access log: who got what about whom, and why.
//
// An access record is one JSON line. Records are numbered from 0 without a
// gap; the number, not the time, orders them, for clocks go backwards.
// They are the leaves of a Merkle tree (RFC 6962, section 2.1), and after
// each group of records a signed checkpoint states the tree's size and root,
// so that nobody without the signing key can change, remove, add or reorder
// a record that a checkpoint covers without being found out.
// What a signature cannot show is that the newest checkpoints were cut off;
// keep one elsewhere now and then ([Log.Checkpoint]) and hand it to [Verify].
// [Search] finds records; [Follow] reads them as they come. A sink, which ships
// records elsewhere, or an index over them is a package below this one, such as
// audit/ship, that stands on [Follow]: it never comes between a record and the
// disk.
//
//	l, err := audit.Open(audit.Options{Dir: dir, Signer: signer, Verifiers: verifiers})
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer l.Close()
//	seq, err := l.Append(ctx, audit.Record{
//		Event:  audit.EventAccess,
//		Access: &audit.Access{Decision: audit.Released},
//	})
//	if err != nil {
//		// Nothing may be released: it would not be on record.
//	}
//
// # Directory
//
// A log is one directory, mode 0700, written by one process. It holds:
//
//   - lock, which the writer holds with flock(2).
//   - The segments, each named by the number of its first record in exactly
//     twenty decimal digits, then ".jsonl", mode 0600.
//   - torn-<record>-<unix seconds>[-<n>], what [Open] set aside (see Recovery).
//
// Each file is a regular file and not executable; a symbolic link, FIFO,
// device or directory in its place is refused. Another name that ends in
// ".jsonl" is refused; any other name is ignored.
//
// # Segment
//
// A segment is a header line followed by one or more groups. A group is one
// or more record lines followed by one checkpoint line. A line ends in one
// newline (U+000A), which is not part of the line, and is at most 16 MiB.
// There is no other white space between the tokens of header and checkpoint
// lines. The three kinds of line are:
//
//	{"segment":{"first":<N>,"edge":[<hash>,…]}}
//	{"seq":<N>,"time":"<RFC 3339>",…}
//	{"checkpoint":"<note>","leaves":[<hash>,…]}
//
// <N> is a decimal number without a leading zero. <hash> is a JSON string of
// the standard base64 encoding, padded and with zero trailing bits (RFC 4648,
// sections 4 and 3.5), of 32 bytes.
//
// Header: first is the number in the file's name and the number of the
// segment's first record. edge holds the hashes of the maximal complete
// subtrees of the tree over records 0 to first-1, from left to right: one
// for each 1 bit of first. With it a segment is checked without the ones
// before it.
//
// Record: a JSON object (see [Record]) beginning with the members seq, the
// record's number, and time. Its leaf hash is SHA-256(0x00 || line).
// An interior node's is SHA-256(0x01 || left || right).
//
// Checkpoint: leaves holds the leaf hashes of the group's records in order,
// so that a verifier can name the record that was changed. note is a signed
// note (package golang.org/x/mod/sumdb/note) in which each newline is
// written as the two characters \n and nothing else is escaped:
//
//	<origin>\n<size>\n<root>\n\n— <origin> <signature>\n
//
// The text of the note is a checkpoint as C2SP tlog-checkpoint defines it,
// without extension lines: origin names the log; size, in decimal, is the
// number of records up to here; root is the base64 root hash over them.
// There is exactly one signature, made by the key named as the origin,
// its base64 as strict as a hash's. An origin consists of printable ASCII
// characters other than space, plus, quotation mark and backslash.
//
// All checkpoints of a log have one origin; they may be by different keys
// of that name, for keys are rotated. A segment's header must equal what the
// segments before it give, and each root must equal what edge and leaves
// give. So every byte of a segment matters.
//
// # Commit
//
// A record is committed if and only if a valid checkpoint covers it.
// A group is one write followed by one fdatasync; the first group of a
// segment is written together with its header, and followed by an fsync of
// the directory. Nobody is told that a record is written before that.
// A new segment is begun only when the one before it is all committed.
//
// # Recovery
//
// A crash can leave a write half done at the end of the last segment, never
// elsewhere, and no record in it was acknowledged. What follows the last
// valid checkpoint of the last segment (or all of it, if there is none) is
// an uncommitted tail, and not corruption, if either
//
//   - it holds no NUL byte, and each of its complete lines is what must stand
//     there: the header, or the next record, valid JSON; or
//   - it holds a NUL byte (a page that never reached the disk), and no
//     complete line in it begins with {"checkpoint": unless that line is the
//     last and ends the file.
//
// [Open] moves the tail into a file of its own and cuts the segment back.
// Anything else is corruption: [Open] refuses the log.
package audit

import (
	"errors"
	"fmt"
)

const (
	maxLine  = 16 << 20 // bytes in a line, without its newline
	maxGroup = 4096     // records in a group
	maxBatch = 16 << 20 // bytes in a group before another record is not added
	maxQueue = 64 << 20 // bytes that may wait to be written

	defaultSegmentSize = 64 << 20
)

var (
	// ErrUnwritable is wrapped by the error of every [Log.Append] from the
	// first failed write on. The log must be closed and opened again, after
	// the cause (a full or failing disk, a file changed by somebody else)
	// is gone.
	ErrUnwritable = errors.New("access log is unwritable until it is opened again")

	// ErrLocked is wrapped by [Open] when another process, or another [Log]
	// of this process, writes to the directory.
	ErrLocked = errors.New("access log is in use by another gateway; " +
		"give each gateway its own directory")

	// ErrClosed is returned by [Log.Append] after [Log.Close].
	ErrClosed = errors.New("access log is closed")

	// ErrTooLarge is wrapped by [Log.Append] for a record whose line would
	// be longer than 16 MiB. The log is unharmed.
	ErrTooLarge = errors.New("access record is longer than 16 MiB; release fewer records at once")

	// ErrBusy is returned by [Log.Append] when more than 64 MiB of records
	// already wait to be written. The log is unharmed.
	ErrBusy = errors.New("access log cannot keep up with its disk; try again later")
)

// A CorruptError says where a log stops being what was written.
type CorruptError struct {
	File   string // base name of the segment; empty if none is to blame
	Line   int    // line in File, from 1; 0 if the file as a whole is meant
	Seq    int64  // the first record that is bad or missing; -1 if not known
	Reason string // what is wrong; holds nothing from the record
}

// Error returns the place and the reason.
func (e *CorruptError) Error() string {
	where := "the log"
	if e.File != "" {
		where = e.File
	}
	if e.Line > 0 {
		where = fmt.Sprintf("%s, line %d", where, e.Line)
	}
	if e.Seq >= 0 {
		where = fmt.Sprintf("%s, record %d", where, e.Seq)
	}
	return "access log is corrupt: " + where + ": " + e.Reason
}
