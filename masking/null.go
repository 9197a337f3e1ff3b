package masking

// null replaces any value by null.
//
//	null  anything → null
type null struct{}

func buildNull(*arguments, Environment) Transform { return null{} }

func (null) Append(dst []byte, _ Value) ([]byte, bool) { return append(dst, "null"...), true }
