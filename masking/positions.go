package masking

// vacate writes null in the place of a dropped value, if it is an element and the layout keeps positions; else it writes nothing and
// reports false.
func (w *rewriter) vacate(n *node, element bool) bool {
	if !element || !w.layout.spec.KeepPositions {
		return false
	}
	w.copy(int(n.value))
	w.dst = append(w.dst, "null"...)
	w.copied = int(n.end)
	return true
}
