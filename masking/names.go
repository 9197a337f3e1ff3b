package masking

import "bytes"

// Names are the distinct names of the object members that a response lost for being unlisted (under
// [UnlistedDrop]), each with the place of its object: what an upstream has that no rule knows.
// Names are as the response has them, in quotes and with escapes. They may be data, where a map is
// keyed by it: names are for comparing, not for showing. A Report reuses their memory.
type Names struct {
	text   []byte
	ends   []int    // of the names in text
	places []string // of the objects, by name
	next   int      // index of the name that is expected: records repeat their names in order
	more   bool
}

const (
	maxNames     = 32 // distinct names that are kept of a response, or of a window of one
	maxNameShown = 64 // bytes that are kept of a name
)

// Len is how many names there are: 32 at the most.
func (n *Names) Len() int { return len(n.ends) }

// More reports whether there were more names than are kept.
func (n *Names) More() bool { return n.more }

// At returns a name, or its first 64 bytes if it is longer. It is valid until the Report is used
// again.
func (n *Names) At(i int) []byte {
	begin := 0
	if i > 0 {
		begin = n.ends[i-1]
	}
	return n.text[begin:n.ends[i]]
}

// Place returns where the object lies that has the name, in the words of the layout's selectors, as
// in $.items[*].contact. No text of the response is in it. Behind a selector with .. it is how far
// that goes: $.items.. for any object in $.items. Behind " | " it is a place in a text that is
// [Embedded].
func (n *Names) Place(i int) string { return n.places[i] }

func (n *Names) reset() {
	n.text, n.ends, n.places, n.next, n.more = n.text[:0], n.ends[:0], n.places[:0], 0, false
}

// add notes a name of an object at a place, unless it is noted already.
func (n *Names) add(place string, name []byte) {
	name = name[:min(len(name), maxNameShown)]
	for range n.ends {
		if n.next >= len(n.ends) {
			n.next = 0
		}
		found := bytes.Equal(n.At(n.next), name) && n.places[n.next] == place
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
	n.places = append(n.places, place)
	n.next = 0
}

// addAll notes the names of others.
func (n *Names) addAll(others *Names) {
	for i := range others.Len() {
		n.add(others.places[i], others.At(i))
	}
	n.more = n.more || others.more
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
