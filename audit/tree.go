package audit

import (
	"crypto/sha256"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// A tree is the right edge of a Merkle tree (RFC 6962, section 2.1), which is
// enough to add leaves and to know the root.
type tree struct {
	n    int64       // leaves
	edge []tlog.Hash // maximal complete subtrees, left to right, one per 1 bit of n
}

// add appends a leaf.
func (t *tree) add(leaf tlog.Hash) {
	for i := t.n; i&1 == 1; i >>= 1 {
		last := len(t.edge) - 1
		leaf = tlog.NodeHash(t.edge[last], leaf)
		t.edge = t.edge[:last]
	}
	t.edge = append(t.edge, leaf)
	t.n++
}

// root returns the root hash. Without leaves it is the hash of nothing.
func (t *tree) root() tlog.Hash {
	if t.n == 0 {
		return sha256.Sum256(nil)
	}
	last := len(t.edge) - 1
	h := t.edge[last]
	for _, left := range slices.Backward(t.edge[:last]) {
		h = tlog.NodeHash(left, h)
	}
	return h
}

// clone returns a copy that shares nothing with t.
func (t *tree) clone() tree {
	return tree{t.n, slices.Clone(t.edge)}
}

// equal reports whether t and u have the same leaves.
func (t *tree) equal(u *tree) bool {
	return t.n == u.n && slices.Equal(t.edge, u.edge)
}
