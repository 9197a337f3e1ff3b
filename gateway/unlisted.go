package gateway

import (
	"hash/maphash"
	"maps"
	"strings"
	"sync"
)

// unlisted are the members that a route's responses had and no rule lists, as the selectors by
// which they may be shown. The name of a member can be data, where an object is keyed by it. So a
// name is told only if it looks like a programmer's, if several responses, about different people,
// had it, and if its object has few names; * stands for all other names of an object. Many
// goroutines may use it at once.
type unlisted struct {
	mu      sync.RWMutex       // guards what follows
	told    map[string]bool    // selectors
	objects map[string]*object // by place
}

// object is what the objects in one place had over time.
type object struct {
	many bool                // too many different names: it is keyed by data
	seen map[uint64]*sighted // by the hash of a name; nil if there are many names
}

// sighted is in which responses a name was met.
type sighted struct {
	about [enoughMet]uint64 // whom the responses were about
	met   int
	done  bool // the name was told, or * stands for it
}

const (
	// enoughMet is in how many responses, about different people, a name is met before it is told:
	// a service's own name recurs, a name that is somebody's data seldom comes with somebody else.
	enoughMet = 3
	// enoughSeen is how many unlisted names one object may have before they may be data.
	enoughSeen = 16
	// maxNames is how many selectors are told of a route.
	maxNames = 20
)

// unshown stands for names that may be data, and for all that is beyond maxNames.
const unshown = "*"

// unlistedSeed is forgotten with the process: nobody can look up a hash.
var unlistedSeed = maphash.MakeSeed()

// add notes a name, in quotes as the response has it, of an object at a place. It returns the
// selector by which the name may be shown, and whether that is new. about tells whom the response
// is about: it returns the same number for the same people, and 0 if nobody knows.
func (u *unlisted) add(
	place string, quoted []byte, about func() uint64,
) (shown string, fresh bool) {
	hash := maphash.Bytes(unlistedSeed, quoted)
	u.mu.RLock()
	o := u.objects[place]
	done := o != nil && (o.many || o.seen[hash] != nil && o.seen[hash].done)
	u.mu.RUnlock()
	if done {
		return "", false
	}
	who := about()
	u.mu.Lock()
	defer u.mu.Unlock()
	if o = u.objects[place]; o == nil {
		if u.objects == nil {
			u.objects, u.told = map[string]*object{}, map[string]bool{}
		}
		o = &object{seen: map[uint64]*sighted{}}
		u.objects[place] = o
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
	return u.tell(member(place, shown))
}

// see returns what is known of a name; nil if the object has too many names.
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

func (u *unlisted) tell(selector string) (string, bool) {
	if len(u.told) >= maxNames {
		selector = unshown
	}
	if u.told[selector] || len(u.told) > maxNames {
		return "", false
	}
	u.told[selector] = true
	return selector, true
}

func (u *unlisted) inherit(old *unlisted) {
	old.mu.RLock()
	defer old.mu.RUnlock()
	u.told, u.objects = maps.Clone(old.told), maps.Clone(old.objects)
	for place, o := range u.objects {
		next := &object{many: o.many, seen: maps.Clone(o.seen)}
		for hash, s := range next.seen {
			own := *s
			next.seen[hash] = &own
		}
		u.objects[place] = next
	}
}

func (u *unlisted) len() int {
	u.mu.RLock()
	defer u.mu.RUnlock()
	return len(u.told)
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

// showable cuts the quotes off a name, and returns * if the name may be data: if it has a digit, or
// anything but the letters, dashes, dollars and underscores of a programmer's name, or is long.
func showable(quoted []byte) string {
	const longest = 40
	if len(quoted) < 3 || len(quoted) > longest+2 || quoted[len(quoted)-1] != '"' {
		return unshown
	}
	name := quoted[1 : len(quoted)-1]
	for _, c := range name {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && !strings.ContainsRune("_-$", rune(c)) {
			return unshown
		}
	}
	return string(name)
}
