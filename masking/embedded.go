package masking

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// Embedded is a field whose values are strings that hold a JSON text, as in
// {"payload":"{\"idCard\":\"…\"}"}.
//
// Where the field is in clear, the text is rewritten within the string. The text must be as strict
// as the response, and is within the same [Limits]. What lies in the text belongs to the record of
// the string, and so to its subject, but only Fields speak for it: that the string is in clear
// covers nothing of its inside. A string whose text does not change stays as it is, byte for byte;
// any other is written anew, with no more escapes than RFC 8259 §7 demands. If the text's root is
// dropped, so is the string. Withheld is a value that is no string, a string that is no JSON text,
// and a string that two embedded fields select.
//
// A record's subject, inputs, inner records and their fields do not lie within strings.
type Embedded struct {
	// Field is the index of the field: in Fields of the record, in the selectors of the envelope,
	// or, for a string within a text, in Fields of the text.
	Field int
	// Fields select the fields of the text, from its root. In [Profile.Treatments] the treatments
	// of all texts stand behind those of the record's own fields, text by text. The treatments of a
	// text within a text stand behind those of the text's own fields.
	Fields []string
	// Embedded says which fields of the text are strings that hold a text again.
	Embedded []Embedded
}

// maxEmbedded is how many texts may lie one within the other.
const maxEmbedded = 4

// embedded is a compiled [Embedded].
type embedded struct {
	field int     // index of the field
	text  *Layout // of the text, which is all envelope
	first int     // index of the treatment of the text's first field
	count int     // of treatments, those of texts within the text included
	index int     // of this among all that the layout has
}

// embed compiles what is embedded in the records of a layout and in its envelope. within is that of
// compile.
func (l *Layout) embed(within string) error {
	var faults []error
	total := 0
	for kind := Envelope; kind < len(l.spec.Records); kind++ {
		root, paths, list := within+"$", l.spec.Envelope, l.spec.Embedded
		if kind != Envelope {
			r := &l.spec.Records[kind]
			root, paths, list = within+r.Select, r.Fields, r.Embedded
		}
		fields := len(paths)
		byField := make([]*embedded, fields)
		for _, spec := range list {
			if spec.Field < 0 || spec.Field >= len(byField) || byField[spec.Field] != nil {
				faults = append(faults, fmt.Errorf(
					"embedded field %d: want a field of the record, each at most once", spec.Field))
				continue
			}
			if depthOf(spec) > maxEmbedded {
				faults = append(faults, fmt.Errorf(
					"more than %d JSON texts lie one within the other; "+
						"declare the innermost as the string that it is", maxEmbedded))
				continue
			}
			text, err := compile(Spec{
				Envelope:      spec.Fields,
				Embedded:      spec.Embedded,
				Unlisted:      l.spec.Unlisted,
				KeepPositions: l.spec.KeepPositions,
				Limits:        l.spec.Limits,
			}, root+strings.TrimPrefix(paths[spec.Field], "$")+" | ")
			if err != nil {
				faults = append(faults, errors.Unwrap(err))
				continue
			}
			e := &embedded{spec.Field, text, fields, text.treatments[0], total}
			byField[spec.Field] = e
			fields += e.count
			total++
		}
		l.treatments = append(l.treatments, fields)
		l.embedded = append(l.embedded, byField)
	}
	if total == 0 {
		l.embedded = nil
	}
	l.textCount = total
	return errors.Join(faults...)
}

// depthOf returns how many texts lie one within the other, e's included.
func depthOf(e Embedded) int {
	deepest := 0
	for _, inner := range e.Embedded {
		deepest = max(deepest, depthOf(inner))
	}
	return deepest + 1
}

// embeddedIn returns the first of some fields of a kind of record that is embedded, or nil, and
// whether it is the only one of them that is.
func (l *Layout) embeddedIn(kind int, fields []int) (first *embedded, only bool) {
	if l.embedded == nil {
		return nil, true
	}
	for _, f := range fields {
		if e := l.embedded[kind+1][f]; e != nil {
			if first != nil {
				return first, false
			}
			first = e
		}
	}
	return first, true
}

// rewriteText writes a value that is an embedded field in clear: the string with the text in it
// rewritten. It reports false, having written nothing, if the value is dropped.
func (w *rewriter) rewriteText(a *action, x extent) bool {
	e, tally, treatments := a.embedded, w.plan.tally, w.plan.treatments
	if !a.only || x.kind != String {
		tally.Withheld[e.field]++
		return false
	}
	in := w.outline.inner(e)
	defer in.clearText()
	mark := w.outline.text.mark()
	defer w.outline.text.release(mark)
	text := w.outline.content(x)
	if !in.parseText(text, &w.outline.evaluation.work) {
		tally.Withheld[e.field]++
		return false
	}
	in.inText.Treatments = treatments[e.first : e.first+e.count]
	in.profiles = append(in.profiles, &in.inText)
	subject := w.outline.window[w.record].Subject
	in.window = append(in.window, Record{Kind: Envelope, Parent: -1, Subject: subject})
	in.report.reset()
	out, err := in.write(in.output[:0], Document, &in.report)
	in.output = out
	tally.Treated[e.field]++
	inner := in.report.tally(&in.inText)
	for i := range e.count {
		tally.Treated[e.first+i] += inner.Treated[i]
		tally.Withheld[e.first+i] += inner.Withheld[i]
	}
	w.report.Unlisted += in.report.Unlisted
	w.report.Names.addAll(&in.report.Names)
	if err != nil {
		return false // the root is dropped
	}
	if !bytes.Equal(out, text) {
		w.copyTo(int(x.value))
		w.dst = append(w.dst, '"')
		w.dst = append(AppendEscaped(w.dst, out), '"')
		w.copied = int(x.end)
	}
	return true
}

// inner returns the outline for texts of an embedded field. It is kept, like all buffers of o.
func (o *outline) inner(e *embedded) *outline {
	if o.inners == nil {
		o.inners = make([]*outline, o.layout.textCount)
	}
	if o.inners[e.index] == nil {
		o.inners[e.index] = &outline{layout: e.text}
	}
	return o.inners[e.index]
}

// parseText fills the outline from a text. work is what filters may still do for the response. It
// reports false if the text is not strict JSON.
func (o *outline) parseText(text []byte, work *int) bool {
	o.src = text
	o.scan.reset(text, o.layout.spec.Limits)
	o.evaluation.work = *work
	ok := o.parseDocument()
	*work = o.evaluation.work
	o.scan.blank()
	return ok && o.scan.pos == len(text)
}

// clearText forgets a text.
func (o *outline) clearText() {
	o.clear()
	o.src, o.scan.src, o.inText.Treatments = nil, nil, nil
}
