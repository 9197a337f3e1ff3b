package treatment

import "github.com/maskgate/maskgate/masking"

// address keeps an address of China down to its district or county.
//
//	address  北京市海淀区马连洼街道289号 → "北京市海淀区****"
//	address  广东省东莞市南城街道鸿福路99号 → "广东省东莞市****"
//
// It shows places that it knows (divisions.go): a province, a prefecture of that province, and a
// city of a county's rank, a banner, a county or a district. A district or county that has a name
// of two characters is known by its name if it could be taken for a person's name, and by 区 or 县 if
// not. address stops at anything else that stands among the places, as a person's name may.
//
// An address must begin with one of the 34 provinces, with a prefecture and a county, or with a
// prefecture that has no counties. The suffix may be missing of a province (北京海淀区), and of a
// prefecture between a province and a county (广东深圳南山区). Anything else, and an address that ends
// with its district, is hidden whole: "****". Takes strings.
type address struct{}

func buildAddress(*arguments, Environment) masking.Transform { return address{} }

func (address) Append(dst []byte, v masking.Value) ([]byte, bool) {
	if v.Kind != masking.String {
		return dst, false
	}
	parts, n := parseAddress(v.Text)
	if n == 0 {
		return append(dst, hidden...), true
	}
	dst = append(dst, '"')
	for _, p := range parts[:n] {
		dst = append(dst, p...) // Chinese characters only: nothing to escape
	}
	return append(dst, `****"`...), true
}

// parseAddress returns the n parts of an address that are shown, from the province down. If the
// address is not understood n is 0.
func parseAddress(text []byte) (parts [3][]byte, n int) {
	text = skipBreaks(text)
	if hasAt(text, 0, "中") {
		for _, country := range [...]string{"中华人民共和国", "中国"} {
			if hasAt(text, 0, country) {
				text = skipBreaks(text[len(country):])
				break
			}
		}
	}
	place, size, whole := firstDivision(text)
	if place == nil {
		return parts, 0
	}
	parts[0], text = text[:size], skipBreaks(text[size:])
	n = 1
	sure := whole && (place.province || place.undivided) // it is an address even without a county
	if place.province {
		if !whole && (hasAt(text, 0, "路") || hasAt(text, 0, "街") || hasAt(text, 0, "巷")) {
			return parts, 0 // 海南路 is a street
		}
		prefecture, size, whole := prefectureOf(place, text)
		if whole || size > 0 && countyAt(skipBreaks(text[size:])) > 0 {
			parts[n], text = text[:size], skipBreaks(text[size:])
			n++
			place, sure = prefecture, true
		}
	}
	if !place.undivided {
		if size := countyAt(text); size > 0 {
			parts[n], text = text[:size], skipBreaks(text[size:])
			n++
			sure = true
		}
	}
	if !sure || len(text) == 0 {
		return parts, 0
	}
	return parts, n
}

// skipBreaks skips what may stand between the parts of an address, and the headings that statistics
// put there.
func skipBreaks(text []byte) []byte {
	for len(text) > 0 {
		if r, ok := basicHan(text); ok {
			var heading string
			switch r {
			case '市':
				heading = "市辖区"
			case '省':
				heading = "省直辖县级行政区划"
			case '自':
				heading = "自治区直辖县级行政区划"
			default:
				return text
			}
			if !hasAt(text, 0, heading) {
				return text
			}
			text = text[len(heading):]
			continue
		}
		r, size := narrow(text)
		if r != ' ' && r != ',' && r != '-' && r != '/' && r != '·' && r != '、' {
			break
		}
		text = text[size:]
	}
	return text
}

// longestCounty is how many characters the name of a county may have: 双江拉祜族佤族布朗族傣族自治县 has
// fifteen.
const longestCounty = 15

// countyAt returns the size of the district or county that text begins with, or 0.
func countyAt(text []byte) int {
	var first, before rune
	size := 0
	for n := range longestCounty {
		r, ok := basicHan(text[size:])
		if !ok {
			break
		}
		if traitsOf(r)&endsCounty != 0 {
			switch name := text[:size]; n {
			case 0: // the name begins with it: 市中区, 旗山区
			case 1:
				if isSingle(first, r) && !hasAt(text, size+3, "区") { // 梅县区
					return size + 3
				}
			case 2:
				unlike := traitsOf(first)&listedFirst == 0 && traitsOf(before)&listedSecond == 0
				if (r == '区' || r == '县') && unlike || isCounty(name) {
					return size + 3
				}
			default:
				if isCounty(name) {
					return size + 3
				}
			}
		}
		if n == 0 {
			first = r
		}
		before = r
		size += 3
	}
	return 0
}

// isSingle reports whether there is a county of this name, of one character, and suffix.
func isSingle(name, suffix rune) bool {
	t := traitsOf(name)
	switch suffix {
	case '县':
		return t&single != 0
	case '区':
		return t&singleDistrict != 0
	}
	return suffix == '市' && name == '芒'
}

// traits say what a character makes of a name.
type traits uint8

const (
	endsCounty     traits = 1 << iota // the name of a county can end with it
	single                            // with 县 behind it, it is a county
	singleDistrict                    // with 区 behind it, it is a district

	// Names of people begin with it, so a county of two characters that begins with it is known
	// only if it is listed.
	listedFirst
	// Names of people, streets and estates end with it, so a county of two characters that ends
	// with it is known only if it is listed.
	listedSecond

	beginsSurname // a compound surname can begin with it
)

// hanTraits holds the traits of the characters from U+4E00.
var hanTraits = func() (table [0xA000 - 0x4E00]traits) {
	for name := range compoundSurnames {
		table[name[0]-0x4E00] |= beginsSurname
	}
	for t, characters := range map[traits]string{
		endsCounty:     "市区县旗",
		single:         singles,
		singleDistrict: singleDistricts,
		listedFirst:    surnames + "老小阿市区县旗盟省",
		// 园区, 街区, 自治区
		listedSecond: "市区县旗盟省小社园校厂景库院宅墅属活业融务流储疆治政辖地片营一二三四五六七八九十路街巷弄号栋幢村屯组厦镇" +
			"转收寄交给家由代请送到在住先生女士某哥姐弟妹叔姨爷奶爸妈的我你他她总" +
			"伟亮俊倩健兵凯刚勇博威娜娟婷志忠怡慧才斌晨月杰欣洁浩涛涵燕玲珍琪琳琴睿磊红艳芳莉菊萍诺贵超轩鑫雨雪颖飞香鹏佳强静霞军敏",
	} {
		for _, r := range characters {
			table[r-0x4E00] |= t
		}
	}
	return table
}()

// traitsOf returns the traits of a character.
func traitsOf(r rune) traits {
	if i := uint32(r) - 0x4E00; i < uint32(len(hanTraits)) {
		return hanTraits[i]
	}
	return 0
}
