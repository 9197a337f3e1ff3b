package treatment

import "github.com/maskgate/maskgate/masking"

// This file has the transforms that replace any value, objects and arrays included, by a text that
// does not depend on it.

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

// constant replaces any value, objects and arrays included, by one string.
//
//	constant(已隐藏)  anything → "已隐藏"
//
// The text is required. A text with a comma, an equals sign or parentheses is written in quotes.
type constant struct{ json []byte }

func buildConstant(a *arguments, _ Environment) masking.Transform {
	text, ok := a.take("")
	if !ok {
		a.fault("want the text to show, as in constant(已隐藏)")
	}
	json := masking.AppendEscaped([]byte{'"'}, []byte(text))
	return &constant{append(json, '"')}
}

func (c *constant) Append(dst []byte, _ masking.Value) ([]byte, bool) {
	return append(dst, c.json...), true
}

// typeTag replaces any value by the name of its field's type, so that a reader, or a model, knows
// what stood there.
//
//	type  11010519491231002X → "[cn_id_card]"
type typeTag struct{ json []byte }

func buildTypeTag(_ *arguments, env Environment) masking.Transform {
	json := masking.AppendEscaped([]byte(`"[`), []byte(env.Type))
	return &typeTag{append(json, `]"`...)}
}

func (t *typeTag) Append(dst []byte, _ masking.Value) ([]byte, bool) {
	return append(dst, t.json...), true
}

// null replaces any value by null.
//
//	null  anything → null
type null struct{}

func buildNull(*arguments, Environment) masking.Transform { return null{} }

func (null) Append(dst []byte, _ masking.Value) ([]byte, bool) {
	return append(dst, "null"...), true
}
