package demo

import (
	"math/bits"
	"math/rand/v2"
	"time"
)

// A kind keeps the random numbers of one sort of value apart from those of the others, so that a
// change to how transactions are made leaves the customers as they were.
type kind uint64

const (
	kindCustomer kind = iota + 1
	kindTransactions
	kindCredit
	kindCompany
	kindIdentity
	kindNotice
)

// dice is a stream of random numbers. Only PCG's Uint64 is used, whose output is fixed by its
// algorithm (PCG-DXSM, 128 bits); the methods of rand.Rand are not promised to stay the same.
type dice struct{ source *rand.PCG }

// newDice returns the stream for value i of a kind.
func newDice(seed uint64, k kind, i int) dice {
	return dice{rand.NewPCG(seed, mix(uint64(k)<<56|uint64(i)))}
}

// intn returns a number from 0 to n-1, for n ≥ 1. Its bias, below n/2⁶⁴, does not matter here.
func (d dice) intn(n int) int {
	hi, _ := bits.Mul64(d.source.Uint64(), uint64(n))
	return int(hi)
}

// between returns a number from lo to hi, both included.
func (d dice) between(lo, hi int) int { return lo + d.intn(hi-lo+1) }

// oneIn is true once in n times.
func (d dice) oneIn(n int) bool { return d.intn(n) == 0 }

// text returns n characters of an alphabet.
func (d dice) text(n int, alphabet string) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[d.intn(len(alphabet))]
	}
	return string(b)
}

// digits returns n decimal digits.
func (d dice) digits(n int) string { return d.text(n, "0123456789") }

// date returns a day from first to last, both included.
func (d dice) date(first, last time.Time) time.Time {
	days := int(last.Sub(first) / (24 * time.Hour))
	return first.AddDate(0, 0, d.between(0, max(days, 0)))
}

// pick returns an element of a table.
func pick[T any](d dice, table []T) T { return table[d.intn(len(table))] }

// mix is the finaliser of SplitMix64: a bijection, in which each output bit depends on each input
// bit.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// permute maps 0..n-1 onto itself, one to one, for n up to 2²⁴: a Feistel network of 24 bits walked
// until it comes back into range. It is what makes identity numbers unique without a table of them.
func permute(seed uint64, k kind, i, n int) int {
	x := uint64(i)
	for {
		l, r := x>>12, x&0xfff
		for round := range uint64(4) {
			l, r = r, l^mix(seed^mix(uint64(k)<<56|round<<48|r))&0xfff
		}
		x = l<<12 | r
		if x < uint64(n) {
			return int(x)
		}
	}
}

// beijing is the zone of every time in the data.
var beijing = time.FixedZone("CST", 8*60*60)

// asOf is the day on which the data are told, so that ages need no clock.
var asOf = day(2026, 1, 1)

func day(year, month, dayOfMonth int) time.Time {
	return time.Date(year, time.Month(month), dayOfMonth, 0, 0, 0, 0, beijing)
}
