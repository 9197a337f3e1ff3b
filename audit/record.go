package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"
)

// An Event is what a record tells of.
type Event string

// The events. Records of later versions may have others.
const (
	EventAccess Event = "access" // somebody asked for data; the record has an [Access]
	EventStart  Event = "start"  // a gateway opened the log; the record has a [Start]
	EventStop   Event = "stop"   // the gateway closed it
	EventRules  Event = "rules"  // rules came into force; the record has a [RulesChange]
)

// A Decision is what became of an access.
type Decision string

// The decisions.
const (
	Released Decision = "released" // data left
	Refused  Decision = "refused"  // none did
)

// A Record is one entry of the access log. It never holds personal data of a
// subject: only pseudonyms, names of fields, and counts.
//
// What only records of one event have stands in a part of its own: Access,
// RulesChange, Start. The parts of other events are nil, so look at Event, or
// at the part, before at its members: r.Caller panics if r.Access is nil.
// In JSON the members of all parts are members of one object.
//
// Empty members are left out of the encoding. Bytes that are not UTF-8 become
// U+FFFD; control characters and those that change the direction of text are
// escaped, so a record is always one line and prints as it reads.
type Record struct {
	// Time is when the event happened. Zero: [Log.Append] sets it.
	// It is written in UTC, as RFC 3339 with up to nanoseconds.
	Time time.Time `json:"time"`

	// Event is what happened.
	Event Event `json:"event"`

	Gateway string `json:"gateway,omitempty"` // which gateway
	Version string `json:"version,omitempty"` // its software version

	*Access

	// RulesDigest names the rule set that decided on an access, or that comes
	// into force with a rules event.
	RulesDigest string `json:"rules_digest,omitempty"`

	*RulesChange

	// Note is free text of start, stop and rules events; never of accesses.
	Note string `json:"note,omitempty"`

	*Start
}

// An Access is what the record of an access has: who asked for what, why, and
// what they got.
type Access struct {
	// ID is the correlation identifier that the caller was given too.
	ID string `json:"id,omitempty"`

	Caller  *Caller `json:"caller,omitempty"`  // who asked; nil if nobody did, or nobody known
	Purpose string  `json:"purpose,omitempty"` // why
	Basis   string  `json:"basis,omitempty"`   // legal basis of the purpose (PIPL Art. 13)

	// BasisDocument is where the basis is documented, as the policy says.
	BasisDocument string `json:"basis_document,omitempty"`

	Method  string `json:"method,omitempty"`
	Route   string `json:"route,omitempty"` // the route's pattern, not the path asked for
	Service string `json:"service,omitempty"`

	// ServiceOwner is the team that answers for the service's rules.
	ServiceOwner string `json:"service_owner,omitempty"`
	Upstream     string `json:"upstream,omitempty"`

	Decision Decision `json:"decision,omitempty"`
	Reason   string   `json:"reason,omitempty"` // stable code of why it was refused
	Status   int      `json:"status,omitempty"` // HTTP status the caller gets

	// RulesReviewers are who reviewed the files of the rule set that decided.
	RulesReviewers []string `json:"rules_reviewers,omitempty"`

	Records  int   `json:"records,omitempty"`  // records released
	Denied   int   `json:"denied,omitempty"`   // records denied and removed
	Unlisted int   `json:"unlisted,omitempty"` // values dropped for being unlisted
	Bytes    int64 `json:"bytes,omitempty"`    // body bytes that leave

	// Part counts, from 1, the windows of a response that leaves in windows,
	// each of which is on record. Other responses have 0.
	Part int `json:"part,omitempty"`

	// Profiles says who got what: subjects treated alike are grouped.
	Profiles []Profile `json:"profiles,omitempty"`

	// Latency is how long the decision took. It is encoded as the member
	// latency_us, whole microseconds.
	Latency time.Duration `json:"-"`

	TLS      string `json:"tls,omitempty"`      // TLS version of the caller's connection
	Protocol string `json:"protocol,omitempty"` // HTTP version of the caller's connection
}

// A RulesChange is what the record of a rules event has.
type RulesChange struct {
	// RulesBefore names the rule set that is replaced; empty if the gateway
	// had none since it started.
	RulesBefore string `json:"rules_before,omitempty"`

	// RuleFiles are the files of the set that comes into force.
	RuleFiles []RuleFile `json:"rule_files,omitempty"`
}

// A Start is what the record of a start has.
type Start struct {
	// RecoveredBytes is what [Open] set aside; see [Log.Recovered].
	RecoveredBytes int64 `json:"recovered_bytes,omitempty"`
}

// A Caller is who asked, as far as authentication told.
type Caller struct {
	ID           string   `json:"id,omitempty"`
	Roles        []string `json:"roles,omitempty"`
	Organisation string   `json:"organisation,omitempty"`
	TokenID      string   `json:"token_id,omitempty"`
	Issuer       string   `json:"issuer,omitempty"`
	AMR          []string `json:"amr,omitempty"` // authentication methods (RFC 8176)
	ACR          string   `json:"acr,omitempty"` // authentication context class
	Region       string   `json:"region,omitempty"`
	Address      string   `json:"address,omitempty"` // network address
}

// A Profile is one treatment for every field, and the subjects it was given to.
type Profile struct {
	// Kind is the selector of the records, or "envelope" for what lies outside
	// any record.
	Kind string `json:"kind"`

	Subjects []string `json:"subjects,omitempty"` // pseudonyms, see [Subject]
	Records  int      `json:"records,omitempty"`  // records treated so
	Fields   []Field  `json:"fields,omitempty"`
}

// A Field is what happened to one field of the records of a profile.
type Field struct {
	Path      string `json:"path"`               // selector (RFC 9535)
	Type      string `json:"type,omitempty"`     // what the field is, e.g. "cn_mobile"
	Treatment string `json:"treatment"`          // what was done to it, e.g. "mask"
	Reason    string `json:"reason,omitempty"`   // stable code of why, e.g. "permitted"
	Rule      string `json:"rule,omitempty"`     // file and line of what decided, if an entry did
	Count     int    `json:"count,omitempty"`    // values released, treated
	Withheld  int    `json:"withheld,omitempty"` // values dropped
}

// A RuleFile is a file of a rule set, and who answers for it.
type RuleFile struct {
	Name          string `json:"name"`   // base name, as Field.Rule cites it
	Kind          string `json:"kind"`   // "service" or "policy"
	SHA256        string `json:"sha256"` // of its content, hexadecimal
	Owner         string `json:"owner,omitempty"`
	Reviewer      string `json:"reviewer,omitempty"`
	Justification string `json:"justification,omitempty"`
}

// plain is a Record without methods.
type plain Record

// wire is what a Record looks like in JSON.
type wire struct {
	plain
	LatencyUS int64 `json:"latency_us,omitempty"`
}

func (r Record) wire() wire {
	r.Time = r.Time.UTC()
	w := wire{plain: plain(r)}
	if r.Access != nil {
		w.LatencyUS = r.Latency.Microseconds()
	}
	return w
}

// MarshalJSON encodes the record as a line of the log, without its number.
func (r Record) MarshalJSON() ([]byte, error) {
	return json.Marshal(r.wire())
}

// UnmarshalJSON decodes a line of the log. Members that a record does not have,
// the number among them, are ignored. The part of the record's event is made
// even if the line has none of its members.
func (r *Record) UnmarshalJSON(data []byte) error {
	var w wire
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	*r = Record(w.plain)
	switch {
	case r.Event == EventAccess && r.Access == nil:
		r.Access = new(Access)
	case r.Event == EventRules && r.RulesChange == nil:
		r.RulesChange = new(RulesChange)
	case r.Event == EventStart && r.Start == nil:
		r.Start = new(Start)
	}
	if r.Access != nil {
		r.Latency = time.Duration(w.LatencyUS) * time.Microsecond
	}
	return nil
}

// encode returns the record's line from `"time":` on, without the newline:
// the committer puts `{"seq":N,` before it.
func (r Record) encode() ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r.wire()); err != nil {
		return nil, fmt.Errorf("encoding access record: %w", err)
	}
	line := escape(bytes.TrimSuffix(buf.Bytes(), []byte("\n"))[1:])
	// No prefix that the committer adds is longer than record 2⁶³-1's.
	if len(line)+len(seqPrefix(1<<63-1)) > maxLine {
		return nil, fmt.Errorf("encoding access record: %w", ErrTooLarge)
	}
	return line, nil
}

// escape writes as \uXXXX the characters that package json leaves alone but a
// terminal or an editor obeys: DEL, the C1 controls, and the controls of
// direction. The line is JSON in UTF-8, so they can only stand in strings.
func escape(line []byte) []byte {
	if bytes.IndexFunc(line, obeyed) < 0 {
		return line
	}
	out := make([]byte, 0, len(line)+len(line)/8)
	for len(line) > 0 {
		r, n := utf8.DecodeRune(line)
		if obeyed(r) {
			out = fmt.Appendf(out, `\u%04x`, r)
		} else {
			out = append(out, line[:n]...)
		}
		line = line[n:]
	}
	return out
}

func obeyed(r rune) bool {
	return r >= 0x7f && r <= 0x9f ||
		r == 0x061c || r == 0x200e || r == 0x200f ||
		r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}
