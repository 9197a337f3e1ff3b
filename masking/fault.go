package masking

import (
	"fmt"
	"strconv"
	"strings"
)

// SyntaxError is a response that is not strict JSON or passes a limit. It carries no data of the
// response.
type SyntaxError struct {
	Offset  int64  // bytes in front of the fault
	Pointer string // JSON Pointer (RFC 6901) to the value; * stands for a name that no selector has
	Reason  string // what was expected or exceeded
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("invalid JSON at byte %d, %q: %s", e.Offset, e.Pointer, e.Reason)
}

// SubjectError is a record without exactly one usable subject.
type SubjectError struct {
	Pointer string // JSON Pointer to the record; * stands for a name that no selector has
	Found   int    // how many subjects were found
}

func (e *SubjectError) Error() string {
	const format = "record %q: want one subject, a non-empty string or a number; found %d values"
	return fmt.Sprintf(format, e.Pointer, e.Found)
}

// SelectionError is a value of which the selectors do not say what it is: two kinds of record
// select it, or a filter cannot be evaluated within bounds. It carries no data of the response.
type SelectionError struct {
	Offset  int64  // bytes in front of the value
	Pointer string // JSON Pointer (RFC 6901) to the value; * stands for a name that no selector has
	Reason  string
}

func (e *SelectionError) Error() string {
	return fmt.Sprintf("selecting at byte %d, %q: %s", e.Offset, e.Pointer, e.Reason)
}

// within puts a member's name in front of the pointer to a fault in the member. A pointer is built
// so, from its end, while the parser returns from the fault. It reports false, as the parser does.
func (o *outline) within(name []byte) bool {
	o.pointer = append([]byte("/"+o.layout.token(name)), o.pointer...)
	return false
}

// token returns a name as a part of a JSON Pointer (RFC 6901 §3), or * if no selector has the name,
// which then may be data.
func (l *Layout) token(name []byte) string {
	if !l.knownNames[string(name)] {
		return "*"
	}
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(string(name))
}

// withinElement is within for an element.
func (o *outline) withinElement(index int) bool {
	o.pointer = append([]byte("/"+strconv.Itoa(index)), o.pointer...)
	return false
}

// fault returns the scanner's fault as an error.
func (o *outline) fault() error {
	inSource := o.scan.faultAt
	if o.events != nil {
		inSource = offsetInEvents(o.events, inSource)
	}
	offset := o.base + int64(inSource)
	if o.refused {
		return &SelectionError{Offset: offset, Pointer: string(o.pointer), Reason: o.scan.reason}
	}
	return &SyntaxError{Offset: offset, Pointer: string(o.pointer), Reason: o.scan.reason}
}

// faultHere notes a fault at the scanner's position and returns it as an error.
func (o *outline) faultHere(reason string) error {
	o.scan.fail(reason)
	return o.fault()
}

// subjectFault returns the error of a record that has no usable subject. around is the JSON Pointer
// to the root that the record's node lies in; of a response that is whole it is empty.
func (o *outline) subjectFault(r *record, around string) error {
	return &SubjectError{Pointer: around + o.pointerTo(r.node), Found: r.subject.found}
}

// pointerTo returns the JSON Pointer to a node from the root that the node lies in. It walks the
// outline, since it is for errors only.
func (o *outline) pointerTo(target int) string {
	root := 0
	for _, r := range o.roots {
		if r <= target {
			root = r
		}
	}
	var b strings.Builder
	for at := root; at != target; {
		index := 0
		child := at + 1
		for int(o.nodes[child].next) <= target {
			child = int(o.nodes[child].next)
			index++
		}
		token := strconv.Itoa(index)
		if o.nodes[at].kind == Object {
			token = o.layout.token(o.scan.text(int(o.nodes[child].start)))
		}
		b.WriteString("/" + token)
		at = child
	}
	return b.String()
}
