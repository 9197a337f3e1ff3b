package treatment

import (
	"strings"
	"sync"

	"github.com/maskgate/maskgate/masking"
)

// token replaces a number, or a code of digits and letters, by another one of the same length and
// form that can be turned back with the key: by FF1 (NIST SP 800-38G) with AES-256. The same value
// of the same type under the same purpose always has the same token. Nothing in a token says that
// it is one, nor which version of the key made it: a new key makes new tokens.
//
//	token                            13812345678 → "50427719306"
//	token                            11010519491231002X → "323138176601962709"
//	token(keep_first=6, keep_last=4) 6222021234567890128 → "6222026032129340128"
//	token(alphabet=upper)            E12345678 → "519CPI7SO"
//
// The second is of type cn_id_card and the third of type bank_card: their check digits are right.
//
// alphabet is what the value may consist of: digits (default), upper (0-9A-Z), lower (0-9a-z) or
// alnum (0-9A-Za-z). keep_first and keep_last characters stay (default 0). check is the check digit
// to keep right: luhn (default for bank_card), cn_id_card (GB 11643; default for that type) or
// none. It is right in the token if and only if it was right in the value. Where keep_last keeps
// the check digit, FF1 is applied until it fits. tweak is mixed in instead of the type, so that
// fields of two types can have the same tokens. Spaces and dashes stay where they are; full-width
// forms become half-width forms.
//
// The part that is neither kept nor a check digit must have at least 10⁶ possible texts: else
// nothing hides the value, and it is dropped. So is a value with other characters, or with more
// than 1,024. Takes strings, and numbers of digits only; the result is a string.
type token struct {
	alphabet    string
	first, last int
	check       string
	tweak       []byte
	cipher      *ff1
	states      sync.Pool // of *tokenState
}

// tokenDomain is how many possible texts a token must have at least (SP 800-38G Rev. 1).
const tokenDomain = 1_000_000

var alphabets = map[string]string{
	"digits": "0123456789",
	"upper":  "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
	"lower":  "0123456789abcdefghijklmnopqrstuvwxyz",
	"alnum":  "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
}

type tokenState struct {
	ff1State
	text    []byte // the value in half-width, with spaces and dashes
	symbols []byte // the same without spaces and dashes
	middle  []byte // the numerals that FF1 turns
	tweak   []byte
}

func buildToken(a *arguments, env Environment) masking.Transform {
	t := &token{
		first: a.count("keep_first", 0, 0, mostKept),
		last:  a.count("keep_last", 0, 0, mostKept),
	}
	t.alphabet = alphabets[a.word("alphabet", "digits", "digits", "upper", "lower", "alnum")]
	missing := "none"
	if len(t.alphabet) == 10 {
		switch env.Type {
		case "bank_card":
			missing = "luhn"
		case "cn_id_card":
			missing = "cn_id_card"
		}
	}
	t.check = a.word("check", missing, "luhn", "cn_id_card", "none")
	if t.check != "none" && len(t.alphabet) != 10 {
		a.fault("check=%s: want alphabet=digits", t.check)
	}
	tweak, ok := a.take("tweak")
	if !ok {
		tweak = env.Type
	}
	t.tweak = append([]byte(tweak), 0)
	key, _ := a.purposeKey(env)
	if key == nil {
		return nil
	}
	key, err := subkey(key, nil, "token aes-256-ff1", 32)
	if err == nil {
		t.cipher, err = newFF1(len(t.alphabet), key)
	}
	if err != nil {
		a.fault("deriving the key: %w", err)
		return nil
	}
	t.states.New = func() any { return new(tokenState) }
	return t
}

func (t *token) Append(dst []byte, v masking.Value) ([]byte, bool) { return t.turn(dst, v, false) }

func (t *token) Reverse(dst []byte, v masking.Value) ([]byte, bool) { return t.turn(dst, v, true) }

// turn appends the token of a value or, if reverse is set, the value of a token.
func (t *token) turn(dst []byte, v masking.Value, reverse bool) ([]byte, bool) {
	if v.Kind != masking.String && (v.Kind != masking.Number || digits(v.Text) != len(v.Text)) {
		return dst, false
	}
	s := t.states.Get().(*tokenState)
	ok := t.read(s, v.Text) && t.replace(s, reverse)
	if ok {
		dst = append(dst, '"')
		next := 0
		for _, c := range s.text {
			if c != ' ' && c != '-' {
				c = s.symbols[next]
				next++
			}
			dst = append(dst, c)
		}
		dst = append(dst, '"')
	}
	t.states.Put(s)
	return dst, ok
}

// read sets s.text and s.symbols. It reports false if text has other characters than the alphabet.
func (t *token) read(s *tokenState, text []byte) bool {
	s.text, s.symbols = s.text[:0], s.symbols[:0]
	for len(text) > 0 {
		r, size := narrow(text)
		text = text[size:]
		switch {
		case r == ' ' || r == '-':
			s.text = append(s.text, byte(r))
			continue
		case r < 128 && strings.IndexByte(t.alphabet, byte(r)) >= 0:
		case t.check == "cn_id_card" && upper(r) == 'X' && len(s.symbols) == 17:
			r = 'X'
		default:
			return false
		}
		if len(s.symbols) == mostKept {
			return false
		}
		s.text = append(s.text, byte(r))
		s.symbols = append(s.symbols, byte(r))
	}
	return true
}

// replace turns s.symbols into those of the token, or back. It reports false if they cannot be
// hidden.
func (t *token) replace(s *tokenState, reverse bool) bool {
	n := len(s.symbols)
	check := t.check
	switch {
	case check == "cn_id_card" && n == 15: // old numbers have no check digit
		check = "none"
	case check == "cn_id_card" && n != 18, check == "luhn" && n < 2:
		return false
	}
	from, to := t.first, n-t.last
	if check != "none" && t.last == 0 {
		to--
	}
	if from >= to || !t.cipher.spans(to-from, tokenDomain) {
		return false
	}
	offset := 0
	if check != "none" {
		offset = checkOffset(check, s.symbols)
	}
	s.middle = s.middle[:0]
	for _, c := range s.symbols[from:to] {
		s.middle = append(s.middle, byte(strings.IndexByte(t.alphabet, c)))
	}
	// The characters that stay are a part of the tweak, as the type is (SP 800-38G, appendix C).
	s.tweak = append(append(s.tweak[:0], t.tweak...), s.symbols[:from]...)
	s.tweak = append(s.tweak, 0)
	if t.last > 0 {
		s.tweak = append(s.tweak, s.symbols[to:]...)
	}
	// One text in ten or eleven has the right check digit. From one that has, FF1 applied again and
	// again comes to another, at the latest to the text itself.
	for range 10_000 {
		if !t.cipher.crypt(&s.ff1State, s.middle, s.tweak, reverse) {
			return false
		}
		for i, numeral := range s.middle {
			s.symbols[from+i] = t.alphabet[numeral]
		}
		if check == "none" {
			return true
		}
		if t.last == 0 {
			setCheck(check, s.symbols, offset)
			return true
		}
		if checkOffset(check, s.symbols) == offset {
			return true
		}
	}
	return false
}

// checkOffset returns how far the last symbol, a check character, is from the right one: 0 if it is
// right.
func checkOffset(check string, symbols []byte) int {
	body, last := symbols[:len(symbols)-1], symbols[len(symbols)-1]
	if check == "luhn" {
		return (int(last-'0') - luhn(body) + 10) % 10
	}
	value := 10
	if last != 'X' {
		value = int(last - '0')
	}
	return (value - idCheck(body) + 11) % 11
}

// setCheck makes the last symbol the check character that is offset away from the right one.
func setCheck(check string, symbols []byte, offset int) {
	body, last := symbols[:len(symbols)-1], &symbols[len(symbols)-1]
	if check == "luhn" {
		*last = '0' + byte((luhn(body)+offset)%10)
		return
	}
	*last = "0123456789X"[(idCheck(body)+offset)%11]
}
