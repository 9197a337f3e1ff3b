package rules

import (
	"iter"
	"slices"
)

// Reason is a stable word for why a request or record is refused, why a field gets its treatment,
// or why an entry of a policy does not decide. Its values are the constants below; access records
// have the same words.
type Reason string

// Why a request, or a record that is all of its response, is refused.
const (
	PurposeMissing    Reason = "purpose_missing"
	PurposeUnknown    Reason = "purpose_unknown"
	PurposeNotGranted Reason = "purpose_not_granted"
	NoRole            Reason = "no_role"
	TooManyRecords    Reason = "too_many_records"
	TooManySubjects   Reason = "too_many_subjects"
)

// Why a role takes no part. Where no role does, the request is refused for such a reason too. A cap
// takes no part for ConditionNotMet only.
const (
	RoleNotHeld       Reason = "role_not_held"
	PurposeNotServed  Reason = "purpose_not_served"
	AssuranceTooLow   Reason = "assurance_too_low"
	NetworkNotAllowed Reason = "network_not_allowed"
	OutsideHours      Reason = "outside_hours"
	ConditionNotMet   Reason = "condition_not_met"
	ConditionUnknown  Reason = "condition_unknown"
	SubjectUnnamed    Reason = "subject_unnamed"
)

// Why a field gets its treatment.
const (
	Permitted        Reason = "permitted"
	Granted          Reason = "granted"
	Capped           Reason = "capped"
	PublicField      Reason = "public_field"
	NeverShown       Reason = "never_shown"
	NotPermitted     Reason = "not_permitted"
	ConsentMissing   Reason = "consent_missing"
	ConsentTooNarrow Reason = "consent_too_narrow"
	KeyMissing       Reason = "key_missing"
	Structure        Reason = "structure"
)

// Why an entry that takes part did not decide about a field.
const (
	SaysNothing Reason = "says_nothing"
	NoGrant     Reason = "no_grant"
	LessOpen    Reason = "less_open"
	Overruled   Reason = "overruled"
	LessStrict  Reason = "less_strict"
)

var reasons = []struct {
	reason  Reason
	meaning string
}{
	{PurposeMissing, "the request names no purpose"},
	{PurposeUnknown, "no policy declares the purpose"},
	{PurposeNotGranted, "the token does not carry the purpose"},
	{NoRole, "no role of the caller serves the purpose"},
	{TooManyRecords, "the response has more records than the roles may show at once"},
	{TooManySubjects, "the caller has seen as many subjects as the roles may show in the time"},

	{RoleNotHeld, "the caller does not have the role"},
	{PurposeNotServed, "the role does not serve the purpose"},
	{AssuranceTooLow, "the role requires authentication methods or a context class that the " +
		"token does not state"},
	{NetworkNotAllowed, "the role requires a network that the caller's address is not in"},
	{OutsideHours, "the role may not be used at this time"},
	{ConditionNotMet, "the condition (when) is false"},
	{ConditionUnknown, "the condition (when) cannot be told: what it reads is missing, of " +
		"another type or too costly"},
	{SubjectUnnamed, "the role limits subjects, and the records name none, so nobody could count " +
		"them"},

	{Permitted, "the role's entry is the most open of those that take part"},
	{Granted, "an approved grant shows it"},
	{Capped, "a cap leaves no more"},
	{PublicField, "its type is public"},
	{NeverShown, "its type is never shown, whatever roles permit"},
	{NotPermitted, "no role that takes part permits anything of it"},
	{ConsentMissing, "the purpose rests on consent, and the subject has given none that holds"},
	{ConsentTooNarrow, "the subject's consent does not cover the field"},
	{KeyMissing, "its treatment needs a key, and there is none"},
	{Structure, "it is a string that holds JSON, whose fields are decided each for itself"},

	{SaysNothing, "the entry is about other fields"},
	{NoGrant, "a grant could show it, but none holds"},
	{LessOpen, "another role's entry is more open, or as open and first"},
	{Overruled, "a cap, the type or a missing consent leaves less"},
	{LessStrict, "the field is treated as strictly without this cap"},
}

// Reasons are all reasons, with what they mean.
func Reasons() iter.Seq2[Reason, string] {
	return func(yield func(Reason, string) bool) {
		for _, r := range reasons {
			if !yield(r.reason, r.meaning) {
				return
			}
		}
	}
}

// Meaning says what the reason means, in a few words.
func (r Reason) Meaning() string {
	for reason, meaning := range Reasons() {
		if reason == r {
			return meaning
		}
	}
	return ""
}

// mendable are the reasons why a role does not serve. Callers can do least about the first, and can
// mend the last most easily: they sign in with another factor.
var mendable = []Reason{NoRole, ConditionNotMet, ConditionUnknown, OutsideHours, NetworkNotAllowed,
	AssuranceTooLow}

// rather returns whichever of two reasons a caller can mend more easily: a refusal gives that one.
func rather(a, b Reason) Reason {
	if slices.Index(mendable, b) > slices.Index(mendable, a) {
		return b
	}
	return a
}
