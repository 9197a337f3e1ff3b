package demo

import (
	"encoding/json"
	"fmt"
	"time"
)

// Notices is the answer about what was sent to a customer, the first first.
type Notices struct {
	CustomerID string   `json:"customerId"`
	AgentID    string   `json:"agentId"`
	Items      []Notice `json:"items"`
}

// Notice is one message, as it stood in the queue: its payload is JSON in a string.
type Notice struct {
	ID      string `json:"id"`
	SentAt  string `json:"sentAt"` // RFC 3339
	Payload string `json:"payload"`
}

// payload is what the template of a notice was filled with.
type payload struct {
	Template string `json:"template"`
	Name     string `json:"name"`
	Mobile   string `json:"mobile"`
	CardNo   string `json:"cardNo"`
	Text     string `json:"text"` // what was sent, which names the customer again
}

// Notices returns the 1 to 4 notices to a customer in 2025, and whether there is such a customer.
func (d *Data) Notices(id string) (Notices, bool) {
	c, ok := d.Customer(id)
	if !ok {
		return Notices{}, false
	}
	i, _ := d.index(id)
	dice := newDice(d.seed, kindNotice, i)
	n := Notices{CustomerID: id, AgentID: c.AgentID, Items: make([]Notice, dice.between(1, 4))}
	for k := range n.Items {
		from := day(2025, 1+3*k, 1)
		template := pick(dice, []string{"账单提醒", "还款提醒", "登录提醒"})
		text, err := json.Marshal(payload{
			Template: template, Name: c.Name, Mobile: c.Mobile,
			CardNo: pick(dice, c.Accounts).CardNo,
			Text:   fmt.Sprintf("尊敬的%s，您有一条%s。", c.Name, template),
		})
		if err != nil {
			panic("demo: writing a payload: " + err.Error())
		}
		n.Items[k] = Notice{
			ID:      fmt.Sprintf("N%08d%02d", i+1, k+1),
			SentAt:  newMoment(dice, from, from.AddDate(0, 2, 0)).Format(time.RFC3339),
			Payload: string(text),
		}
	}
	return n, true
}
