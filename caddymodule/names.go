package caddymodule

import (
	"hash/maphash"
	"maps"
	"strings"
	"sync"
)

// names are the members that a route's responses had and no rule lists, as the selectors by which they may be shown. The name
// of a member can be data, where an object is keyed by it. So a name is told only if it is such as programmers give, if several
// responses, about different people, had it, and if its object does not have many; * stands for all others of an object.
type names struct {
	mu      sync.RWMutex       // guards what follows
	told    map[string]bool    // selectors
	objects map[string]*object // by place
}

// object is what the objects in one place had over time.
type object struct {
	many bool                // too many different names: it is keyed by data
	seen map[uint64]*sighted // by the hash of a name; nil if there are many
}

// sighted is in which responses a name was met.
type sighted struct {
	about [enoughMet]uint64 // whom they were about
	met   int
	done  bool // it was told, or is one of *
}

const (
	enoughMet  = 3  // responses about different people that have a name of the service's; one that is somebody's seldom comes with another's
	enoughSeen = 16 // names that no rule lists of one object; where there are more, they may be data
	maxNames   = 20 // selectors that are told of a route
)

// unshown stands for names that may be data, and for all that is beyond maxNames.
const unshown = "*"

// namesSeed is forgotten with the process: nobody can look up a hash.
var namesSeed = maphash.MakeSeed()

// add notes a name as a response has it, in quotes, of an object at a place, and returns the selector by which it may be shown,
// if that is new. about tells whom the response is about: it is the same for the same people, and 0 if nobody knows.
func (n *names) add(place string, quoted []byte, about func() uint64) (shown string, fresh bool) {
	hash := maphash.Bytes(namesSeed, quoted)
	n.mu.RLock()
	o := n.objects[place]
	done := o != nil && (o.many || o.seen[hash] != nil && o.seen[hash].done)
	n.mu.RUnlock()
	if done {
		return "", false
	}
	who := about()
	n.mu.Lock()
	defer n.mu.Unlock()
	if o = n.objects[place]; o == nil {
		if n.objects == nil {
			n.objects, n.told = map[string]*object{}, map[string]bool{}
		}
		o = &object{seen: map[uint64]*sighted{}}
		n.objects[place] = o
	}
	switch s := o.see(hash); {
	case o.many:
		shown = unshown
	case s.done:
		return "", false
	default:
		if shown = showable(quoted); shown != unshown && !s.recurs(who) {
			return "", false
		}
		s.done = true
	}
	return n.tell(member(place, shown))
}

// see returns what is known of a name; nil if the object has too many.
func (o *object) see(hash uint64) *sighted {
	s := o.seen[hash]
	switch {
	case o.many || s != nil:
	case len(o.seen) == enoughSeen:
		o.many, o.seen = true, nil
	default:
		s = &sighted{}
		o.seen[hash] = s
	}
	return s
}

// recurs counts a response, and reports whether there are enough.
func (s *sighted) recurs(who uint64) bool {
	for _, other := range s.about[:s.met] {
		if who != 0 && who == other {
			return false
		}
	}
	s.about[s.met] = who
	s.met++
	return s.met == enoughMet
}

func (n *names) tell(selector string) (string, bool) {
	if len(n.told) >= maxNames {
		selector = unshown
	}
	if n.told[selector] || len(n.told) > maxNames {
		return "", false
	}
	n.told[selector] = true
	return selector, true
}

func (n *names) inherit(old *names) {
	old.mu.RLock()
	defer old.mu.RUnlock()
	n.told, n.objects = maps.Clone(old.told), maps.Clone(old.objects)
	for place, o := range n.objects {
		next := &object{many: o.many, seen: maps.Clone(o.seen)}
		for hash, s := range next.seen {
			own := *s
			next.seen[hash] = &own
		}
		n.objects[place] = next
	}
}

func (n *names) len() int {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return len(n.told)
}

// member is the selector of a member of the object at a place.
func member(place, name string) string {
	switch {
	case strings.ContainsAny(name, "-$"):
		return place + "['" + name + "']"
	case strings.HasSuffix(place, ".."):
		return place + name
	}
	return place + "." + name
}

// showable cuts the quotes off, and returns * for what may be data: it has a digit, or anything but the letters, dashes and
// underscores of a programmer's name, or is long.
func showable(quoted []byte) string {
	const longest = 40
	if len(quoted) < 3 || len(quoted) > longest+2 || quoted[len(quoted)-1] != '"' {
		return unshown
	}
	name := quoted[1 : len(quoted)-1]
	for _, c := range name {
		if !('a' <= c|0x20 && c|0x20 <= 'z') && !strings.ContainsRune("_-$", rune(c)) {
			return unshown
		}
	}
	return string(name)
}
