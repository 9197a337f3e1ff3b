package masking

import (
	"bytes"
	"slices"
)

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

// dropped notes the name of a member that is dropped for being unlisted, in an object with the state in. An element has none: it
// begins with its value.
func (w *rewriter) dropped(in *state, start, value int) {
	if start < value {
		place := w.layout.place
		if in != nil {
			place = in.place
		}
		w.report.Names.add(place, memberName(w.src[start:value]))
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

// place says where the values of a state lie: the text of a selector, the record's if one begins there, as far as it has matched;
// with .. behind it where they may lie deeper.
func (a *automaton) place(s *state, places []int) string {
	if s.record >= 0 {
		i := slices.IndexFunc(a.paths, func(p path) bool { return p.purpose == selectsRecord && p.kind == s.record })
		return a.paths[i].text
	}
	if len(places) == 0 {
		return ""
	}
	p := a.paths[a.owner[places[0]]]
	matched := places[0] - p.first
	if matched == len(p.query) {
		return p.text
	}
	from := len("$")
	if matched > 0 {
		from = p.query[matched-1].end
	}
	text := p.text[:len(p.text)-(p.query[len(p.query)-1].end-from)]
	if p.query[matched].descendant {
		text += ".."
	}
	return text
}
