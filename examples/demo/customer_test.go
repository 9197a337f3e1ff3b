package demo

import (
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var (
	plainMobile  = regexp.MustCompile(`^1[3-9][0-9]{9}$`)
	spacedMobile = regexp.MustCompile(`^\+86 1[3-9][0-9] [0-9]{4} [0-9]{4}$`)
	emailForm    = regexp.MustCompile(`^[a-z.]+[0-9]+@(mail\.)?example\.(com|net|cn)$`)
	pinForm      = regexp.MustCompile(`^[0-9]{6}$`)
)

// TestAllCustomers checks every customer of the default data, with oracles other than the makers.
func TestAllCustomers(t *testing.T) {
	var (
		d                     = New(DefaultSeed, DefaultCustomers)
		count                 = map[string]int{}
		agents, branches      = map[string]int{}, map[string]int{}
		ids, idCards, cardNos = map[string]bool{}, map[string]bool{}, map[string]bool{}
		regionNames           = map[string]string{}
	)
	for _, c := range cities {
		for _, r := range c.regions {
			if regionNames[r.code] != "" || len(r.code) != 6 {
				t.Errorf("region %s is there twice, or malformed", r.code)
			}
			regionNames[r.code] = r.province + r.city + r.district
		}
	}
	for c := range d.Customers() {
		id := c.CustomerID
		if ids[id] || idCards[c.IDCard] {
			t.Fatalf("%s: id or identity number seen before", id)
		}
		ids[id], idCards[c.IDCard] = true, true
		agents[c.AgentID]++
		branches[c.Branch]++

		number := c.IDCard
		if len(number) == 15 {
			count["15 digits"]++
			number = number[:6] + "19" + number[6:]
			number += idCheckOf(number)
		}
		if len(number) != 18 || idCheckOf(number[:17]) != number[17:] {
			t.Errorf("%s: identity number %q is not valid", id, c.IDCard)
		}
		birth, err := time.Parse("20060102", number[6:14])
		if err != nil || birth.Format("2006-01-02") != c.BirthDate {
			t.Errorf("%s: identity number %q disagrees with birth date %s",
				id, c.IDCard, c.BirthDate)
		}
		male := (number[16]-'0')%2 == 1
		if male != (c.Gender == "男") || c.Gender != "男" && c.Gender != "女" {
			t.Errorf("%s: identity number %q disagrees with gender %s", id, c.IDCard, c.Gender)
		}
		if place := regionNames[number[:6]]; place == "" || !strings.HasPrefix(c.Address, place) {
			t.Errorf("%s: identity number %q disagrees with address %s", id, c.IDCard, c.Address)
		}
		opened, err := time.Parse("2006-01-02", c.OpenedOn)
		if err != nil || opened.Before(birth.AddDate(18, 0, 0)) || opened.Year() > 2025 {
			t.Errorf("%s: born on %s, opened on %s", id, c.BirthDate, c.OpenedOn)
		}
		switch {
		case spacedMobile.MatchString(c.Mobile):
			count["spaced mobile"]++
		case !plainMobile.MatchString(c.Mobile):
			t.Errorf("%s: mobile %q is malformed", id, c.Mobile)
		}
		switch {
		case c.Email == nil:
			count["no e-mail"]++
		case !emailForm.MatchString(*c.Email):
			t.Errorf("%s: e-mail %q is malformed", id, *c.Email)
		}
		if strings.ContainsFunc(c.Name, func(r rune) bool { return r > 0xffff }) {
			count["rare character"]++
		}
		if n := utf8.RuneCountInString(c.Name); n < 2 || n > 4 {
			t.Errorf("%s: name %q has %d characters", id, c.Name, n)
		}
		begins := func(surname string) bool { return strings.HasPrefix(c.Name, surname) }
		if slices.ContainsFunc([]string{"欧阳", "诸葛", "上官", "司马"}, begins) {
			count["compound surname"]++
		}
		if !pinForm.MatchString(c.QueryPin) || c.Income < 0 ||
			c.Device.LastIP == "" || len(c.Device.DeviceID) != 32 {
			t.Errorf("%s: pin, income or device is malformed: %+v", id, c)
		}
		if len(c.Accounts) < 1 || len(c.Accounts) > 3 {
			t.Errorf("%s: %d accounts", id, len(c.Accounts))
		}
		for _, a := range c.Accounts {
			if len(a.CardNo) < 16 || len(a.CardNo) > 19 || !luhn(a.CardNo) || cardNos[a.CardNo] {
				t.Errorf("%s: card number %q is not valid, or seen before", id, a.CardNo)
			}
			cardNos[a.CardNo] = true
			if a.Balance < 0 || a.OpenedOn < c.OpenedOn {
				t.Errorf("%s: account %+v of a customer since %s", id, a, c.OpenedOn)
			}
		}
	}
	if len(ids) != DefaultCustomers || len(agents) != 50 || len(branches) != 50 {
		t.Errorf("%d customers, %d agents, %d branches", len(ids), len(agents), len(branches))
	}
	for name, n := range agents {
		if n != 200 {
			t.Errorf("%s has %d customers, want 200", name, n)
		}
	}
	for name, n := range branches {
		if n != 200 {
			t.Errorf("branch %s has %d customers, want 200", name, n)
		}
	}
	for name, want := range map[string][2]int{
		"15 digits":        {20, 80},
		"spaced mobile":    {300, 500},
		"no e-mail":        {700, 950},
		"rare character":   {30, 75},
		"compound surname": {50, 200},
	} {
		if n := count[name]; n < want[0] || n > want[1] {
			t.Errorf("%d customers with %s, want from %d to %d", n, name, want[0], want[1])
		}
	}
}

// idCheckOf computes a check character straight from ISO 7064: a·2 + digit, modulo 11.
func idCheckOf(first17 string) string {
	p := 0
	for _, r := range first17 {
		p = (p + int(r-'0')) * 2 % 11
	}
	return []string{"1", "0", "X", "9", "8", "7", "6", "5", "4", "3", "2"}[p]
}

// luhn reports whether a whole card number is valid.
func luhn(number string) bool {
	sum := 0
	for i, r := range number {
		v := int(r - '0')
		if (len(number)-i)%2 == 0 {
			v = v*2/10 + v*2%10
		}
		sum += v
	}
	return sum%10 == 0
}

func TestCheckCharacters(t *testing.T) {
	for _, tt := range []struct {
		name string
		of   func(string) byte
		full string
	}{
		{"idCheck", idCheck, "11010519491231002X"},
		{"idCheck", idCheck, "440524188001010014"},
		{"idCheck", idCheck, "51343620000320711X"},
		{"idCheck", idCheck, "110101199001011237"},
		{"idCheck", idCheck, "810000199001010019"},
		{"luhnCheck", luhnCheck, "6222021234567890128"},
		{"luhnCheck", luhnCheck, "6225880137706868"},
		{"luhnCheck", luhnCheck, "6228480402564890018"},
		{"usccCheck", usccCheck, "91350100M000100Y43"},
		{"usccCheck", usccCheck, "91110108MA01YBNX62"},
		{"orgCheck", orgCheck, "M000100Y4"},
		{"orgCheck", orgCheck, "708461136"},
	} {
		body, want := tt.full[:len(tt.full)-1], tt.full[len(tt.full)-1]
		if got := tt.of(body); got != want {
			t.Errorf("%s(%q) = %c, want %c", tt.name, body, got, want)
		}
	}
}

// TestCompanies checks the codes as numbers of base 31, not with the makers' loop.
func TestCompanies(t *testing.T) {
	d := New(DefaultSeed, 1)
	seen := map[string]bool{}
	for _, c := range d.Companies() {
		sum, weight, m := big.NewInt(0), big.NewInt(1), big.NewInt(31)
		for _, r := range c.USCC {
			v := big.NewInt(int64(strings.IndexRune(usccAlphabet, r)))
			sum.Add(sum, v.Mul(v, weight))
			weight.Mul(weight, big.NewInt(3))
		}
		// With the check character's own weight of 1 the sum vanishes modulo 31.
		check := int64(strings.IndexByte(usccAlphabet, c.USCC[17]))
		last := new(big.Int).Exp(big.NewInt(3), big.NewInt(17), nil)
		sum.Sub(sum, last.Mul(last, big.NewInt(check))).Add(sum, big.NewInt(check))
		if len(c.USCC) != 18 || sum.Mod(sum, m).Sign() != 0 || seen[c.USCC] {
			t.Errorf("code %q is not valid, or seen before", c.USCC)
		}
		if c.USCC[16] != orgCheck(c.USCC[8:16]) {
			t.Errorf("code %q has a bad organisation code", c.USCC)
		}
		seen[c.USCC] = true
		if got, ok := d.Company(c.USCC); !ok || got != c {
			t.Errorf("Company(%q) = %+v, %v", c.USCC, got, ok)
		}
		if c.Name == "" || c.LegalRepresentative == "" || c.RegisteredCapital <= 0 ||
			c.Status == "" || c.Address == "" {
			t.Errorf("company %+v has an empty field", c)
		}
	}
	if len(seen) != companyCount {
		t.Errorf("%d companies, want %d", len(seen), companyCount)
	}
}

func TestMoney(t *testing.T) {
	for _, tt := range []struct {
		in   Money
		want string
	}{
		{0, "0.00"}, {5, "0.05"}, {-5, "-0.05"}, {100, "1.00"}, {-123456, "-1234.56"},
		{1_234_567_890, "12345678.90"},
	} {
		b, err := tt.in.MarshalJSON()
		if err != nil || string(b) != tt.want {
			t.Errorf("Money(%d).MarshalJSON() = %s, %v, want %s", int64(tt.in), b, err, tt.want)
		}
		var back Money
		if err := back.UnmarshalJSON(b); err != nil || back != tt.in {
			t.Errorf("UnmarshalJSON(%s) = %d, %v, want %d", b, int64(back), err, int64(tt.in))
		}
		f, err := strconv.ParseFloat(tt.want, 64)
		if err != nil || int64(f*100+0.5*sign(f)) != int64(tt.in) {
			t.Errorf("%s is not the number %d fen", tt.want, int64(tt.in))
		}
	}
	for _, bad := range []string{"1", "1.5", "1.234", `"1.00"`, "1.0e2", "{}", "1.-1"} {
		var m Money
		if err := m.UnmarshalJSON([]byte(bad)); err == nil {
			t.Errorf("UnmarshalJSON(%s) = %d, want an error", bad, int64(m))
		}
	}
}

func sign(f float64) float64 {
	if f < 0 {
		return -1
	}
	return 1
}
