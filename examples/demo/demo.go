// Package demo is a data service to try Maskgate on: 10,000 synthetic Chinese customers of a
// consumer finance company, what such a service usually says about them, 500 companies of a public
// register, and an issuer of the tokens that its callers bear.
//
// The data are made, not collected, so any likeness to a person is chance. They are made to look
// and to hurt like the real thing: checksums are right, a card's birth date and gender agree with
// the card, and the odd record has what a masking engine must survive (a null e-mail, a name
// outside the Basic Multilingual Plane, "+86 138 1234 5678", an identity number of 15 digits). One
// endpoint fails with a customer's identity in its error. Nothing here hides anything: never serve
// it without a gateway in front.
//
// # Terms
//
// A customer has an id ("C00000001" is the first), an agent who manages it ("agent-01" to
// "agent-50") and a branch ("BJ-001"): ten cities have five branches and five agents each. With
// [DefaultCustomers], each agent and each branch has exactly 200 customers. The whole is a function
// of a seed and a number of customers, and the same on every platform and Go version; no body
// depends on the clock.
//
// # Example
//
//	data := demo.New(demo.DefaultSeed, demo.DefaultCustomers)
//	go http.ListenAndServe("127.0.0.1:9000", data.Handler())
//
//	issuer, err := demo.OpenIssuer("var/demo") // makes issuer.key.json and jwks.json
//	person, ok := demo.Find("customer-service")
//	token, err := issuer.Token(person, time.Hour, time.Now())
package demo

import (
	"fmt"
	"iter"
	"strconv"
	"strings"
)

const (
	// DefaultSeed is the seed of the documented data.
	DefaultSeed uint64 = 49488

	// DefaultCustomers is the number of customers of the documented data.
	DefaultCustomers = 10_000

	// MaxCustomers is the most that New makes: up to there no two customers have the same
	// identity number.
	MaxCustomers = 7_000_000

	// TourCustomerID is the first customer of agent-07. Whatever the seed, it is an ordinary one:
	// an e-mail address, an identity number of 18 digits, a mobile number of 11 plain digits, two
	// accounts and at least one guarantor.
	TourCustomerID = "C00000052"
)

// Data is the demo's data set. A customer is made when asked for, so a Data costs next to nothing
// to make or keep. It does not change: all methods may be called concurrently.
type Data struct {
	seed      uint64
	n         int
	companies []Company      // in the order of the list
	byUSCC    map[string]int // index into companies
}

// New returns the data set of a seed with n customers. If n is 0 or less it is DefaultCustomers.
// New panics if n is more than MaxCustomers.
func New(seed uint64, n int) *Data {
	if n <= 0 {
		n = DefaultCustomers
	}
	if n > MaxCustomers {
		panic(fmt.Sprintf("demo: %d customers asked for, at most %d can be made", n, MaxCustomers))
	}
	d := &Data{seed: seed, n: n}
	d.companies, d.byUSCC = makeCompanies(seed, companyCount)
	return d
}

// Len returns the number of customers.
func (d *Data) Len() int { return d.n }

// Customer returns the customer with an id, and whether there is one.
func (d *Data) Customer(id string) (Customer, bool) {
	i, ok := d.index(id)
	if !ok {
		return Customer{}, false
	}
	return d.customer(i), true
}

// Customers returns all customers in the order of their ids.
func (d *Data) Customers() iter.Seq[Customer] {
	return d.where(func(int) bool { return true })
}

// TourCustomer returns the customer that the tour and the tests use: TourCustomerID.
// It panics if d has fewer customers than that.
func (d *Data) TourCustomer() Customer {
	c, ok := d.Customer(TourCustomerID)
	if !ok {
		panic("demo: too few customers for " + TourCustomerID)
	}
	return c
}

// where returns the customers whose index is kept, in the order of their ids.
func (d *Data) where(keep func(i int) bool) iter.Seq[Customer] {
	return func(yield func(Customer) bool) {
		for i := range d.n {
			if keep(i) && !yield(d.customer(i)) {
				return
			}
		}
	}
}

// customerID returns the id of customer i, counted from 0.
func customerID(i int) string { return fmt.Sprintf("C%08d", i+1) }

// index is the inverse of customerID for the customers of d.
func (d *Data) index(id string) (int, bool) {
	digits, ok := strings.CutPrefix(id, "C")
	if !ok || len(digits) != 8 {
		return 0, false
	}
	v, err := strconv.ParseUint(digits, 10, 32)
	if err != nil || v < 1 || v > uint64(d.n) {
		return 0, false
	}
	return int(v) - 1, true
}
