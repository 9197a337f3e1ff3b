package masking

import (
	"bytes"
	"context"
	"fmt"
)

// learn collects what the decider is to learn of every record. It stops at a record that has no usable
// subject though its kind names one, and returns that record.
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
				usable := w.Subject.Kind == Number || w.Subject.Kind == String && len(w.Subject.Text) > 0
				if !usable {
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

// decide asks for the profile of every record of the window.
func (o *outline) decide(ctx context.Context, d Decider) error {
	if err := d.Decide(ctx, o.window, o.profiles); err != nil {
		return err
	}
	for i, p := range o.profiles {
		if i > 0 && p == o.profiles[i-1] && o.records[i].kind == o.records[i-1].kind {
			continue // runs of records share a profile
		}
		if err := o.layout.fits(p, o.records[i].kind); err != nil {
			return err
		}
	}
	return nil
}

// fits reports a profile that was not made for records of that kind: a fault of the decider.
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
		return fmt.Errorf("the decider gave %d treatments to a record with %d fields", len(p.Treatments), fields)
	}
	for i, t := range p.Treatments {
		if open := t.Rank == RankClear || t.Rank >= RankDrop; open != (t.Transform == nil) || t.Rank > RankDrop {
			return fmt.Errorf("the decider gave field %d a treatment whose rank and transform do not fit", i)
		}
	}
	return nil
}

// valueOf returns a span's value if its selector found exactly one.
func (o *outline) valueOf(s span) Value {
	if s.found != 1 {
		return Value{}
	}
	return o.read(s.extent)
}

// read returns a value.
func (o *outline) read(x extent) Value {
	if x.kind == String {
		return Value{x.kind, o.content(x)}
	}
	return Value{x.kind, o.src[x.value:x.end]}
}

// content returns what a string says.
func (o *outline) content(x extent) []byte {
	text := o.src[x.value+1 : x.end-1]
	if !x.bare && bytes.IndexByte(text, '\\') >= 0 {
		return o.text.unescape(text)
	}
	return text
}
