package keys

import "strings"

// The uses of keys; see Derivation in the package comment. To change one is to
// lose what was made with its keys.
const (
	subjectUse      = "audit subject"
	checkpointUse   = "audit checkpoint"
	pseudonymPrefix = "pseudonym " // before the purpose
)

// Pseudonym returns the newest key for the pseudonyms, tokens and ciphertexts
// of a purpose. Each purpose has its own, so that its values cannot be joined
// with another's. The key is derived anew each time; keep it if it is needed
// often.
func (s *Set) Pseudonym(purpose string) Key { return s.current(pseudonymPrefix + purpose) }

// Pseudonyms returns every version of the key that [Set.Pseudonym] returns,
// newest first.
func (s *Set) Pseudonyms(purpose string) []Key { return s.all(pseudonymPrefix + purpose) }

// Subject returns the newest key for the pseudonyms under which subjects stand
// in the access log.
func (s *Set) Subject() Key { return s.current(subjectUse) }

// Subjects returns every version of the key that [Set.Subject] returns, newest
// first.
func (s *Set) Subjects() []Key { return s.all(subjectUse) }

const originPrefix = "maskgate/"

// Origin returns the name of the access log of a gateway, in which its
// checkpoints are signed.
func Origin(gateway string) string { return originPrefix + gateway }

// Gateway returns the name of the gateway whose access log has the given
// origin; ok is false if that is not the log of a gateway.
func Gateway(origin string) (name string, ok bool) {
	name, ok = strings.CutPrefix(origin, originPrefix)
	return name, ok && name != ""
}
