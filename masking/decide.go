package masking

import (
	"bytes"
	"context"
	"fmt"
)

// learn collects what the decider is to learn of every record. It stops at a record that has no
// usable subject though its kind names one, and returns that record.
func (o *outline) learn() (without *record) {
	for range o.inputs {
		o.values = append(o.values, Value{})
	}
	for i := range o.records {
		r := &o.records[i]
		w := Record{Kind: r.kind, Parent: int(r.parent)}
		if r.kind != Envelope {
			spec := &o.layout.spec.Records[r.kind]
			if spec.Subject != "" {
				w.Subject = o.valueOf(r.subject)
				if !w.Subject.isSubject() {
					return r
				}
			}
			w.Inputs = o.values[r.inputs : r.inputs+len(spec.Inputs)]
			for j := range w.Inputs {
				w.Inputs[j] = o.valueOf(o.inputs[r.inputs+j])
			}
		}
		o.window = append(o.window, w)
		o.profiles = append(o.profiles, nil)
	}
	return nil
}

// isSubject reports whether a value says whom a record is about.
func (v Value) isSubject() bool {
	return v.Kind == Number || v.Kind == String && len(v.Text) > 0
}

// decide asks d for the profile of every record that learn collected.
func (o *outline) decide(ctx context.Context, d Decider) error {
	if err := d.Decide(ctx, o.window, o.profiles); err != nil {
		return err
	}
	for i, p := range o.profiles {
		if i > 0 && p == o.profiles[i-1] && o.records[i].kind == o.records[i-1].kind {
			continue // neighbouring records often share a profile
		}
		if err := o.layout.fits(p, o.records[i].kind); err != nil {
			return err
		}
	}
	return nil
}

// fits returns an error if a profile was not made for records of the kind: a fault of the decider.
func (l *Layout) fits(p *Profile, kind int) error {
	fields := l.treatments[kind+1]
	switch {
	case p == nil:
		return fmt.Errorf("the decider gave no profile to a record of kind %d", kind)
	case p.Denied && kind == Envelope:
		return fmt.Errorf("the decider denied an envelope")
	case p.Denied:
		return nil
	case len(p.Treatments) != fields:
		return fmt.Errorf("the decider gave %d treatments to a record with %d fields",
			len(p.Treatments), fields)
	}
	for i, t := range p.Treatments {
		bare := t.Rank == RankClear || t.Rank == RankDrop // they need no transform
		if t.Rank > RankDrop || bare != (t.Transform == nil) {
			return fmt.Errorf("the decider gave field %d a treatment "+
				"whose rank and transform do not fit", i)
		}
	}
	return nil
}

// valueOf returns the value that a subject or input has, or the zero Value if its selector did not
// find exactly one.
func (o *outline) valueOf(s span) Value {
	if s.found != 1 {
		return Value{}
	}
	return o.read(s.extent)
}

// read returns the value at an extent.
func (o *outline) read(x extent) Value {
	if x.kind == String {
		return Value{x.kind, o.content(x)}
	}
	return Value{x.kind, o.src[x.value:x.end]}
}

// content returns the text of the string at an extent, unescaped.
func (o *outline) content(x extent) []byte {
	text := o.src[x.value+1 : x.end-1]
	if !x.bare && bytes.IndexByte(text, '\\') >= 0 {
		return o.text.unescape(text)
	}
	return text
}
