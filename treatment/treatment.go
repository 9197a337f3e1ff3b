// Package treatment makes of a value what a rule says may leave of it: part of it, a stand-in, a
// constant, or nothing.
//
// # Terms
//
// An [Expression] names a treatment and its arguments, as rule files write them. In an
// [Environment], which has the field's type and the purpose's key, it becomes a
// [masking.Treatment]: a rank and, unless the value passes or is dropped, a [masking.Transform],
// which the engine calls for each value of a field. What a [Reverser] makes can be turned back by
// who holds the key. [FormOf] says whether a text looks like the values of a type.
//
//	e, err := treatment.ParseExpression("mask(keep_first=3, keep_last=4)")
//	t, err := e.Treatment(treatment.Environment{Type: "cn_mobile"})
//	v := masking.Value{Kind: masking.String, Text: []byte("13812345678")}
//	out, ok := t.Transform.Append(nil, v) // "138****5678", with the quotes
//
// Start reading at the table of treatments in treatment.go, where a new one is added. Each
// transform stands in a file of its own, or with the few that are like it, and its comment
// specifies it; docs/transforms.md lists all of them. expression.go has the syntax of expressions,
// meet.go compares what two of them show, and arguments.go reads their arguments.
package treatment

import (
	"maps"
	"slices"

	"github.com/maskgate/maskgate/masking"
)

// Environment is what a treatment may need beyond its arguments.
type Environment struct {
	// Type is the type of the field. Pseudonyms of the same value differ between types.
	Type string
	// PseudonymKey returns the key for pseudonyms under the purpose at hand, and its version. The
	// key has at least [MinKey] bytes. Tokens and ciphertexts get keys of their own, which are
	// derived from it; see subkey.go.
	PseudonymKey func() (key []byte, version int)
}

// treatments is the table of treatments that rule files can name. docs/transforms.md has a row for
// each.
var treatments = map[string]struct {
	rank  masking.Rank
	build func(*arguments, Environment) masking.Transform // nil if there is no transform
}{
	"clear": {rank: masking.RankClear},

	"mask":   {masking.RankMask, buildMask},
	"regex":  {masking.RankMask, buildRegex},
	"bucket": {masking.RankMask, buildBucket},
	"round":  {masking.RankMask, buildRound},
	"date":   {masking.RankMask, buildDate},
	"shift":  {masking.RankMask, buildShift},

	"person_name":   {masking.RankMask, buildPersonName},
	"cn_id_card":    {masking.RankMask, buildIdentifier("cn_id_card")},
	"cn_mobile":     {masking.RankMask, buildIdentifier("cn_mobile")},
	"landline":      {masking.RankMask, buildLandline},
	"email":         {masking.RankMask, buildEmail},
	"address":       {masking.RankMask, buildAddress},
	"bank_card":     {masking.RankMask, buildIdentifier("bank_card")},
	"licence_plate": {masking.RankMask, buildIdentifier("licence_plate")},
	"passport":      {masking.RankMask, buildIdentifier("passport")},
	"hkmo_permit":   {masking.RankMask, buildIdentifier("hkmo_permit")},
	"tw_permit":     {masking.RankMask, buildIdentifier("tw_permit")},
	"officer_card":  {masking.RankMask, buildOfficerCard},
	"uscc":          {masking.RankMask, buildIdentifier("uscc")},
	"ip_address":    {masking.RankMask, buildIPAddress},
	"birth_date":    {masking.RankMask, buildBirthDate},
	"geo_point":     {masking.RankMask, buildGeoPoint},

	"hash":    {masking.RankPseudo, buildHash},
	"token":   {masking.RankPseudo, buildToken},
	"encrypt": {masking.RankPseudo, buildEncrypt},

	"constant": {masking.RankRedact, buildConstant},
	"null":     {masking.RankRedact, buildNull},
	"type":     {masking.RankRedact, buildTypeTag},
	"redact":   {masking.RankRedact, buildRedact},

	"drop": {rank: masking.RankDrop},
}

// Names returns the names of all treatments, sorted.
func Names() []string { return slices.Sorted(maps.Keys(treatments)) }

// Reverser is a [masking.Transform] whose results can be turned back by whoever holds the key. A
// treatment reverses what the same treatment with the same arguments, type and key made.
type Reverser interface {
	masking.Transform
	// Reverse appends the JSON text of the value from which v was made. It reports false, and
	// appends nothing, if v was not made by this transform with this key. But a token has no seal:
	// any text in the shape of a token turns into something.
	Reverse(dst []byte, v masking.Value) ([]byte, bool)
}
