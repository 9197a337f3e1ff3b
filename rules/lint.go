package rules

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode"

	"cel.dev/cel-go/cel"
	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/treatment"
)

// Severity says how much a [Finding] weighs.
type Severity string

const (
	Error   Severity = "error"   // plainly wrong: the rules do not load, or make no sense
	Warning Severity = "warning" // for somebody to look at, and to mend or accept
)

// Finding is what [Check] has to say about one place of the rules.
type Finding struct {
	Code     string   `json:"code"` // docs/lint.md lists the codes
	Severity Severity `json:"severity"`
	File     string   `json:"file"`
	Line     int      `json:"line"`   // from 1
	Column   int      `json:"column"` // from 1
	// About is what the finding is about. File, Code and About together identify the finding.
	About    string `json:"about,omitempty"`
	Message  string `json:"message"` // what is wrong; what to do
	Accepted string `json:"accepted,omitempty"`
}

// String is file:line:column: severity: about: message [code].
func (f Finding) String() string {
	about := ""
	if f.About != "" {
		about = f.About + ": "
	}
	return fmt.Sprintf("%s:%d:%d: %s: %s%s [%s]", f.File, f.Line, f.Column, f.Severity, about,
		f.Message, f.Code)
}

// Invalid is the code of faults that keep rules from loading. Rules with any other finding load.
const Invalid = "invalid"

// Codes of findings. They are stable: files name them where they accept a warning.
const (
	routeShadowed      = "route_shadowed"
	hostDecides        = "host_decides"
	fieldTypedTwice    = "field_typed_twice"
	typeUntreated      = "type_untreated"
	roleUnreachable    = "role_unreachable"
	purposeUnserved    = "purpose_unserved"
	grantVoid          = "grant_void"
	nameUndeclared     = "name_undeclared"
	masksLittle        = "mask_shows_most"
	subjectUnnamed     = "subject_unnamed"
	reasonPlaceholder  = "reason_placeholder"
	sensitiveNoMFA     = "sensitive_without_mfa"
	credentialsNoCap   = "c3_uncapped"
	reidentifyIDCard   = "reidentify_id_card"
	reidentifyMasks    = "reidentify_masks"
	reidentifyPseudo   = "reidentify_pseudonym"
	reidentifyIndirect = "reidentify_indirect"
	acceptanceUnused   = "acceptance_unused"
)

var codes = []struct {
	code, meaning string
	acceptable    bool // whether files may accept it
}{
	{Invalid, "the rules do not load", false},
	{routeShadowed, "one request matches two routes, and one of them goes before the other", true},
	{hostDecides, "only the header Host, which the caller writes, tells requests of two services " +
		"apart", true},
	{fieldTypedTwice, "two selectors select one value, and say different things of it", true},
	{typeUntreated, "no policy says anything of a type that fields have", true},
	{roleUnreachable, "a role cannot be met on any route", false},
	{purposeUnserved, "no role serves a purpose", true},
	{grantVoid, "a grant could not show what it is for", true},
	{nameUndeclared, "a condition or a subject reads a name that nothing declares", true},
	{masksLittle, "a mask leaves so much of a number that few fit", true},
	{subjectUnnamed, "a role that limits subjects permits fields of records that name none", true},
	{reasonPlaceholder, "a reason says nothing", false},
	{sensitiveNoMFA, "a role shows sensitive personal information in clear after one factor", true},
	{credentialsNoCap, "no cap keeps back class C3", true},
	{reidentifyIDCard, "what a role is shown fills in a masked ID card number", true},
	{reidentifyMasks, "two masks together show what each hides", true},
	{reidentifyPseudo, "a pseudonym stands beside what it stands for", true},
	{reidentifyIndirect, "birth date, gender and district single a person out", true},
	{acceptanceUnused, "an accepted warning is not there any more", false},
}

// Codes are all codes of findings, with what they mean.
func Codes() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, c := range codes {
			if !yield(c.code, c.meaning) {
				return
			}
		}
	}
}

// acceptable returns the codes of warnings that a file may accept.
func acceptable() []string {
	var list []string
	for _, c := range codes {
		if c.acceptable {
			list = append(list, c.code)
		}
	}
	return list
}

// acceptance is an entry of a file's accept.
type acceptance struct {
	at                   place
	code, about, because string
}

func (o object) acceptance() acceptance {
	return acceptance{o.place(o.node), o.text("finding"), o.text("about"), o.text("reason")}
}

// capsPlace is the place of a policy's caps; of the policy, if it has no caps.
func (o object) capsPlace() place {
	if n := o.values["caps"]; n != nil {
		return o.place(n)
	}
	return o.place(o.node)
}

// Check loads rule files and looks for rules that load but should not go into force unseen. If the
// files do not load, the set is nil and the findings are their faults, as errors. Findings are in
// the order of files, lines and columns. A warning that its own file accepts (the key accept) is
// among them, with the reason in Accepted; an error cannot be accepted.
func Check(files []File) (*Set, []Finding) {
	set, err := Load(files, checkKeys{})
	l := &linter{set: set, partial: map[*condition]cel.Program{}}
	if err != nil {
		for _, f := range faultsOf(err) {
			l.list = append(l.list, f.Finding())
		}
		return nil, l.list
	}
	l.routes()
	l.fields()
	l.reasons()
	l.reach()
	l.purposes()
	l.types()
	l.grants()
	l.names()
	l.credentials()
	for i := range set.roles {
		l.subjects(i)
		l.multiFactor(i)
		l.reidentify(i)
	}
	l.accept()
	slices.SortStableFunc(l.list, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column))
	})
	return set, l.list
}

// Finding returns the fault as a finding.
func (f *Fault) Finding() Finding {
	return Finding{Code: Invalid, Severity: Error, File: f.File, Line: f.Line, Column: f.Column,
		Message: f.Message}
}

func faultsOf(err error) []*Fault {
	var list []*Fault
	for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
		var f *Fault
		if errors.As(e, &f) {
			list = append(list, f)
		}
	}
	return list
}

// checkKeys stand in for keys where nothing is rewritten.
type checkKeys struct{}

func (checkKeys) Pseudonym(string) ([]byte, int) { return make([]byte, treatment.MinKey), 0 }

// linter collects findings about a set.
type linter struct {
	set   *Set
	list  []Finding
	meets [][]bool // by role and index of a route: whether the role can be met there

	// partial has the programs of conditions that evaluate with some attributes unknown.
	partial map[*condition]cel.Program
}

func (l *linter) add(code string, severity Severity, at place, about, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	f := Finding{code, severity, at.file, at.line, at.column, about, message, ""}
	// A finding that several routes give rise to is reported once.
	same := func(other Finding) bool {
		return other.Code == code && other.About == about && other.File == at.file
	}
	if !slices.ContainsFunc(l.list, same) {
		l.list = append(l.list, f)
	}
}

// accept marks the warnings that are accepted, and reports acceptances that fit no warning.
func (l *linter) accept() {
	for _, a := range l.set.accepted {
		used := false
		for i := range l.list {
			f := &l.list[i]
			if f.Severity == Warning && f.File == a.at.file && f.Code == a.code &&
				f.About == a.about {
				f.Accepted, used = a.because, true
			}
		}
		if !used {
			l.add(acceptanceUnused, Warning, a.at, a.about,
				"this file has no warning %s about it any more; remove the entry", a.code)
		}
	}
}

// purposes reports purposes that no role serves.
func (l *linter) purposes() {
	for _, p := range l.set.purposes {
		if len(p.roles) == 0 {
			l.add(purposeUnserved, Warning, p.at, "purpose "+p.name, "no role serves it, so "+
				"every request for it is refused; name it under purposes of a role, or remove it")
		}
	}
}

// placeholders are texts that people write in the place of a reason.
var placeholders = []string{"todo", "tbd", "fixme", "xxx", "n/a", "none", "no reason", "because",
	"reason", "test", "temp", "temporary", "wip",
	"待定", "待补充", "待补", "无", "暂无", "临时", "测试", "原因", "理由"}

// isPlaceholder reports whether a reason says nothing: it is a placeholder, or has fewer than four
// letters. A Chinese character counts as two letters.
func isPlaceholder(text string) bool {
	word := strings.Trim(strings.ToLower(text), " .:;!?-_…。：；！？()[]<>")
	first, _, _ := strings.Cut(word, " ")
	letters := 0
	for _, r := range word {
		switch {
		case unicode.Is(unicode.Han, r):
			letters += 2
		case unicode.IsLetter(r):
			letters++
		}
	}
	return letters < 4 || slices.Contains(placeholders, word) ||
		slices.Contains([]string{"todo", "tbd", "fixme"}, strings.TrimRight(first, ":"))
}

// reasons reports reasons that say nothing.
func (l *linter) reasons() {
	report := func(at place, about, key, text string) {
		if text != "" && isPlaceholder(text) {
			l.add(reasonPlaceholder, Error, at, about, "%s has to say why, and %q does not; "+
				"write the reason, as an auditor could check it", key, text)
		}
	}
	for _, r := range l.set.list {
		report(r.at, r.Match, "public", r.Public)
		report(r.at, r.Match, "unlisted: pass", r.Unlisted)
		for _, f := range r.fields() {
			report(f.at, f.inRoute, "reason", f.reason)
		}
	}
	for _, a := range l.set.accepted {
		report(a.at, a.about, "reason", a.because)
	}
}

// credentials reports rules without a cap that keeps class C3 back, whatever roles say.
func (l *linter) credentials() {
	if len(l.set.policies) == 0 || slices.ContainsFunc(l.set.caps, func(c *capRule) bool {
		return c.when == nil && c.field == "" && c.typ == "" && c.level == "" &&
			c.sensitive == nil &&
			(c.class == "" || c.class == "C3") && c.expression.Rank() >= masking.RankRedact
	}) {
		return
	}
	const remedy = "add under caps: {class: C3, at_most: drop}"
	for _, r := range l.set.list {
		for _, f := range r.fields() {
			if f.typ.Class == "C3" && f.typ.Always == nil && !l.withheld(&f) {
				l.add(credentialsNoCap, Error, f.at, f.inRoute,
					"it is of class C3, and neither its type nor a cap keeps it back; %s", remedy)
			}
		}
	}
	l.add(credentialsNoCap, Warning, l.set.policies[0], "caps",
		"nothing keeps back fields of class C3 that a role permits by mistake; %s", remedy)
}

// withheld reports whether a cap without a condition keeps a field back.
func (l *linter) withheld(f *field) bool {
	return slices.ContainsFunc(l.set.caps, func(c *capRule) bool {
		return c.when == nil && c.covers(f) && c.expression.Rank() >= masking.RankRedact
	})
}
