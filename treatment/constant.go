package treatment

import "github.com/maskgate/maskgate/masking"

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
