package masking

import (
	"fmt"
	"strconv"
)

// Select yields what a query (RFC 9535) selects from a JSON text: the normalised path (RFC 9535
// §2.7) and the value as it stands in doc, in document order, each value once. It stops when yield
// reports false. Since it selects by the code that rewrites, doc must be one strict JSON text
// within [DefaultLimits]. Errors are a [SelectorError], a [SyntaxError] or a [SelectionError];
// nothing is yielded then.
func Select(query string, doc []byte, yield func(path string, value []byte) bool) error {
	if err := CheckSelector(query); err != nil {
		return err // alone, and not as one of a layout's faults
	}
	l, err := Compile(Spec{Envelope: []string{query}})
	if err != nil {
		return err
	}
	o := l.work.Get().(*outline)
	defer o.release()
	if err := o.parse(doc, Document); err != nil {
		return err
	}
	o.selected(0, []byte("$"), yield)
	return nil
}

// selected yields the values that fields select at and below a node.
func (o *outline) selected(i int, path []byte, yield func(path string, value []byte) bool) bool {
	n := &o.nodes[i]
	if n.state.selected() && !yield(string(path), o.src[n.value:n.end:n.end]) {
		return false
	}
	index := 0
	for c := i + 1; c < int(n.next); c = int(o.nodes[c].next) {
		step := append(path, '[')
		if o.nodes[c].role == isRun {
			if !o.selectedInRun(&o.nodes[c], step, yield) {
				return false
			}
			continue
		}
		if n.kind == Object {
			step = appendNormalName(step, o.scan.text(int(o.nodes[c].start)))
		} else {
			step = strconv.AppendInt(step, int64(index), 10)
		}
		if !o.selected(c, append(step, ']'), yield) {
			return false
		}
		index++
	}
	return true
}

// selectedInRun yields the values that fields select of the members of a run. path ends in the
// bracket in front of their names.
func (o *outline) selectedInRun(
	n *node, path []byte, yield func(path string, value []byte) bool,
) bool {
	r := &o.runs[n.value]
	for i := r.from; i < r.to; i++ {
		m := &r.shape.members[i]
		if !m.under(n.state).selected() {
			continue
		}
		x := o.extent(r, int(n.start), i)
		step := append(appendNormalName(path, m.name()), ']')
		if !yield(string(step), o.src[x.value:x.end:x.end]) {
			return false
		}
	}
	return true
}

// appendNormalName appends a normal-name-selector (RFC 9535 §2.7).
func appendNormalName(dst, name []byte) []byte {
	dst = append(dst, '\'')
	for _, c := range name {
		switch c {
		case '\'', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, `\b`...)
		case '\t':
			dst = append(dst, `\t`...)
		case '\n':
			dst = append(dst, `\n`...)
		case '\f':
			dst = append(dst, `\f`...)
		case '\r':
			dst = append(dst, `\r`...)
		default:
			if c < ' ' {
				dst = fmt.Appendf(dst, `\u%04x`, c)
			} else {
				dst = append(dst, c)
			}
		}
	}
	return append(dst, '\'')
}
