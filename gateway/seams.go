package gateway

import (
	"context"
	"net/http"
	"time"

	"github.com/maskgate/maskgate/audit"
	"github.com/maskgate/maskgate/auth"
	"github.com/maskgate/maskgate/quota"
	"github.com/maskgate/maskgate/rules"
)

// An Authenticator finds out who asks, from the request's token, its client certificate, or both.
type Authenticator interface {
	// Authenticate returns the caller of a request, with ID and Expires set; the receiver may alter
	// what it gets. An error is an [*auth.Error], and the request is refused. Authenticate alters
	// nothing of the request, does not read its body, and ends when ctx does. Many goroutines may
	// call it at once.
	Authenticate(ctx context.Context, r *http.Request) (auth.Caller, error)
}

// Standings says what is on record about subjects: their consents, and the exceptions that were
// approved.
type Standings interface {
	// Standings returns what is on record about each of the subjects, in their order, as of the
	// request's time. The subjects of a window of records come in one call, each once. An error is
	// a refusal: without an answer nothing is decided. The error is logged, so it holds nothing of
	// a subject. The call ends when ctx does. Many goroutines may call Standings at once.
	Standings(ctx context.Context, q rules.Request, subjects []Subject) ([]rules.Standing, error)
}

// A Subject is the person whom a record is about.
type Subject struct {
	ID         string   // as the data service has it
	Pseudonyms []string // as the access log has it, for each version of the key, newest first
}

// Quotas count the subjects whom callers see.
type Quotas interface {
	// Take counts the subjects as seen by the caller at a time, now: all of them or none. ok is
	// false, and nothing is counted, if one of the subjects is within none of its limits. With an
	// error nothing may be shown either, and it is not known whether something was counted; the
	// error is logged, so it holds nothing of a subject. The call ends when ctx does. Many
	// goroutines may call Take at once, and the limits hold exactly all the same.
	Take(
		ctx context.Context, caller string, subjects []quota.Subject, now time.Time,
	) (ok bool, err error)
}

// A Log keeps access records. Many goroutines may use it at once.
type Log interface {
	// Append returns once the record is durable, or else an error: then nothing that the record is
	// about may leave. seq is the record's number in the log.
	Append(ctx context.Context, r audit.Record) (seq int64, err error)

	// Err says why nothing can be appended any more; nil as long as it can.
	Err() error
}

// An Observer is told what happens, for metrics. No text that it gets comes from a request or an
// answer: all come from rule files, configuration or code. Many goroutines call it at once.
type Observer interface {
	// Took says how long a stage of a request took.
	Took(stage Stage, d time.Duration)

	// Released says that a response leaves, or a window of one: what its record has, and the role
	// that served it. The observer neither alters nor keeps the record.
	Released(r *audit.Record, role string)

	// Refused says that a request was refused.
	Refused(route, role, reason string)

	// Reloaded says what came of a change of rule files: of which set ("rules" or "shadow"), with
	// which result (taken, restored, broken or unrecorded), and which routes are gone with it.
	Reloaded(set, result string, gone []string)
}

// A Stage is a part of a request that is timed.
type Stage string

// The stages of a request.
const (
	StageAuth     Stage = "auth"     // token, route, admission
	StageUpstream Stage = "upstream" // until the answer is there whole, or its buffer full
	StageRewrite  Stage = "rewrite"  // deciding and rewriting a whole document
	StageDecide   Stage = "decide"   // the part of rewrite that decides
	StageAppend   Stage = "append"   // until the access record is durable
)

// nobody is an Observer that does not look.
type nobody struct{}

func (nobody) Took(Stage, time.Duration)        {}
func (nobody) Released(*audit.Record, string)   {}
func (nobody) Refused(_, _, _ string)           {}
func (nobody) Reloaded(_, _ string, _ []string) {}
