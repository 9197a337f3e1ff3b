package masking

import "bytes"

// Names are the distinct names of the object members that a response lost for being unlisted (under [UnlistedDrop]): what an
// upstream has that no rule knows. They are as the response has them, in quotes and with escapes, and may be data, where a map
// is keyed by it: they are for comparing, not for showing. A Report reuses their memory.
type Names struct {
	text []byte
	ends []int // in text
	next int   // the one that is expected: records repeat their names in their order
	more bool
}

const (
	maxNames     = 32 // distinct names that are kept of a response, or of a window of one
	maxNameShown = 64 // bytes that are kept of a name
)

// Len is how many names there are: 32 at the most.
func (n *Names) Len() int { return len(n.ends) }

// More reports whether there were names beyond.
func (n *Names) More() bool { return n.more }

// At returns a name, or its first 64 bytes if it is longer. It is valid until the Report is used again.
func (n *Names) At(i int) []byte {
	begin := 0
	if i > 0 {
		begin = n.ends[i-1]
	}
	return n.text[begin:n.ends[i]]
}

func (n *Names) reset() { n.text, n.ends, n.next, n.more = n.text[:0], n.ends[:0], 0, false }

// add notes a name, unless it is there.
func (n *Names) add(name []byte) {
	name = name[:min(len(name), maxNameShown)]
	for range n.ends {
		if n.next >= len(n.ends) {
			n.next = 0
		}
		found := bytes.Equal(n.At(n.next), name)
		n.next++
		if found {
			return
		}
	}
	if len(n.ends) == maxNames {
		n.more = true
		return
	}
	n.text = append(n.text, name...)
	n.ends = append(n.ends, len(n.text))
	n.next = 0
}

// addAll notes what others has.
func (n *Names) addAll(others *Names) {
	for i := range others.Len() {
		n.add(others.At(i))
	}
	n.more = n.more || others.more
}

// dropped notes the name of a member that is dropped for being unlisted. An element has none: it begins with its value.
func (w *rewriter) dropped(start, value int) {
	if start < value {
		w.report.Names.add(memberName(w.src[start:value]))
	}
}

// memberName cuts a member's name, in quotes, out of what stands in front of its value.
func memberName(member []byte) []byte {
	for i := 1; i < len(member); i++ {
		switch member[i] {
		case '\\':
			i++
		case '"':
			return member[:i+1]
		}
	}
	return member
}
