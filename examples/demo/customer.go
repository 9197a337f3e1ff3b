package demo

import (
	"fmt"
	"time"
)

// Customer is what the service knows of a person.
type Customer struct {
	CustomerID    string    `json:"customerId"`
	Name          string    `json:"name"`
	IDCard        string    `json:"idCard"` // 18 characters, rarely 15
	Gender        string    `json:"gender"`
	BirthDate     string    `json:"birthDate"` // 2006-01-02
	Mobile        string    `json:"mobile"`    // 11 digits, sometimes +86 138 1234 5678
	Email         *string   `json:"email"`     // null if there is none
	Address       string    `json:"address"`
	Occupation    string    `json:"occupation"`
	MaritalStatus string    `json:"maritalStatus"`
	Ethnicity     string    `json:"ethnicity"`
	Income        int       `json:"income"` // yuan a year
	Segment       string    `json:"segment"`
	RiskLevel     string    `json:"riskLevel"`
	AgentID       string    `json:"agentId"`
	Branch        string    `json:"branch"`
	OpenedOn      string    `json:"openedOn"` // 2006-01-02
	Accounts      []Account `json:"accounts"` // one to three
	Device        Device    `json:"device"`
	QueryPin      string    `json:"queryPin"` // six digits; a credential, which must never leave
}

// Device is what a customer last signed in with. Its address is from a range that RFC 5737 or
// RFC 3849 keeps for documentation.
type Device struct {
	DeviceID string `json:"deviceId"`
	LastIP   string `json:"lastIp"`
}

// tourIndex is the index of TourCustomerID.
const tourIndex = 51

// occupation is a trade with its usual income, in thousands of yuan a year.
type occupation struct {
	name     string
	from, to int
}

var occupations = []occupation{
	{"工程师", 120, 480}, {"教师", 80, 220}, {"医生", 120, 500}, {"护士", 70, 180}, {"会计", 70, 200},
	{"销售经理", 80, 420}, {"公务员", 80, 210}, {"个体工商户", 50, 600}, {"外卖骑手", 50, 130},
	{"网约车司机", 50, 140}, {"程序员", 150, 600}, {"设计师", 80, 300}, {"厨师", 60, 180}, {"律师", 100, 700},
	{"建筑工人", 50, 140}, {"银行职员", 90, 280}, {"物流主管", 80, 200}, {"自由职业", 40, 400},
}

// customer makes customer i. Everything but the identity number's uniqueness comes from one stream.
func (d *Data) customer(i int) Customer {
	var (
		dice     = newDice(d.seed, kindCustomer, i)
		ordinary = i == tourIndex
		post     = postOf(i)
		region   = pick(dice, post.city.regions[:])
		id       = newIdentity(dice, d.seed, i, region)
		person   = newPerson(dice, id.male, dice.oneIn(200) && !ordinary)
		work     = newOccupation(dice, id.age())
		since    = newOpening(dice, id.birth)
	)
	c := Customer{
		CustomerID:    customerID(i),
		Name:          person.name(),
		IDCard:        id.number,
		Gender:        id.gender(),
		BirthDate:     id.birth.Format(time.DateOnly),
		Mobile:        newMobile(dice),
		Address:       region.home(dice),
		Occupation:    work.name,
		MaritalStatus: newMaritalStatus(dice, id.age()),
		Ethnicity:     newEthnicity(dice),
		Income:        100 * dice.between(work.from*10, work.to*10),
		RiskLevel:     fmt.Sprintf("R%d", dice.between(1, 5)),
		AgentID:       post.agent,
		Branch:        post.branch,
		OpenedOn:      since.Format(time.DateOnly),
	}
	c.Segment = segmentOf(c.Income)
	if dice.oneIn(60) && id.birth.Year() < 1975 && !ordinary {
		c.IDCard = id.short()
	}
	if dice.oneIn(25) && !ordinary {
		c.Mobile = spaced(c.Mobile)
	}
	if !dice.oneIn(12) || ordinary {
		email := person.email(dice, id.birth.Year())
		c.Email = &email
	}
	accounts := dice.between(1, 3)
	if ordinary {
		accounts = 2
	}
	c.Accounts = newAccounts(dice, accounts, since)
	c.Device = newDevice(dice)
	c.QueryPin = dice.digits(6)
	return c
}

func newOccupation(d dice, age int) occupation {
	switch {
	case age >= 60:
		return occupation{"退休", 30, 120}
	case age < 23 && d.intn(2) == 0:
		return occupation{"学生", 0, 30}
	}
	return pick(d, occupations)
}

// newOpening returns the day a person became a customer: of age, and not before 2008.
func newOpening(d dice, birth time.Time) time.Time {
	first := birth.AddDate(18, 0, 0)
	if opening := day(2008, 1, 1); first.Before(opening) {
		first = opening
	}
	return d.date(first, asOf.AddDate(0, 0, -1))
}

func newMaritalStatus(d dice, age int) string {
	switch v := d.intn(100); {
	case age < 22, age < 30 && v < 60, v < 10:
		return "未婚"
	case v < 84:
		return "已婚"
	case v < 96 || age < 50:
		return "离异"
	}
	return "丧偶"
}

func newEthnicity(d dice) string {
	if d.intn(100) < 91 {
		return "汉族"
	}
	return pick(d, []string{"壮族", "回族", "满族", "苗族", "土家族", "彝族", "蒙古族", "维吾尔族"})
}

func segmentOf(income int) string {
	switch {
	case income >= 400_000:
		return "premier"
	case income >= 150_000:
		return "affluent"
	}
	return "mass"
}

func newDevice(d dice) Device {
	dev := Device{DeviceID: d.text(32, "0123456789abcdef")}
	if d.oneIn(10) {
		dev.LastIP = fmt.Sprintf("2001:db8:%x::%x", d.between(1, 0xffff), d.between(1, 0xffff))
	} else {
		network := pick(d, []string{"192.0.2", "198.51.100", "203.0.113"}) // RFC 5737
		dev.LastIP = fmt.Sprintf("%s.%d", network, d.between(1, 254))
	}
	return dev
}
