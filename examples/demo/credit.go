package demo

import (
	"fmt"
	"time"
)

// CreditReport is what a credit bureau answered about a customer.
type CreditReport struct {
	CustomerID string        `json:"customerId"`
	ReportNo   string        `json:"reportNo"`
	QueriedAt  string        `json:"queriedAt"` // RFC 3339
	Score      int           `json:"score"`     // 350 to 950
	Grade      string        `json:"grade"`     // A to E
	Subject    CreditSubject `json:"subject"`
	Loans      []Loan        `json:"loans"`
	Overdues   []Overdue     `json:"overdues"`
	Guarantors []Guarantor   `json:"guarantors"` // other customers: subjects of their own
	Queries    []Query       `json:"queries"`
}

// CreditSubject is whom a report is about.
type CreditSubject struct {
	Name   string `json:"name"`
	IDCard string `json:"idCard"`
}

// Loan is one loan of the subject.
type Loan struct {
	Lender    string `json:"lender"`
	Kind      string `json:"kind"`
	Principal Money  `json:"principal"`
	Balance   Money  `json:"balance"`
	OpenedOn  string `json:"openedOn"` // 2006-01-02
	Status    string `json:"status"`
}

// Overdue is one month in which the subject paid late.
type Overdue struct {
	Month  string `json:"month"` // 2006-01
	Amount Money  `json:"amount"`
	Days   int    `json:"days"`
}

// Guarantor is another customer who answers for a loan of the subject.
type Guarantor struct {
	CustomerID string `json:"customerId"`
	Name       string `json:"name"`
	IDCard     string `json:"idCard"`
	Mobile     string `json:"mobile"`
}

// Query is one earlier query of the report (征信业管理条例, Art. 22: who, when, why).
type Query struct {
	At     string `json:"at"` // RFC 3339
	By     string `json:"by"`
	Reason string `json:"reason"`
}

// CreditReport returns the report on a customer, and whether there is such a customer. Lists may
// be empty, never null.
func (d *Data) CreditReport(id string) (CreditReport, bool) {
	c, ok := d.Customer(id)
	if !ok {
		return CreditReport{}, false
	}
	i, _ := d.index(id)
	dice := newDice(d.seed, kindCredit, i)
	queried := newMoment(dice, day(2025, 7, 1), day(2025, 12, 31))
	score := dice.between(350, 950)
	return CreditReport{
		CustomerID: id,
		ReportNo:   fmt.Sprintf("CR%s%08d", queried.Format("20060102"), i+1),
		QueriedAt:  queried.Format(time.RFC3339),
		Score:      score,
		Grade:      string("EDCBA"[min((score-350)/120, 4)]),
		Subject:    CreditSubject{Name: c.Name, IDCard: c.IDCard},
		Loans:      newLoans(dice),
		Overdues:   newOverdues(dice, score),
		Guarantors: d.newGuarantors(dice, i),
		Queries:    newQueries(dice, queried),
	}, true
}

func newLoans(d dice) []Loan {
	out := make([]Loan, d.between(0, 3))
	for i := range out {
		principal := 1_000_000 * d.between(1, 50) // 10,000 to 500,000 yuan
		l := Loan{
			Lender:    pick(d, cards).bank,
			Kind:      pick(d, []string{"个人消费贷款", "住房贷款", "汽车贷款", "经营贷款", "信用卡分期"}),
			Principal: Money(principal),
			OpenedOn:  d.date(day(2018, 1, 1), day(2025, 6, 30)).Format(time.DateOnly),
			Status:    "正常",
		}
		if l.Balance = Money(d.intn(principal)); d.oneIn(5) {
			l.Balance, l.Status = 0, "结清"
		}
		out[i] = l
	}
	return out
}

func newOverdues(d dice, score int) []Overdue {
	n := 0
	if score < 650 {
		n = d.between(0, 3)
	}
	out := make([]Overdue, n)
	for i := range out {
		out[i] = Overdue{
			Month:  day(2024, 1+6*i+d.intn(6), 1).Format("2006-01"),
			Amount: Money(d.between(10_000, 800_000)),
			Days:   d.between(1, 89),
		}
	}
	return out
}

// newGuarantors returns up to two customers other than customer i; for the tour's, at least one.
func (d *Data) newGuarantors(dice dice, i int) []Guarantor {
	n := dice.between(0, 2)
	if i == tourIndex {
		n = max(n, 1)
	}
	out := make([]Guarantor, min(n, d.n-1))
	at := i
	for k := range out {
		// Two steps of at most half the way round cannot come back to i.
		at = (at + 1 + dice.intn(max((d.n-1)/2, 1))) % d.n
		c := d.customer(at)
		out[k] = Guarantor{
			CustomerID: c.CustomerID, Name: c.Name, IDCard: c.IDCard, Mobile: c.Mobile,
		}
	}
	return out
}

func newQueries(d dice, before time.Time) []Query {
	out := make([]Query, d.between(1, 4))
	for i := range out {
		before = before.Add(-time.Duration(d.between(1, 90*24*60*60)) * time.Second)
		out[i] = Query{
			At:     before.Format(time.RFC3339),
			By:     pick(d, cards).bank,
			Reason: pick(d, []string{"贷款审批", "贷后管理", "信用卡审批", "担保资格审查", "本人查询"}),
		}
	}
	return out
}

// newMoment returns a second of office hours on a day from first to last.
func newMoment(d dice, first, last time.Time) time.Time {
	return d.date(first, last).Add(9*time.Hour + time.Duration(d.intn(9*60*60))*time.Second)
}
