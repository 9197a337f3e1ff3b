package demo

import (
	"fmt"
	"time"
)

// Customers are born from firstBirth on, over birthDays days: until the end of 2005.
var firstBirth = day(1963, 1, 1)

const (
	birthDays = 15706
	// ordersPerDay is how many order codes a gender has for a day and a region, leaving out 000.
	ordersPerDay = 499
)

// identity is what an identity number says, and the number.
type identity struct {
	birth  time.Time
	male   bool
	number string // 18 characters
}

// newIdentity returns the identity of customer i in a region. Birth date and order code together
// belong to one customer only, so no two numbers are the same (GB 11643-1999: region, birth date,
// order code that is odd for men, check character).
func newIdentity(d dice, seed uint64, i int, r region) identity {
	slot := permute(seed, kindIdentity, i, birthDays*ordersPerDay)
	id := identity{
		birth: firstBirth.AddDate(0, 0, slot/ordersPerDay),
		male:  d.intn(2) == 1,
	}
	order := 2 * (slot%ordersPerDay + 1)
	if id.male {
		order++
	}
	first17 := fmt.Sprintf("%s%s%03d", r.code, id.birth.Format("20060102"), order)
	id.number = first17 + string(idCheck(first17))
	return id
}

// age returns the full years lived on asOf.
func (id identity) age() int {
	years := asOf.Year() - id.birth.Year()
	if id.birth.AddDate(years, 0, 0).After(asOf) {
		years--
	}
	return years
}

// short returns the number as it was before 1999: 15 digits, without century and check character.
// It is only meant for those born in the twentieth century.
func (id identity) short() string { return id.number[:6] + id.number[8:17] }

func (id identity) gender() string {
	if id.male {
		return "男"
	}
	return "女"
}

// mobilePrefixes are in use by the four networks.
var mobilePrefixes = []string{
	"134", "135", "136", "137", "138", "139", "147", "150", "151", "152", "157", "158", "159",
	"178", "182", "183", "187", "188", "198", "130", "131", "132", "155", "156", "176", "185",
	"186", "133", "153", "177", "180", "181", "189", "191", "199",
}

// newMobile returns a number of 11 digits.
func newMobile(d dice) string { return pick(d, mobilePrefixes) + d.digits(8) }

// spaced writes a mobile number as +86 138 1234 5678.
func spaced(mobile string) string {
	return "+86 " + mobile[:3] + " " + mobile[3:7] + " " + mobile[7:]
}
