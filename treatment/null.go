package treatment

import "github.com/maskgate/maskgate/masking"

// null replaces any value by null.
//
//	null  anything → null
type null struct{}

func buildNull(*arguments, Environment) masking.Transform { return null{} }

func (null) Append(dst []byte, _ masking.Value) ([]byte, bool) {
	return append(dst, "null"...), true
}
