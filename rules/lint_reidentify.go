package rules

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/treatment"
)

// Fields that a role is shown can say more together than each says alone. The checks below look at
// what one role shows at most. They do not look at callers with several roles, nor at what callers
// know from elsewhere.
//
//   - reidentify_id_card. An ID card number is six digits of region, eight of birth date, three of
//     sequence, the last of which is odd for men, and a check digit (GB 11643-1999). So birth date
//     and gender beside a masked number fill in hidden digits, and the check digit rules out ten of
//     eleven of the numbers left. If 6+4 digits are shown, some 3,000 numbers fit; with the birth
//     year beside them, some 30; with the birth date, one. Reported if at most fewThings fit.
//   - mask_shows_most. A masked number of another type that at most fewThings numbers fit.
//   - reidentify_masks. Two fields of one type with different masks show together what either
//     hides: a mobile number as 138****5678 here and ***1234**** there. Reported if at most two
//     characters stay hidden.
//   - reidentify_pseudonym. A pseudonym or token is the same for the same value, type and purpose.
//     If the role sees the value, or a part of it, in another field of the type, it learns whose
//     pseudonym that is, once and for all (GB/T 37964-2019 calls this linkability). Encryption that
//     is not deterministic is not meant.
//   - reidentify_indirect. Birth date, gender and district single out most people (87 % of the
//     population of the United States, by its five-digit areas: Sweeney, Simple Demographics Often
//     Identify People Uniquely, 2000), so masking the name and numbers beside them hides little.
//     Reported if all three are shown, unless a field beside them identifies the person directly:
//     then there is nothing left to re-identify.
//
// Two combinations are not reported. A mobile number of which 3+4 digits are shown, beside a city:
// the city tells the hidden digits in part, but hundreds of numbers are left, and shops print both
// on receipts. A region beside an ID card: the card has the region of the first registration, and
// not the region where somebody lives.

// fewThings is the k of k-anonymity: if at most so many values fit a mask, the mask counts as seen
// through, since somebody could try them all by hand.
const fewThings = 1000

// reidentify reports the combinations above in what a role shows.
func (l *linter) reidentify(index int) {
	role := l.set.roles[index]
	byType := map[string][]sight{} // by service and type: a sight for each treatment
	l.view(index, func(r *Route, _ *kind, seen []sight) {
		for _, s := range seen {
			key, text := r.Service+" "+s.field.typ.Name, s.expression.String()
			alike := func(other sight) bool { return other.expression.String() == text }
			if s.rank() <= masking.RankPseudo && !slices.ContainsFunc(byType[key], alike) {
				byType[key] = append(byType[key], s)
			}
		}
		l.idCards(role, seen)
		l.numbers(role, seen)
		l.indirect(role, seen)
	})
	for _, key := range slices.Sorted(maps.Keys(byType)) {
		l.masks(role, byType[key])
		l.pseudonyms(role, byType[key])
	}
}

// place is the place of the entry that shows a field; of the role, if no entry does.
func (s sight) place(r *role) place {
	if s.at == (place{}) {
		return r.at
	}
	return s.at
}

// idCards reports masked ID card numbers that the fields beside them fill in.
func (l *linter) idCards(role *role, seen []sight) {
	var born date
	var beside []string
	male := false
	for _, s := range seen {
		switch s.field.typ.Name {
		case "birth_date":
			if d := dateShown(s); d.year {
				born = born.or(d)
				beside = append(beside, s.field.path)
			}
		case "gender":
			if s.rank() == masking.RankClear {
				male = true
				beside = append(beside, s.field.path)
			}
		}
	}
	for _, s := range seen {
		if s.field.typ.Name != "cn_id_card" || s.rank() != masking.RankMask {
			continue
		}
		shown := shownOf(s, idCards)
		if shown == nil {
			continue
		}
		if n := idCardsThatFit(shown, born, male); n <= fewThings {
			with := ""
			if len(beside) > 0 {
				with = ", with " + strings.Join(beside, " and ") + " beside it,"
			}
			about := "role " + role.name + ": " + s.field.inService
			l.add(reidentifyIDCard, Warning, s.place(role), about,
				"what %s leaves of an ID card number%s fits %s only; show fewer digits, as in "+
					"cn_id_card or mask(keep_last=4), or less of what is beside",
				s.expression, with, roughly(n))
		}
	}
}

// counted says how to count the numbers of a type that fit a mask. So many known characters in
// front are the same in all numbers, and so many digits follow from the others (ISO/IEC 7812-1). A
// type of several lengths is there with the shortest and the longest.
var counted = []struct {
	typ           string
	probe         numbers
	known, follow int
}{
	{"cn_mobile", shaped["cn_mobile"], 1, 0},
	{"bank_card", shaped["bank_card"], 0, 1},
	{"bank_card", numbers{"6222021234567894", "5433130345678909"}, 0, 1},
	{"passport", numbers{"E12345678", "G87654321"}, 0, 0},
	{"hkmo_permit", numbers{"H12345678", "M87654321"}, 0, 0},
	{"tw_permit", numbers{"12345678", "87654321"}, 0, 0},
}

// numbers reports masks of numbers that few fit.
func (l *linter) numbers(role *role, seen []sight) {
	for _, s := range seen {
		for _, c := range counted {
			if c.typ != s.field.typ.Name || s.rank() != masking.RankMask {
				continue
			}
			shown := shownOf(s, c.probe)
			if shown == nil {
				continue
			}
			fit := 1
			for range hiddenIn(shown[c.known:]) - c.follow {
				fit = min(fit*10, fewThings+1)
			}
			if fit <= fewThings {
				l.add(masksLittle, Warning, s.place(role), "role "+role.name+": "+s.field.inService,
					"what %s leaves of a %s of %d characters fits %s only; show fewer, as in %s",
					s.expression, c.typ, len(shown), roughly(fit), c.typ)
			}
		}
	}
}

func roughly(n int) string {
	if n == 1 {
		return "one number"
	}
	return fmt.Sprintf("about %d numbers", n)
}

// date says which parts of a birth date are shown.
type date struct{ year, month, day bool }

func (d date) or(other date) date {
	return date{d.year || other.year, d.month || other.month, d.day || other.day}
}

func dateShown(s sight) date {
	out, ok := s.shows("1949-12-31")
	shows := func(part string) bool { return ok && strings.HasPrefix(out, part) }
	return date{shows("1949"), shows("1949-12"), ok && out == "1949-12-31"}
}

// idCardsThatFit counts the ID card numbers that fit what is shown: characters of the 18, parts of
// the birth date, perhaps the gender. There are some 3,000 regions (GB/T 2260) and births in some
// 100 years, and every sequence is taken to be given out.
func idCardsThatFit(shown []bool, born date, gender bool) int {
	hidden := func(from, to, most int) int {
		n := 1
		for _, s := range shown[from:to] {
			if !s {
				n = min(n*10, most)
			}
		}
		return n
	}
	n := hidden(0, 6, 3000)
	if !born.year {
		n *= hidden(6, 10, 100)
	}
	if !born.month {
		n *= hidden(10, 12, 12)
	}
	if !born.day {
		n *= hidden(12, 14, 30)
	}
	n *= hidden(14, 17, 1000)
	if gender && !shown[16] {
		n /= 2
	}
	if shown[17] {
		n /= 11
	}
	return max(1, n)
}

// numbers are two values of a type that differ in every character, as far as the type permits.
type numbers [2]string

var (
	idCards   = numbers{"11010519491231002X", "441322200607157340"}
	addresses = numbers{
		"上海市杨浦区东风大道367号4号楼102室", "浙江省杭州市西湖区文三路90号8幢2401室",
	}
	shaped = map[string]numbers{
		"cn_id_card": idCards,
		"cn_mobile":  {"13812345678", "19987650123"},
		"bank_card":  {"6222021234567890128", "5433130345678901232"},
	}
)

// masks reports fields of a type whose different masks together show nearly all.
func (l *linter) masks(role *role, seen []sight) {
	probe, ok := shaped[seen[0].field.typ.Name]
	if !ok {
		return
	}
	for i, a := range seen {
		for _, b := range seen[i+1:] {
			x, y := shownOf(a, probe), shownOf(b, probe)
			if a.rank() != masking.RankMask || b.rank() != masking.RankMask ||
				x == nil || y == nil {
				continue
			}
			both := make([]bool, len(x))
			for j := range x {
				both[j] = x[j] || y[j]
			}
			if least := min(hiddenIn(x), hiddenIn(y)); hiddenIn(both) <= 2 && least > 2 {
				about := "role " + role.name + ": " + a.field.inService + " and " +
					b.field.inService
				l.add(reidentifyMasks, Warning, b.place(role), about,
					"%s and %s hide different characters of a %s: together they leave %d hidden; "+
						"mask both alike",
					a.expression, b.expression, a.field.typ.Name, hiddenIn(both))
			}
		}
	}
}

func hiddenIn(shown []bool) int {
	n := 0
	for _, s := range shown {
		if !s {
			n++
		}
	}
	return n
}

// identifiers are types whose equal values mean the same person or thing. Two equal amounts or
// addresses do not.
var identifiers = append([]string{"landline", "customer_number", "device_id", "licence_plate"},
	directly...)

// pseudonyms reports types of which a field is shown as a stand-in, and another field as the value
// or a part of it.
func (l *linter) pseudonyms(role *role, seen []sight) {
	standIn := slices.IndexFunc(seen, func(s sight) bool {
		return s.rank() == masking.RankPseudo && linkable(s.expression)
	})
	open := slices.IndexFunc(seen, func(s sight) bool { return s.rank() < masking.RankPseudo })
	if standIn < 0 || open < 0 || !slices.Contains(identifiers, seen[0].field.typ.Name) {
		return
	}
	a, b := seen[standIn], seen[open]
	about := "role " + role.name + ": " + a.field.inService + " and " + b.field.inService
	l.add(reidentifyPseudo, Warning, a.place(role), about,
		"%s stands for the same value wherever it is, and %s shows it, or part of it: so the "+
			"role learns whose %s that is; drop one, or take encrypt for the first",
		a.expression, b.expression, a.expression.Name)
}

// linkable reports whether the stand-in of a value is always the same.
func linkable(e treatment.Expression) bool {
	return e.Name != "encrypt" || slices.ContainsFunc(e.Args, func(a treatment.Argument) bool {
		return a.Value == "siv"
	})
}

// directly are types that say who somebody is, or how to reach them.
var directly = []string{"person_name", "cn_id_card", "cn_mobile", "email", "bank_card", "passport",
	"hkmo_permit", "tw_permit", "officer_card"}

// indirect reports records that show birth date, gender and district, and not who the person is.
func (l *linter) indirect(role *role, seen []sight) {
	var born, gender, district string
	var at sight
	for _, s := range seen {
		name := s.field.typ.Name
		switch {
		case slices.Contains(directly, name) && s.rank() == masking.RankClear:
			return
		case name == "birth_date" && dateShown(s).day:
			born, at = s.field.path, s
		case name == "gender" && s.rank() == masking.RankClear:
			gender = s.field.path
		case name == "address" && districtShown(s), name == "cn_id_card" && regionShown(s):
			district = s.field.path
		}
	}
	if born != "" && gender != "" && district != "" {
		l.add(reidentifyIndirect, Warning, at.place(role), "role "+role.name+": "+
			at.field.inService,
			"%s, %s and %s together single out most people, though their names are hidden; show "+
				"the year of birth only (date(to=year)), or less of the others",
			born, gender, district)
	}
}

// districtShown reports whether an address is shown down to its district or county.
func districtShown(s sight) bool {
	a, ok := s.shows(addresses[0])
	b, ok2 := s.shows(addresses[1])
	return ok && ok2 && strings.HasPrefix(a, "上海市杨浦区") &&
		strings.HasPrefix(b, "浙江省杭州市西湖区")
}

func regionShown(s sight) bool {
	shown := shownOf(s, idCards)
	return shown != nil && hiddenIn(shown[:6]) == 0
}

// shows returns what is shown of a text; false if nothing is.
func (s sight) shows(text string) (string, bool) {
	t, err := s.expression.Treatment(treatment.Environment{Type: s.field.typ.Name,
		PseudonymKey: noKeys.PseudonymKey})
	switch {
	case err != nil || t.Rank > masking.RankMask:
		return "", false
	case t.Transform == nil:
		return text, true
	}
	out, ok := t.Transform.Append(nil, masking.Value{Kind: masking.String, Text: []byte(text)})
	if !ok {
		return "", false
	}
	shown, err := strconv.Unquote(string(out))
	return shown, err == nil
}

// shownOf finds out which characters of a type's values are shown, from what becomes of two probes;
// nil if none is.
func shownOf(s sight, probe numbers) []bool {
	var all []bool
	for _, text := range probe {
		out, ok := s.shows(text)
		if !ok {
			return nil
		}
		shown := aligned([]rune(text), []rune(out))
		for i := range all {
			shown[i] = shown[i] && all[i]
		}
		all = shown
	}
	return all
}

// aligned reports which characters of a text are among the characters left of it. If as many are
// left, they count at their places; if not, in their order (a longest common subsequence).
func aligned(text, left []rune) []bool {
	shown := make([]bool, len(text))
	if len(text) == len(left) {
		for i, r := range text {
			shown[i] = left[i] == r
		}
		return shown
	}
	// most[i][j] is how many characters of text[i:] can be among left[j:].
	most := make([][]int, len(text)+1)
	for i := len(text); i >= 0; i-- {
		most[i] = make([]int, len(left)+1)
		for j := len(left) - 1; j >= 0 && i < len(text); j-- {
			if most[i][j] = max(most[i+1][j], most[i][j+1]); text[i] == left[j] {
				most[i][j] = most[i+1][j+1] + 1
			}
		}
	}
	for i, j := 0, 0; i < len(text) && j < len(left); {
		switch {
		case text[i] == left[j]:
			shown[i] = true
			i, j = i+1, j+1
		case most[i+1][j] >= most[i][j+1]:
			i++
		default:
			j++
		}
	}
	return shown
}
