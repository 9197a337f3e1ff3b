package masking

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"
)

// address keeps an address of China down to its district or county.
//
//	address  北京市海淀区马连洼街道289号 → "北京市海淀区****"
//	address  广东省东莞市南城街道鸿福路99号 → "广东省东莞市****"
//
// It reads the administrative suffixes: 省 自治区 特别行政区, then 市 自治州 盟 地区, then 区 县 自治县 市 旗 自治旗 林区 特区. A city or
// province is where it stops if nothing that looks like a district follows. An address must begin with one of the 34 provinces, or
// with a prefecture and a county, or with one of the cities that have no districts. A place that is named without its suffix, a part
// that could be an estate or a park (小区 社区 园区 …), and an address that ends with its district, are hidden whole: "****".
// Takes strings.
type address struct{}

func buildAddress(*arguments, Environment) Transform { return address{} }

func (address) Append(dst []byte, v Value) ([]byte, bool) {
	if v.Kind != String {
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

// provinces are the first level of GB/T 2260, by the names that people use for short; suffix is what makes the name whole.
var provinces = func() (list []province) {
	for _, p := range [...][2]string{
		{"北京 上海 天津 重庆", "市"},
		{"广东 山东 河南 江苏 四川 河北 湖南 浙江 安徽 湖北 云南 江西 辽宁 福建 陕西 贵州 山西 黑龙江 吉林 甘肃 海南 青海 台湾", "省"},
		{"内蒙古 西藏", "自治区"},
		{"广西", "壮族自治区"},
		{"宁夏", "回族自治区"},
		{"新疆", "维吾尔自治区"},
		{"香港 澳门", "特别行政区"},
	} {
		for name := range strings.FieldsSeq(p[0]) {
			list = append(list, province{[6]byte([]byte(name)), name, p[1]})
		}
	}
	return list
}()

type province struct {
	begin        [6]byte // of the name: no two are alike
	name, suffix string
}

// provinceAt returns the province that text begins with, or nil.
func provinceAt(text []byte) *province {
	if len(text) < 6 {
		return nil
	}
	begin := [6]byte(text)
	for i := range provinces {
		if p := &provinces[i]; p.begin == begin && hasAt(text, 0, p.name) {
			return p
		}
	}
	return nil
}

// undivided are the prefectures that have no districts or counties (GB/T 2260).
var undivided = [][]byte{[]byte("东莞市"), []byte("中山市"), []byte("儋州市"), []byte("嘉峪关市"), []byte("三沙市")}

// level is what a suffix makes of a name.
type level uint8

const (
	noLevel    level = iota
	city             // 市, of any rank
	prefecture       // 自治州 盟 地区
	county           // 区 县 旗 and the like
)

// parseAddress returns the parts of an address that are shown, from the province down; none if it is not understood.
func parseAddress(text []byte) (parts [5][]byte, n int) {
	text = skipBreaks(text)
	if hasAt(text, 0, "中") {
		for _, country := range [...]string{"中华人民共和国", "中国"} {
			if hasAt(text, 0, country) {
				text = skipBreaks(text[len(country):])
				break
			}
		}
	}
	sure := false // what is shown is a place without doubt
	if p := provinceAt(text); p != nil {
		size := len(p.name)
		if hasAt(text, size, p.suffix) {
			size += len(p.suffix)
			sure = true
		} else if hasAt(text, size, "自治区") {
			size += len("自治区")
			sure = true
		} else if hasAt(text, size, "路") || hasAt(text, size, "街") || hasAt(text, size, "巷") {
			return parts, 0 // 海南路 is a street
		}
		parts[n], text = text[:size], skipBreaks(text[size:])
		n++
	}
	provincial := n > 0
	for depth := 0; depth < 2; depth++ {
		size, kind := nextUnit(text)
		if kind == noLevel || kind == county && n == 0 {
			break
		}
		unit := text[:size]
		parts[n], text = unit, skipBreaks(text[size:])
		n++
		sure = sure || provincial || depth == 1 || kind == city && isUndivided(unit)
		if kind == county || kind == city && (depth == 1 || isUndivided(unit)) {
			break
		}
	}
	if !sure || len(text) == 0 {
		return parts, 0
	}
	return parts, n
}

func isUndivided(unit []byte) bool {
	for _, u := range undivided {
		if bytes.Equal(u, unit) {
			return true
		}
	}
	return false
}

// skipBreaks skips what may stand between the parts of an address, and the 市辖区 that statistics put there.
func skipBreaks(text []byte) []byte {
	for len(text) > 0 {
		if _, ok := basicHan(text); ok {
			break
		}
		r, size := narrow(text)
		if r != ' ' && r != ',' && r != '-' && r != '/' && r != '·' && r != '、' {
			break
		}
		text = text[size:]
	}
	if hasAt(text, 0, "市辖区") {
		return skipBreaks(text[len("市辖区"):])
	}
	return text
}

// longestUnit is how many characters a unit may have: 双江拉祜族佤族布朗族傣族自治县 has fifteen.
const longestUnit = 15

// nextUnit returns the administrative unit at the front of text.
func nextUnit(text []byte) (size int, kind level) {
	var name [longestUnit]rune
	street := false // there is a character behind the first that streets and villages have and no district
	for n := range name {
		if size == len(text) {
			break
		}
		width := 3
		r, ok := basicHan(text[size:])
		if !ok {
			if r, width = utf8.DecodeRune(text[size:]); !isHan(r) {
				break
			}
		}
		name[n] = r
		size += width
		t := traitsOf(r)
		if t&endsUnit != 0 {
			if kind := unitLevel(name[:n+1], street, text[size:]); kind != noLevel {
				return size, kind
			}
		}
		street = street || n > 0 && t&inStreet != 0
	}
	return 0, noLevel
}

// traits say what a character makes of a name.
type traits uint8

const (
	endsUnit      traits = 1 << iota // it can be the last of a unit's name
	notCity                          // 市 behind it makes no city: 超市, 夜市
	notCounty                        // 区 behind it makes no district: 小区, 园区
	inStreet                         // streets and villages have it, and no district
	bannerSide                       // 旗 behind it makes a banner: 左旗
	beginsSurname                    // a compound surname can begin with it
)

// hanTraits holds the traits of the characters from U+4E00.
var hanTraits = func() (table [0xA000 - 0x4E00]traits) {
	for name := range compoundSurnames {
		table[name[0]-0x4E00] |= beginsSurname
	}
	for t, characters := range map[traits]string{
		endsUnit:   "市州盟区县旗",
		notCity:    "城超夜菜股门集街早花",
		notCounty:  "小社园校厂景库院宅墅属活业融务流储疆治政辖地片营一二三四五六七八九十",
		inStreet:   "路街巷弄号栋幢村屯组厦镇",
		bannerSide: "前后左右中",
	} {
		for _, r := range characters {
			table[r-0x4E00] |= t
		}
	}
	return table
}()

func traitsOf(r rune) traits {
	if i := uint32(r) - 0x4E00; i < uint32(len(hanTraits)) {
		return hanTraits[i]
	}
	return 0
}

// unitLevel says what a name is, by its last characters; next is what follows.
func unitLevel(name []rune, street bool, next []byte) level {
	n := len(name) - 1 // characters in front of the last
	before := traits(0)
	if n > 0 {
		before = traitsOf(name[n-1])
	}
	switch name[n] {
	case '市':
		// 沙市区, 津市市 and 新市区 have a 市 inside; 超市, 夜市 and 城市 are none.
		if n >= 2 && n <= 6 && before&notCity == 0 && !hasAt(next, 0, "场") && !hasAt(next, 0, "民") {
			return city
		}
	case '州':
		if n >= 4 && endsWith(name, '自', '治', '州') {
			return prefecture
		}
	case '盟':
		if n >= 2 && n <= 4 && isLeague(name[:n]) {
			return prefecture
		}
	case '区':
		switch {
		case n >= 3 && endsWith(name, '地', '区'):
			return prefecture
		case street:
			return noLevel
		case endsWith(name, '开', '发', '区') || endsWith(name, '族', '区'):
			if n >= 3 && n <= 10 {
				return county
			}
		case n >= 1 && n <= 5 && before&notCounty == 0:
			return county
		}
	case '县':
		if n >= 1 && n <= 5 && !street || n >= 3 && endsWith(name, '自', '治', '县') {
			return county
		}
	case '旗':
		if n >= 3 && endsWith(name, '自', '治', '旗') || n >= 2 && before&bannerSide != 0 || n >= 2 && isBanner(name[:n]) {
			return county
		}
	}
	return noLevel
}

func endsWith(name []rune, suffix ...rune) bool {
	return len(name) >= len(suffix) && slices.Equal(name[len(name)-len(suffix):], suffix)
}

func is(name []rune, list ...string) bool {
	return len(name) <= 8 && slices.Contains(list, string(name)) // a longer one would be allocated
}

func isLeague(name []rune) bool { return is(name, "兴安", "锡林郭勒", "阿拉善") }

// isBanner reports whether name is a banner whose name does not tell its side.
func isBanner(name []rune) bool {
	return is(name, "土默特", "达尔罕茂明安联合", "阿鲁科尔沁", "巴林", "克什克腾", "翁牛特", "喀喇沁", "敖汉", "奈曼", "库伦", "扎鲁特",
		"达拉特", "准格尔", "鄂托克", "杭锦", "乌审", "伊金霍洛", "陈巴尔虎", "扎赉特", "阿巴嘎", "东乌珠穆沁", "西乌珠穆沁", "太仆寺", "镶黄",
		"正镶白", "正蓝", "阿拉善", "额济纳", "四子王", "察哈尔右翼")
}
