package ruletest

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/maskgate/maskgate/rules"
)

// check returns everything about an outcome that is not as the test expects.
func check(t *rules.Test, o *Outcome) []Failure {
	e := &t.Expect
	switch {
	case e.Refused != "" && o.Refused == "":
		return []Failure{
			{At: e.At, Message: fmt.Sprintf("want the request refused, %s; it was answered",
				e.Refused)}}
	case e.Refused != o.Refused:
		f := Failure{At: e.At, Message: fmt.Sprintf("want the request refused, %s; it was for %s",
			e.Refused, o.refusal())}
		if e.Refused == "" {
			f = Failure{At: t.At, Message: "the request was refused: " + o.refusal()}
		}
		return []Failure{f}
	}
	var list []Failure
	if e.Body != nil && !bytes.Equal(e.Body, o.Body) {
		list = append(list, Failure{At: e.BodyAt, Message: "the body is another",
			Differences: differences(e.Body, o.Body)})
	}
	for i := range e.Fields {
		if message := o.checkField(&e.Fields[i]); message != "" {
			list = append(list, Failure{At: e.Fields[i].At, Message: message})
		}
	}
	for _, n := range []struct {
		want *int
		have int
		what string
	}{{e.Released, o.Released, "released"}, {e.Denied, o.Denied, "denied"}} {
		if n.want != nil && *n.want != n.have {
			list = append(list,
				Failure{At: e.At, Message: fmt.Sprintf("want %d records %s; have %d", *n.want,
					n.what, n.have)})
		}
	}
	return list
}

// refusal is the reason with its meaning, and its cause.
func (o *Outcome) refusal() string {
	text := o.Refused
	if meaning := rules.Reason(o.Refused).Meaning(); meaning != "" {
		text += " (" + meaning + ")"
	}
	if o.Cause != "" {
		text += ": " + o.Cause
	}
	return text
}

// checkField returns what is wrong with a field's treatment, "" if nothing is.
func (o *Outcome) checkField(f *rules.ExpectedField) string {
	if o.Route.Public != "" {
		return fmt.Sprintf("%s is public: its fields have no treatment", o.Route.Match)
	}
	name, want, err := o.Route.Resolve(rules.FieldName{Kind: f.Kind, Path: f.Path}, f.Treatment)
	if err != nil {
		return err.Error()
	}
	found := false
	for _, s := range o.Shown {
		if s.Profile.Kind != name.Kind || s.Profile.Denied {
			continue
		}
		found = true
		i := slices.IndexFunc(s.Profile.Fields, func(d rules.Decision) bool {
			return d.Path == name.Path
		})
		if d := s.Profile.Fields[i]; d.Treatment != want {
			by := string(d.Reason)
			if d.Rule != "" {
				by += " by " + d.Rule
			}
			return fmt.Sprintf("%s: want %s; have %s (%s)", f.Path, want, d.Treatment, by)
		}
	}
	if !found {
		return fmt.Sprintf("%s: the response shows no record %s that has the field", f.Path,
			name.Kind)
	}
	return ""
}
