package masking

import "bytes"

// Names are the distinct names of the object members that a response lost for being unlisted (under [UnlistedDrop]), each with
// the place of its object: what an upstream has that no rule knows. They are as the response has them, in quotes and with
// escapes, and may be data, where a map is keyed by it: they are for comparing, not for showing. A Report reuses their memory.
type Names struct {
	text   []byte
	ends   []int    // in text
	places []string // of the objects that have them
	next   int      // the one that is expected: records repeat their names in their order
	more   bool
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

// Place returns where the object lies that has a name, as the layout's selectors have it: $.items[*].contact. All of its text is
// the selectors', none the response's. Behind a selector with .. it is how far that goes: $.items.. for any object in $.items;
// behind " | " it is a place in a text that is [Embedded].
func (n *Names) Place(i int) string { return n.places[i] }

func (n *Names) reset() {
	n.text, n.ends, n.places, n.next, n.more = n.text[:0], n.ends[:0], n.places[:0], 0, false
}

// add notes a name of an object at a place, unless it is there.
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

// addAll notes what others has.
func (n *Names) addAll(others *Names) {
	for i := range others.Len() {
		n.add(others.places[i], others.At(i))
	}
	n.more = n.more || others.more
}
