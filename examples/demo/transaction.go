package demo

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Transactions is the answer about a customer's movements of money, the latest first.
type Transactions struct {
	CustomerID string        `json:"customerId"`
	Items      []Transaction `json:"items"`
}

// Transaction is one movement of money. Its memo is free text, in which people do write names and
// numbers.
type Transaction struct {
	CustomerID       string  `json:"customerId"`
	ID               string  `json:"id"`
	Time             string  `json:"time"`   // RFC 3339
	Amount           Money   `json:"amount"` // negative if the customer pays
	Currency         string  `json:"currency"`
	CounterpartyName string  `json:"counterpartyName"`
	CounterpartyCard *string `json:"counterpartyCard"` // null for a company
	Channel          string  `json:"channel"`
	Memo             string  `json:"memo"`
}

// Transactions returns the 6 to 20 transactions of a customer in 2025, and whether there is such a
// customer.
func (d *Data) Transactions(id string) (Transactions, bool) {
	i, ok := d.index(id)
	if !ok {
		return Transactions{}, false
	}
	var (
		dice     = newDice(d.seed, kindTransactions, i)
		items    = make([]Transaction, dice.between(6, 20))
		moment   = day(2025, 1, 1)
		step     = 365 * 24 * 60 * 60 / len(items) // seconds
		employer = pick(dice, d.companies).Name
	)
	for k := range items {
		t := d.newTransaction(dice, employer)
		t.CustomerID = id
		t.ID = fmt.Sprintf("T%08d%03d", i+1, k+1)
		since := time.Duration(k*step+dice.intn(step)) * time.Second
		t.Time = moment.Add(since).Format(time.RFC3339)
		items[k] = t
	}
	slices.SortFunc(items, func(a, b Transaction) int { return cmp.Compare(b.ID, a.ID) })
	return Transactions{CustomerID: id, Items: items}, true
}

// newTransaction returns a transaction with a person or a company, without its place in the list.
// Wages come from the employer.
func (d *Data) newTransaction(dice dice, employer string) Transaction {
	t := Transaction{
		Amount:   Money(dice.between(100, pick(dice, []int{20_000, 300_000, 5_000_000}))),
		Currency: "CNY",
	}
	if dice.intn(2) == 0 {
		t.CounterpartyName = pick(dice, d.companies).Name
		t.Channel = pick(dice, []string{"pos", "mobile-app", "online-banking"})
		t.Memo = pick(dice, []string{"消费", "水电费", "网购", "还款", "保险费"})
		t.Amount = -t.Amount
		if dice.oneIn(4) {
			t.CounterpartyName, t.Channel, t.Memo = employer, "payroll", "工资"
			t.Amount = Money(dice.between(400_000, 3_000_000))
		}
		return t
	}
	number := pick(dice, cards).number(dice)
	t.CounterpartyName = newPerson(dice, dice.intn(2) == 1, false).name()
	t.CounterpartyCard = &number
	t.Channel = pick(dice, []string{"mobile-app", "online-banking", "counter"})
	if dice.intn(2) == 0 {
		t.Amount = -t.Amount
		t.Memo = pick(dice, []string{
			"转账", "房租", "借款", "转给" + t.CounterpartyName, "还款 " + newMobile(dice),
		})
	} else {
		t.Memo = pick(dice, []string{"转账", "还款", t.CounterpartyName + "转入", "货款"})
	}
	return t
}
