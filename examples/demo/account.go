package demo

import "time"

// Account is a bank account that a customer has registered.
type Account struct {
	CardNo   string `json:"cardNo"` // 16 to 19 digits
	Bank     string `json:"bank"`
	Balance  Money  `json:"balance"`
	OpenedOn string `json:"openedOn"` // 2006-01-02
}

// card is a product of a bank: the first digits of its numbers, and their length.
type card struct {
	bin    string
	bank   string
	length int
}

var cards = []card{
	{"622202", "中国工商银行", 19}, {"621700", "中国建设银行", 19}, {"622848", "中国农业银行", 19},
	{"621661", "中国银行", 19}, {"621098", "中国邮政储蓄银行", 19}, {"601428", "交通银行", 17},
	{"622588", "招商银行", 16}, {"622622", "中国民生银行", 16}, {"622521", "上海浦东发展银行", 16},
	{"622908", "兴业银行", 18},
}

// number returns a card number with a valid check digit.
func (c card) number(d dice) string {
	n := c.bin + d.digits(c.length-len(c.bin)-1)
	return n + string(luhnCheck(n))
}

// newAccounts returns n accounts, opened from a day on.
func newAccounts(d dice, n int, since time.Time) []Account {
	out := make([]Account, n)
	for i := range out {
		c := pick(d, cards)
		out[i] = Account{
			CardNo:   c.number(d),
			Bank:     c.bank,
			Balance:  Money(d.intn(pick(d, []int{50_000, 2_000_000, 20_000_000, 150_000_000}))),
			OpenedOn: d.date(since, asOf.AddDate(0, 0, -1)).Format(time.DateOnly),
		}
	}
	return out
}
