package gateway

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/maskgate/maskgate/auth"
	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/rules"
)

// problem is a type of refusal, as the caller is told of it (RFC 9457). It says nothing of the
// upstream's answer, nor of the token.
type problem struct {
	slug   string // last part of the type
	status int
	title  string
	detail string
}

// problemBase begins the type of each problem, a URL at which the problem is explained. Types are
// stable: clients may rely on them.
const problemBase = "https://github.com/maskgate/maskgate/blob/main/docs/problems.md#"

// The types of problem; docs/problems.md explains each. HTTP statuses are chosen here and nowhere
// else.
var (
	badRequest = problem{"bad-request", 400, "The request is ambiguous or not allowed",
		"Paths that can be read in one way only, each listed query parameter once, and a body " +
			"with POST, PUT and PATCH only are accepted."}
	tokenEnded = problem{"token", 401, "The token expired",
		"The stream was ended when the token did; ask again with a new one."}
	badToken = problem{"token", 401, "A valid token is needed",
		"Send a token of the configured issuer in the header Authorization: Bearer."}
	notPermitted = problem{"not-permitted", 403, "Not permitted",
		"No rule permits this caller this access for this purpose."}
	noRoute = problem{"no-route", 404, "No such route",
		"No service file declares a route for this method and path."}
	bodyBroken = problem{"request-body", 400, "The request's body did not arrive whole",
		"It ended early, came too slowly or is not framed as HTTP asks."}
	callerGone = problem{"caller-gone", 499, "The caller went away",
		"The connection ended before the answer was there."}
	tooLarge = problem{"too-large", 413, "The request's body is too large",
		"Send fewer bytes, or ask the gateway's operators to raise max_request."}
	internalError = problem{"internal", 500, "Maskgate failed",
		"Give the correlation identifier to the operators of the gateway."}
	upstreamFailed = problem{"upstream", 502, "The data service did not answer",
		"Try again later; give the correlation identifier to the operators of the service " +
			"if it persists."}
	upstreamRefused = problem{"upstream-refused", 502, "The answer of the data service was refused",
		"It could not be checked and rewritten, so nothing of it is passed on."}
	unavailable = problem{"unavailable", 503, "Maskgate cannot decide or record at present",
		"No data leaves unrecorded. Try again later."}
)

// reason is why a request is refused: a stable word for metrics and the access log.
type reason string

const (
	reasonPath       reason = "ambiguous_path"
	reasonQuery      reason = "query_not_allowed"
	reasonBody       reason = "body_not_allowed"
	reasonUpgrade    reason = "upgrade"
	reasonCallerGone reason = "caller_gone"
	reasonBodyBroken reason = "request_cut_short"

	reasonRequestTooLarge reason = "request_too_large"
	reasonTokenEnded      reason = "token_ended"
	reasonNoRoute         reason = "no_route"
	reasonUpstreamDown    reason = "upstream_down"
	reasonUpstreamSlow    reason = "upstream_timeout"
	reasonUpstreamError   reason = "upstream_status"
	reasonMediaType       reason = "media_type"
	reasonEncoding        reason = "content_encoding"
	reasonTooLarge        reason = "response_too_large"
	reasonCutShort        reason = "response_cut_short"
	reasonBadJSON         reason = "invalid_json"
	reasonNoSubject       reason = "no_subject"
	reasonSelection       reason = "selection"
	reasonNothing         reason = "nothing_permitted"
	reasonLog             reason = "log_unwritable"
	reasonNotReady        reason = "not_ready"
	reasonStandings       reason = "standings_unavailable"
	reasonQuotas          reason = "quotas_unavailable"
	reasonPanic           reason = "panic"
	reasonInternal        reason = "internal"
)

// refusal is the error of a request that is refused: what the caller is told, and the reason that
// metrics and the access log show.
type refusal struct {
	problem
	reason    reason
	challenge string // WWW-Authenticate
	cause     error  // for the operator's log; holds no data
}

func (r *refusal) Error() string { return string(r.reason) }

// ReasonOf returns why an error of this package refuses a request: the stable word that metrics and
// the access log show; "" for nil.
func ReasonOf(err error) string {
	if err == nil {
		return ""
	}
	return string(refusalOf(err).reason)
}

func (p problem) because(r reason) *refusal { return &refusal{problem: p, reason: r} }

func (p problem) causedBy(r reason, cause error) *refusal {
	return &refusal{problem: p, reason: r, cause: cause}
}

// refusalOf returns the refusal that an error of this package, of auth, rules or masking comes to.
// Any other error is internal.
func refusalOf(err error) *refusal {
	var (
		refused *refusal
		token   *auth.Error
		denial  *rules.Denial
		syntax  *masking.SyntaxError
		subject *masking.SubjectError

		selection *masking.SelectionError
	)
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.As(err, &token):
		p := badToken
		switch {
		case token.Reason == auth.ReasonKeysUnavailable:
			p = unavailable
		case token.Code == auth.CodeInvalidRequest:
			p.status = http.StatusBadRequest
		}
		r := p.causedBy("token_"+reason(token.Reason), token)
		if p.status != unavailable.status {
			r.challenge = token.Challenge("maskgate")
		}
		return r
	case errors.As(err, &denial):
		return notPermitted.because(reason(denial.Reason))
	case errors.As(err, &syntax):
		return upstreamRefused.causedBy(reasonBadJSON, syntax)
	case errors.As(err, &selection):
		return upstreamRefused.causedBy(reasonSelection, selection)
	case errors.As(err, &subject):
		return upstreamRefused.causedBy(reasonNoSubject, subject)
	case errors.Is(err, masking.ErrNothing):
		return notPermitted.because(reasonNothing)
	}
	return internalError.causedBy(reasonInternal, kindOf(err))
}

// document is the body of a refusal.
func (r *refusal) document(correlationID string) []byte {
	body, err := json.Marshal(struct {
		Type          string `json:"type"`
		Title         string `json:"title"`
		Status        int    `json:"status"`
		Detail        string `json:"detail"`
		Reason        string `json:"reason"`
		CorrelationID string `json:"correlation_id"`
	}{problemBase + r.slug, r.title, r.status, r.detail, string(r.reason), correlationID})
	if err != nil { // impossible: strings and a number
		panic(err)
	}
	return body
}
