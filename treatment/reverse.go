package treatment

import "github.com/maskgate/maskgate/masking"

// Reverser is a [masking.Transform] whose results can be turned back by whoever holds the key. A
// treatment reverses what the same treatment with the same arguments, type and key made.
type Reverser interface {
	masking.Transform
	// Reverse appends the JSON text of the value from which v was made. It reports false, and
	// appends nothing, if v was not made by this transform with this key. But a token has no seal:
	// any text in the shape of a token turns into something.
	Reverse(dst []byte, v masking.Value) ([]byte, bool)
}
