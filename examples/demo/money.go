package demo

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Money is an amount in fen, the hundredth of a yuan. In JSON it is a number of yuan that always
// has two decimals, as in 1280.50, so a gateway that parses and prints numbers gives itself away.
type Money int64

// String returns the amount in yuan with two decimals.
func (m Money) String() string {
	sign, fen := "", int64(m)
	if fen < 0 {
		sign, fen = "-", -fen
	}
	return fmt.Sprintf("%s%d.%02d", sign, fen/100, fen%100)
}

// MarshalJSON returns String as a JSON number.
func (m Money) MarshalJSON() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalJSON reads what MarshalJSON writes, and nothing else but null, which changes nothing.
func (m *Money) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	yuan, fen, ok := strings.Cut(string(b), ".")
	if !ok || len(fen) != 2 {
		return errors.New("reading money: not a number with two decimals")
	}
	v, err := strconv.ParseInt(yuan+fen, 10, 64)
	if err != nil {
		return errors.New("reading money: not a number with two decimals")
	}
	*m = Money(v)
	return nil
}
