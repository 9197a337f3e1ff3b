package caddymodule

import (
	"maps"
	"strings"
	"sync"
)

// names are the names of unlisted members that a route's responses had, as they may be shown. A name can be data, where an
// object is keyed by it, so few are told, and only such as programmers give, once several responses had them.
type names struct {
	mu    sync.RWMutex    // guards what follows
	known map[string]bool // told
	met   map[string]int  // not told yet: how many responses had them
}

const (
	enoughMet = 3   // responses that have a name of the service's; one that is somebody's seldom comes again
	maxMet    = 256 // names of a route that are counted at a time
)

// maxNames bounds the names that are told of a route. A service has few that no rule lists; where there are more, an object is
// keyed by data.
const maxNames = 20

// unshown stands for names that may be data, and for those beyond maxNames.
const unshown = "*"

// add notes a name as the response has it, in quotes, and returns how it may be shown and whether that is new.
func (n *names) add(quoted []byte) (shown string, fresh bool) {
	key := showable(quoted)
	n.mu.RLock()
	known, full := n.known[string(key)], len(n.known) >= maxNames
	n.mu.RUnlock()
	if known {
		return "", false
	}
	shown = string(key)
	if full {
		shown = unshown
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if shown != unshown && !n.recurs(shown) {
		return "", false
	}
	if n.known[shown] || len(n.known) > maxNames {
		return "", false
	}
	if n.known == nil {
		n.known = map[string]bool{}
	}
	n.known[shown] = true
	return shown, true
}

// recurs counts a name, and reports whether enough responses had it.
func (n *names) recurs(name string) bool {
	if n.met == nil {
		n.met = map[string]int{}
	}
	if _, counted := n.met[name]; !counted && len(n.met) >= maxMet {
		clear(n.met) // what is the service's comes again soon
	}
	n.met[name]++
	if n.met[name] < enoughMet {
		return false
	}
	delete(n.met, name)
	return true
}

func (n *names) inherit(old *names) {
	old.mu.RLock()
	defer old.mu.RUnlock()
	n.known, n.met = maps.Clone(old.known), maps.Clone(old.met)
}

func (n *names) len() int {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return len(n.known)
}

// showable cuts the quotes off, and returns * for what may be data: it has a digit, or anything but the letters, dashes and
// underscores of a programmer's name, or is long.
func showable(quoted []byte) []byte {
	const longest = 40
	if len(quoted) < 3 || len(quoted) > longest+2 || quoted[len(quoted)-1] != '"' {
		return []byte(unshown)
	}
	name := quoted[1 : len(quoted)-1]
	for _, c := range name {
		if !('a' <= c|0x20 && c|0x20 <= 'z') && !strings.ContainsRune("_-$", rune(c)) {
			return []byte(unshown)
		}
	}
	return name
}
