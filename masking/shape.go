package masking

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"slices"
)

// shape remembers what the objects in one place of earlier documents looked like: their names, in
// order. A service writes the same names in the same order again and again, so the next name is
// compared with the one that is expected. Only if it differs it is read, hashed and looked up.
type shape struct {
	members []shapeMember // as many as fit a set of 64 bits
	element *shape        // of the elements, if the place holds an array

	// What marks found last, for objects at the state parent, when known was how many members the
	// shape had: the set of members that are the subject or an input, and the set of members that
	// can begin a record.
	parent         *state
	known          int
	noted, records uint64
}

// shapeMember is what is known of the members of one name.
type shapeMember struct {
	quoted []byte // what a member begins with: the name in quotes, without escapes, and the colon
	size   int    // of quoted
	long   bool   // quoted has more than sixteen bytes

	// head is the first eight bytes of quoted, tail the last eight, tailAt where these begin. If
	// quoted is shorter than eight bytes, head and tail are all of it, and mask says which bits
	// that is.
	head, tail, mask uint64
	tailAt           int

	hash  uint64 // of the name, as scanner.seen has it
	value shape  // of the members' values

	// What under found last: in objects at the state parent the members are at state.
	parent, state *state
}

// shapes are the shapes that one outline met.
type shapes struct {
	root  *shape // of documents
	count int    // of members in all shapes
}

const (
	maxShapes     = 4096 // members of all shapes; when there are so many, all are forgotten
	maxShapeNames = 64   // members of a shape
	maxShapeName  = 128  // bytes of a name in a shape
	maxAbsent     = 4    // expected members in a row that may be missing before a name is read
)

// boundShapes forgets the shapes if they are full. It is called between documents.
func (o *outline) boundShapes() {
	if o.shapes.root == nil || o.shapes.count == maxShapes {
		o.shapes = shapes{root: new(shape)}
	}
}

// expected is how far the names of an object were compared with those of its shape.
type expected struct {
	names   int    // where the object's names begin in scanner.seen
	next    int    // index of the member that is expected
	matched uint64 // set of members that were met as expected, and are not in scanner.seen
	read    bool   // a name had to be read: from then on all names are in scanner.seen
}

// member moves over a member's name and colon and returns what is known of the member, or nil at a
// fault. Members of one shape have different names, and each is expected once, so only a name that
// had to be read can stand twice.
func (o *outline) member(sh *shape, e *expected) *shapeMember {
	s := &o.scan
	for i := e.next; i < min(e.next+maxAbsent+1, len(sh.members)); i++ {
		m := &sh.members[i]
		if bytes.HasPrefix(s.src[s.pos:], m.quoted) {
			if !e.read {
				e.matched |= 1 << i
			} else if !s.see(e.names, m.hash, s.pos) {
				return nil
			}
			e.next = i + 1
			s.pos += len(m.quoted)
			s.blank()
			return m
		}
	}
	if !e.read {
		e.read = true
		for i := range sh.members {
			if e.matched&(1<<i) != 0 {
				s.seen = append(s.seen, sh.members[i].hash)
			}
		}
	}
	start := s.pos
	name, ok := s.name(e.names)
	if !ok {
		return nil
	}
	hash := s.seen[len(s.seen)-1]
	known := slices.IndexFunc(sh.members, func(m shapeMember) bool {
		return m.hash == hash && string(m.name()) == string(name)
	})
	if known >= 0 {
		e.next = known + 1
		return &sh.members[known]
	}
	m := newShapeMember(name, hash)
	bare := bytes.HasPrefix(s.src[start:], m.quoted[:len(m.quoted)-len(":")]) // without escapes
	fits := len(sh.members) < maxShapeNames && o.shapes.count < maxShapes
	if bare && fits && len(name) <= maxShapeName {
		o.shapes.count++
		sh.members = append(sh.members, m)
		e.next = len(sh.members)
		return &sh.members[e.next-1]
	}
	return &m
}

// newShapeMember returns what is known of the members of a name, given its hash.
func newShapeMember(name []byte, hash uint64) shapeMember {
	m := shapeMember{quoted: slices.Concat([]byte{'"'}, name, []byte(`":`)), hash: hash}
	size := len(m.quoted)
	m.size, m.long = size, size > 16
	var word [8]byte
	copy(word[:], m.quoted)
	m.head = binary.LittleEndian.Uint64(word[:])
	m.tail, m.mask = m.head, 1<<(8*min(size, 8))-1
	if size > 8 {
		m.tailAt = size - 8
		m.tail = binary.LittleEndian.Uint64(m.quoted[m.tailAt:])
	}
	return m
}

func (m *shapeMember) name() []byte { return m.quoted[1 : len(m.quoted)-2] }

// marks returns, for objects at a state, the set of members that are the subject or an input of the
// record, and the set of members that can begin a record.
func (sh *shape) marks(st *state) (noted, records uint64) {
	if sh.parent != st || sh.known != len(sh.members) {
		sh.parent, sh.known, sh.noted, sh.records = st, len(sh.members), 0, 0
		for i := range sh.members {
			child := sh.members[i].under(st)
			if child.begins() {
				sh.records |= 1 << i
			} else if child != nil && child.noted {
				sh.noted |= 1 << i
			}
		}
	}
	return sh.noted, sh.records
}

// under returns the state of the members in objects at a state.
func (m *shapeMember) under(parent *state) *state {
	if parent == nil {
		return nil
	}
	if m.parent != parent {
		m.parent, m.state = parent, parent.member(m.name())
	}
	return m.state
}

// elements returns the shape of the elements of arrays.
func (sh *shape) elements() *shape {
	if sh.element == nil {
		sh.element = &shape{}
	}
	return sh.element
}

// see notes the hash of a name that stands at start, in an object whose names begin at names in
// seen. It reports false if the name stands twice, as far as that is known before the object's end.
func (s *scanner) see(names int, hash uint64, start int) bool {
	if len(s.seen)-names < smallObject && slices.Contains(s.seen[names:], hash) {
		return s.failAt(start, "a name stands twice in an object")
	}
	s.seen = append(s.seen, hash)
	return true
}

func (s *scanner) hash(name []byte) uint64 { return maphash.Bytes(s.seed, name) }
