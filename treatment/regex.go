package treatment

import (
	"bytes"
	"regexp"
	"regexp/syntax"
	"strconv"

	"github.com/maskgate/maskgate/masking"
)

// regex replaces a string or number that a regular expression matches by a text that may hold parts
// of it.
//
//	regex('(\d{6})\d{8}(\w{4})', '$1********$2')  11010519491231002X → "110105********002X"
//
// The pattern (RE2, at most 1 KiB and 1,000 instructions) must match the whole value, so that
// nothing passes which the pattern does not name. In the replacement (at most 1 KiB), $1, ${1} and
// ${name} are groups and $$ is a dollar. A value that does not match, is longer than 4 KiB, or
// would come out with all of it inside is hidden whole: "****". Takes strings and numbers. Unlike
// the other masks regex allocates.
type regex struct {
	*regexp.Regexp
	replacement []byte
}

const (
	maxPattern = 1 << 10 // bytes of a pattern, and of a replacement

	// RE2 takes time in proportion to the instructions of a pattern and to the bytes of a value.
	maxInstructions = 1000
	maxMatched      = 4 << 10
)

func buildRegex(a *arguments, _ Environment) masking.Transform {
	pattern, ok := a.take("")
	replacement, ok2 := a.take("")
	if !ok || !ok2 {
		a.fault(`want a pattern and a replacement, as in regex('(\d{3})\d+', '$1****')`)
		return nil
	}
	if len(pattern) > maxPattern || len(replacement) > maxPattern {
		a.fault("want a pattern and a replacement of at most %d bytes", maxPattern)
		return nil
	}
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		a.fault("the pattern is no RE2 expression: %w", err)
		return nil
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil || len(program.Inst) > maxInstructions {
		a.fault("the pattern is too large: want at most %d instructions", maxInstructions)
		return nil
	}
	re, err := regexp.Compile(`\A(?:` + pattern + `)\z`)
	if err != nil {
		a.fault("the pattern is no RE2 expression: %w", err)
		return nil
	}
	r := &regex{re, []byte(replacement)}
	if group := r.unknownGroup(); group != "" {
		a.fault("the replacement names group %s, which the pattern does not have", group)
	}
	return r
}

var groupNames = regexp.MustCompile(`\$(\$|\{?(\w+)\}?)`)

// unknownGroup returns a group that the replacement names and the pattern does not have. Expand
// would take such a group for empty.
func (r *regex) unknownGroup() string {
	for _, m := range groupNames.FindAllSubmatch(r.replacement, -1) {
		if m[2] == nil {
			continue
		}
		name := string(m[2])
		if n, err := strconv.Atoi(name); err == nil {
			if n > r.NumSubexp() {
				return name
			}
		} else if r.SubexpIndex(name) < 0 {
			return name
		}
	}
	return ""
}

func (r *regex) Append(dst []byte, v masking.Value) ([]byte, bool) {
	if v.Kind != masking.String && v.Kind != masking.Number {
		return dst, false
	}
	if len(v.Text) > maxMatched {
		return append(dst, hidden...), true
	}
	m := r.FindSubmatchIndex(v.Text)
	if m == nil {
		return append(dst, hidden...), true
	}
	out := r.Expand(nil, r.replacement, v.Text, m)
	if bytes.Contains(out, v.Text) {
		return append(dst, hidden...), true
	}
	dst = append(dst, '"')
	dst = masking.AppendEscaped(dst, out)
	return append(dst, '"'), true
}
