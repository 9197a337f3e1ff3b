package treatment

import (
	"unicode"
	"unicode/utf8"

	"github.com/maskgate/maskgate/masking"
)

// personName keeps the surname of a Chinese name, and the first letter of any other.
//
//	person_name  张三丰 → "张**"
//	person_name  欧阳锋 → "欧阳**"
//	person_name  买买提·艾力 → "买**"
//	person_name  John Smith → "J**"
//
// A surname is one character, or two if they are a compound surname and a given name follows. Two
// stars stand for the rest, however long. A text with digits or symbols, with less than two letters
// or with more than 64 is no name, and is hidden whole: "****". Takes strings.
type personName struct{}

func buildPersonName(*arguments, Environment) masking.Transform { return personName{} }

func (personName) Append(dst []byte, v masking.Value) ([]byte, bool) {
	if v.Kind != masking.String {
		return dst, false
	}
	if size := surname(v.Text); size > 0 {
		dst = append(append(dst, '"'), v.Text[:size]...)
		return append(dst, `**"`...), true
	}
	var letters [3]rune // the first letters
	n, han := 0, true
	for text := v.Text; len(text) > 0; {
		r, size := narrow(text)
		text = text[size:]
		switch {
		case isHan(r) || unicode.IsLetter(r):
			if n < len(letters) {
				letters[n] = r
			}
			han = han && isHan(r)
			n++
		case unicode.IsMark(r) && n > 0:
		case r == ' ' || r == '-' || r == '\'' || r == '’' || r == '.' || r == ',':
		case isNameDot(r):
			han = false
		default:
			return append(dst, hidden...), true
		}
	}
	if n < 2 || n > 64 {
		return append(dst, hidden...), true
	}
	dst = append(dst, '"')
	dst = utf8.AppendRune(dst, letters[0])
	if han && n > 2 && isCompound([2]rune(letters[:])) {
		dst = utf8.AppendRune(dst, letters[1])
	}
	return append(dst, `**"`...), true
}

// surname returns the size of the surname of a name that is two to four characters from U+4E00 to
// U+9FFF, as most are. It returns 0 for any other text.
func surname(text []byte) int {
	if n := len(text); n != 6 && n != 9 && n != 12 {
		return 0
	}
	var letters [4]rune
	for i := 0; i < len(text); i += 3 {
		r, ok := basicHan(text[i:])
		if !ok {
			return 0
		}
		letters[i/3] = r
	}
	if len(text) > 6 && isCompound([2]rune(letters[:])) {
		return 6
	}
	return 3
}

// isNameDot reports whether r is one of the dots that people type between the parts of a name such
// as 买买提·艾力.
func isNameDot(r rune) bool {
	switch r {
	case '·', '•', '‧', '∙', '⋅', '・', '･', '。':
		return true
	}
	return false
}

// isCompound reports whether two characters are a compound surname.
func isCompound(letters [2]rune) bool {
	return traitsOf(letters[0])&beginsSurname != 0 && compoundSurnames[letters]
}

// compoundSurnames are the surnames of two characters in use, in simplified and traditional form.
var compoundSurnames = func() map[[2]rune]bool {
	const list = "欧阳太史端木上官司马东方独孤南宫万俟闻人夏侯诸葛尉迟公羊赫连澹台皇甫宗政濮阳公冶太叔申屠公孙慕容仲孙钟离长孙" +
		"宇文司徒鲜于司空闾丘子车亓官司寇巫马公西颛孙壤驷公良漆雕乐正宰父谷梁拓跋夹谷轩辕令狐段干百里呼延东郭南门羊舌微生" +
		"梁丘左丘西门第五南荣即墨淳于达奚褚师纳兰完颜叶赫那拉富察佟佳钮祜爱新瓜尔贺兰耶律" +
		"歐陽端木司馬東方獨孤南宮萬俟聞人諸葛尉遲赫連濮陽太叔申屠公孫仲孫鍾離鐘離長孫鮮于閭丘巫馬顓孫壤駟樂正宰父穀梁拓跋東郭南門" +
		"西門達奚褚師納蘭完顏葉赫富察軒轅"
	surnames := map[[2]rune]bool{}
	runes := []rune(list)
	for i := 0; i+1 < len(runes); i += 2 {
		surnames[[2]rune(runes[i:i+2])] = true
	}
	return surnames
}()
