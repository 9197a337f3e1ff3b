package treatment

import "github.com/maskgate/maskgate/masking"

// redact replaces any value by stars, the same number for all, so that nothing shows but that there
// is a value.
//
//	redact            anything → "****"
//	redact(length=8)  anything → "********"
//
// length is how many stars (1 to 1024; default 4).
type redact struct{ json []byte }

func buildRedact(a *arguments, _ Environment) masking.Transform {
	json := appendStars([]byte{'"'}, a.count("length", 4, 1, mostKept))
	return &redact{append(json, '"')}
}

func (r *redact) Append(dst []byte, _ masking.Value) ([]byte, bool) {
	return append(dst, r.json...), true
}
