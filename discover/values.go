package discover

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/maskgate/maskgate/treatment"
)

// verdict is what a detector says of a value. A value may have several verdicts.
type verdict string

const (
	// idCard is 18 characters with a right check digit, a region and a day that exist (GB
	// 11643-1999). bankCard is 15 to 19 digits of a card issuer with a right check digit (ISO/IEC
	// 7812-1, Luhn).
	idCard   verdict = "cn_id_card"
	bankCard verdict = "bank_card"

	idCard15    verdict = "cn_id_card15" // the 15 digits of old, which have no check digit
	uscc        verdict = "uscc"         // right check character (GB 32100-2015)
	mobile      verdict = "cn_mobile"
	landline    verdict = "landline"
	email       verdict = "email"
	plate       verdict = "licence_plate"
	passport    verdict = "passport"
	hkmo        verdict = "hkmo_permit"
	officer     verdict = "officer_card"
	ip          verdict = "ip_address"
	geo         verdict = "geo_point"
	person      verdict = "person_name" // a surname and one to three characters more
	address     verdict = "address"
	sex         verdict = "gender"
	nation      verdict = "ethnicity"
	marriage    verdict = "marital_status"
	secret      verdict = "secret"    // a JWT, a PEM block, a hash of a password
	document    verdict = "document"  // JSON or XML in a string
	contained   verdict = "contained" // personal data within a longer text
	date        verdict = "date"
	moment      verdict = "moment" // a date with a time
	integer     verdict = "integer"
	decimal     verdict = "decimal"
	hexadecimal verdict = "hex"     // 16 digits or more, as hashes and devices have them
	word        verdict = "word"    // letters, digits, - and _: a code or an item of a list
	company     verdict = "company" // ends as names of organisations do
	han         verdict = "han"     // Chinese, up to 12 characters
)

// detectors judge each string and number, in the order of the constants. Most look at a length or a
// character first, so that few values meet a regular expression.
var detectors = []struct {
	verdict verdict
	holds   func(text string) bool
}{
	{idCard, func(s string) bool {
		return isIDCard(s) && treatment.FormOf("cn_id_card", []byte(s)) == treatment.FormChecked
	}},
	{idCard15, func(s string) bool { return utf8.RuneCountInString(s) == 15 && isIDCard(s) }},
	{bankCard, isBankCard},
	{uscc, func(s string) bool {
		return treatment.FormOf("uscc", []byte(s)) == treatment.FormChecked && !isIDCard(s)
	}},
	{mobile, isMobile},
	{landline, func(s string) bool {
		return areaCode.MatchString(s) && hasForm("landline", s)
	}},
	{email, func(s string) bool { return strings.Contains(s, "@") && emailAddress.MatchString(s) }},
	{plate, func(s string) bool { return hasForm("licence_plate", s) }},
	{passport, func(s string) bool { return len(s) == 9 && passportNumber.MatchString(s) }},
	{hkmo, func(s string) bool {
		return (len(s) == 9 || len(s) == 11) && permitNumber.MatchString(s)
	}},
	{officer, func(s string) bool {
		return strings.Contains(s, "字") && officerNumber.MatchString(s)
	}},
	{ip, func(s string) bool { return hasForm("ip_address", s) }},
	{geo, func(s string) bool {
		return strings.ContainsAny(s, ", ") && coordinates.MatchString(s)
	}},
	{person, isPersonName},
	{address, isAddress},
	{sex, oneOf("男", "女", "男性", "女性", "M", "F", "male", "female", "Male", "Female", "MALE",
		"FEMALE")},
	{nation, isNation},
	{marriage, oneOf("未婚", "已婚", "离异", "离婚", "丧偶", "再婚", "初婚", "single", "married",
		"divorced", "widowed")},
	{secret, func(s string) bool {
		return len(s) > 6 && strings.IndexByte("e-${Bb", s[0]) >= 0 && secretText.MatchString(s)
	}},
	{document, func(s string) bool {
		return strings.ContainsAny(s, "{[<") && embedded.MatchString(s)
	}},
	{contained, containsPersonal},
	{date, func(s string) bool { return utf8.RuneCountInString(s) <= 11 && isDate(s) }},
	{moment, func(s string) bool { return utf8.RuneCountInString(s) > 11 && isDate(s) }},
	{integer, wholeNumber.MatchString},
	{decimal, decimalNumber.MatchString},
	{hexadecimal, func(s string) bool { return len(s) >= 16 && hexDigits.MatchString(s) }},
	{word, codeWord.MatchString},
	{company, isCompany},
	{han, func(s string) bool { return utf8.RuneCountInString(s) <= 12 && isHan(s) }},
}

var (
	areaCode     = regexp.MustCompile(`^(\+?86|0086)?[ -]?[(（]?0`)
	emailAddress = regexp.MustCompile(`^[^\s@<>"]{1,64}@[\pL\pN-]+(\.[\pL\pN-]+)+$`)
	// Passports: ordinary, electronic, official, and those issued before.
	passportNumber = regexp.MustCompile(
		`^([EeDdSsPpGg]\d{8}|[Ee][A-HJ-NP-Za-hj-np-z]\d{7}|1[45]\d{7})$`)
	permitNumber  = regexp.MustCompile(`^[HMhmC]\d{8}(\d{2})?$`)
	officerNumber = regexp.MustCompile(`^\p{Han}{1,3}字第?\d{6,10}号?$`)
	coordinates   = regexp.MustCompile(`^-?\d{1,3}\.\d{3,}[, ]+-?\d{1,3}\.\d{3,}$`)
	secretText    = regexp.MustCompile(`^(eyJ[\w-]+\.[\w-]+\.[\w-]*$|-----BEGIN ` +
		`|\$2[aby]\$|\$argon2|\{(bcrypt|noop|sm3|sha256)\}|[Bb]earer )`)
	embedded      = regexp.MustCompile(`^\s*([{\[]\s*["{\[]|<[?A-Za-z])`)
	wholeNumber   = regexp.MustCompile(`^-?\d+$`)
	decimalNumber = regexp.MustCompile(`^-?\d+\.\d+$`)
	hexDigits     = regexp.MustCompile(`^[0-9A-Fa-f]{8}-?([0-9A-Fa-f]{4}-?){2,}[0-9A-Fa-f]+$`)
	codeWord      = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,31}$`)

	mobileWithin = regexp.MustCompile(`(^|\D)1[3-9]\d{9}($|\D)`)
	idCardWithin = regexp.MustCompile(`(^|\D)[1-8]\d{16}[\dXx]($|\D)`)
	cardWithin   = regexp.MustCompile(`(^|\D)[3-6]\d{14,18}($|\D)`)
	emailWithin  = regexp.MustCompile(`[\w.+-]+@[\w-]+(\.[\w-]+)+`)
)

// regions are the first two digits of identity numbers: the provinces of GB/T 2260, and 81 to 83.
const regions = "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 " +
	"61 62 63 64 65 71 81 82 83"

// hasForm reports whether a text has a form in which values of a type are written.
func hasForm(typ, s string) bool {
	return treatment.FormOf(typ, []byte(s)) != treatment.NoForm
}

func isIDCard(s string) bool {
	return len(s) >= 15 && strings.Contains(regions, s[:2]) && !strings.Contains(s[:2], " ") &&
		hasForm("cn_id_card", s)
}

// isBankCard takes the numbers of the networks that issue in China: 62 and 60 (UnionPay), 4, 5, and
// 35 to 37. One random number in ten has the right check digit, so a single value proves nothing.
func isBankCard(s string) bool {
	return len(s) >= 15 && strings.IndexByte("3456", s[0]) >= 0 &&
		treatment.FormOf("bank_card", []byte(s)) == treatment.FormChecked
}

// isMobile takes numbers that begin with 13 to 19, the ranges in use.
func isMobile(s string) bool {
	if treatment.FormOf("cn_mobile", []byte(s)) == treatment.NoForm {
		return false
	}
	digits := strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, s)
	return len(digits) >= 11 && strings.IndexByte("3456789", digits[len(digits)-10]) >= 0
}

func isDate(s string) bool { return hasForm("birth_date", s) }

func oneOf(list ...string) func(string) bool {
	return func(s string) bool { return slices.Contains(list, s) }
}

// isHan reports whether a text has Chinese characters only, and the dots of names.
func isHan(s string) bool {
	for _, r := range s {
		if !unicode.Is(unicode.Han, r) && r != '·' {
			return false
		}
	}
	return s != ""
}

func isNation(s string) bool {
	name := strings.TrimSuffix(s, "族")
	return name != s && strings.Contains(nations, " "+name+" ")
}

const nations = " 汉 壮 回 满 维吾尔 苗 彝 土家 藏 蒙古 布依 侗 瑶 白 朝鲜 哈尼 黎 哈萨克 傣 畲 " +
	"傈僳 东乡 仡佬 拉祜 佤 水 纳西 羌 土 仫佬 锡伯 柯尔克孜 景颇 达斡尔 撒拉 布朗 毛南 塔吉克 " +
	"普米 阿昌 怒 鄂温克 京 基诺 德昂 保安 俄罗斯 裕固 乌孜别克 门巴 鄂伦春 独龙 赫哲 高山 珞巴 " +
	"塔塔尔 "

// isAddress takes texts that begin with places that exist, and texts with the words of a street.
func isAddress(s string) bool {
	if hasForm("address", s) {
		return true
	}
	n := utf8.RuneCountInString(s)
	return n >= 6 && n <= 100 && strings.ContainsAny(s, "路街巷村镇乡道") &&
		strings.ContainsAny(s, "号室栋楼组幢")
}

func isCompany(s string) bool {
	for _, end := range [...]string{"公司", "银行", "集团", "中心", "医院", "学校", "大学", "协会",
		"基金", "事务所", "信用社", "支行", "分行", "部", "局", "厂", "店", "院"} {
		if name, ok := strings.CutSuffix(s, end); ok && utf8.RuneCountInString(name) >= 2 &&
			isHan(name) {
			return true
		}
	}
	return false
}

// containsPersonal reports whether somebody's number or address stands within a longer text.
func containsPersonal(s string) bool {
	if len(s) < len("a@b.cn ") || isMobile(s) || isIDCard(s) || isBankCard(s) ||
		emailAddress.MatchString(s) || wholeNumber.MatchString(s) {
		return false
	}
	if strings.Contains(s, "@") && emailWithin.MatchString(s) {
		return true
	}
	return strings.ContainsAny(s, "0123456789") && (mobileWithin.MatchString(s) ||
		idCardWithin.MatchString(s) || cardWithin.MatchString(s))
}

// judge appends what the detectors say of a string's content or a number's text.
func judge(dst []verdict, text string) []verdict {
	for _, d := range detectors {
		if d.holds(text) {
			dst = append(dst, d.verdict)
		}
	}
	return dst
}
