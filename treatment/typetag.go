package treatment

import "github.com/maskgate/maskgate/masking"

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
