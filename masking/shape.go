package masking

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"slices"
)

// shape remembers what the objects in one place of earlier documents looked like: their names, in order. A service writes
// the same names in the same order again and again, so the next name is only compared with the one expected. If it differs
// it is read, hashed and looked up.
type shape struct {
	members []shapeMember
	element *shape // of the elements, where the place holds an array

	// What is known of the members in an object at the state parent, of so many: which are noted, and which can begin a record.
	parent         *state
	known          int
	noted, records uint64
}

type shapeMember struct {
	quoted []byte // as a member begins: the name in quotes, without escapes, and the colon
	size   int
	long   bool // it has more than sixteen bytes

	// The first eight bytes of quoted, and the last eight, and where these are. Of a shorter one both are the whole, and mask is its bytes.
	head, tail, mask uint64
	tailAt           int

	hash  uint64 // of the name, as scanner.seen has it
	value shape

	parent, state *state // what under returned last: its state where the object's is parent
}

// shapes are the shapes of a layout's documents, as one outline met them.
type shapes struct {
	root  *shape
	count int // of members
}

const (
	maxShapes     = 4096 // members that are remembered; one more and all are forgotten
	maxShapeNames = 64   // members of an object that are remembered
	maxShapeName  = 128  // bytes of a name that is remembered
	maxAbsent     = 4    // expected members in a row that may be missing before the next name is read
)

// boundShapes makes room for others, between documents.
func (o *outline) boundShapes() {
	if o.shapes.root == nil || o.shapes.count == maxShapes {
		o.shapes = shapes{root: new(shape)}
	}
}

// expected is where an object's names are compared with its shape's.
type expected struct {
	names   int    // where the object's names begin in scanner.seen
	next    int    // index of the member that is expected
	matched uint64 // members that were met as expected, and are not in scanner.seen
	read    bool   // a name had to be read: from then on all names are in scanner.seen
}

// member moves over a member's name and colon and returns what is known of it. Two members of one shape have different
// names, and each is expected but once, so only a name that had to be read can stand twice.
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
	if i := slices.IndexFunc(sh.members, func(m shapeMember) bool { return m.hash == hash && string(m.name()) == string(name) }); i >= 0 {
		e.next = i + 1
		return &sh.members[i]
	}
	plain := s.src[start+1+len(name)] == '"' && string(s.src[start+1:start+1+len(name)]) == string(name)
	m := newShapeMember(name, hash)
	if plain && len(name) <= maxShapeName && len(sh.members) < maxShapeNames && o.shapes.count < maxShapes {
		o.shapes.count++
		sh.members = append(sh.members, m)
		e.next = len(sh.members)
		return &sh.members[e.next-1]
	}
	return &m
}

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

// marks returns which of the members are noted, and which can begin a record, in an object at a state.
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

// under returns the state of the member in an object of that state.
func (m *shapeMember) under(parent *state) *state {
	if parent == nil {
		return nil
	}
	if m.parent != parent {
		m.parent, m.state = parent, parent.member(m.name())
	}
	return m.state
}

func (sh *shape) elements() *shape {
	if sh.element == nil {
		sh.element = &shape{}
	}
	return sh.element
}

// see notes a name; it reports false if it stands twice, as far as that is known before the object's end.
func (s *scanner) see(names int, hash uint64, start int) bool {
	if len(s.seen)-names < smallObject && slices.Contains(s.seen[names:], hash) {
		return s.failAt(start, "a name stands twice in an object")
	}
	s.seen = append(s.seen, hash)
	return true
}

func (s *scanner) hash(name []byte) uint64 { return maphash.Bytes(s.seed, name) }
