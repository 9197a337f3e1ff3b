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
	// Authenticate returns the caller of a request, whose ID and Expires are set, and who is the
	// receiver's to alter. Its error is an [*auth.Error], and then the request is refused. It alters
	// nothing of the request, does not read its body, and ends when ctx does. Many goroutines may
	// call it at once.
	Authenticate(ctx context.Context, r *http.Request) (auth.Caller, error)
}

// Standings says what is on record about subjects: their consents, and the exceptions that were
// approved.
type Standings interface {
	// Standings returns what is on record about each of the subjects, in their order, as of the
	// request's time. The subjects of a window of records come in one call, each once. An error is
	// a refusal: without an answer nothing is decided. It is logged, so it holds nothing of a
	// subject. The call ends when ctx does. Many goroutines may call it at once.
	Standings(ctx context.Context, q rules.Request, subjects []Subject) ([]rules.Standing, error)
}

// A Subject is the person whom a record is about.
type Subject struct {
	ID         string   // as the data service has it
	Pseudonyms []string // as the access log has it, for each version of the key, newest first
}

// Quotas count the subjects whom callers see.
type Quotas interface {
	// Take counts the subjects as seen by the caller, all of them or none. ok is false, and nothing
	// is counted, if one of them is within none of their limits. With an error, too, nothing may be
	// shown; whether something was counted is not known then. It is logged, so it holds nothing of a
	// subject. Time is what now says. The call ends when ctx does. Many goroutines may call it at
	// once, and the limits hold exactly all the same.
	Take(ctx context.Context, caller string, subjects []quota.Subject, now time.Time) (ok bool, err error)
}

// A Log keeps access records.
type Log interface {
	// Append returns once the record is durable, or else an error: then nothing that the record is
	// about may leave.
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
	// that served it. The record must not be altered or kept.
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
	StageUpstream Stage = "upstream" // until the answer is there whole
	StageRewrite  Stage = "rewrite"  // checking, deciding and rewriting
	StageDecide   Stage = "decide"   // the part of rewrite that decides
	StageAppend   Stage = "append"   // until the access record is durable
)

// nobody is an Observer that does not look.
type nobody struct{}

func (nobody) Took(Stage, time.Duration)        {}
func (nobody) Released(*audit.Record, string)   {}
func (nobody) Refused(_, _, _ string)           {}
func (nobody) Reloaded(_, _ string, _ []string) {}
