package treatment

import (
	"bytes"
	"strconv"

	"github.com/maskgate/maskgate/masking"
)

// ipAddress keeps the network of an IP address: 16 bits of IPv4, 32 of IPv6.
//
//	ip_address  192.168.1.100 → "192.168.*.*"
//	ip_address  2001:db8::1 → "2001:db8:*"
//	ip_address  ::ffff:192.168.1.100 → "192.168.*.*"
//
// Anything else, ports, zones and prefixes too, is hidden whole: "****". Takes strings.
type ipAddress struct{}

func buildIPAddress(*arguments, Environment) masking.Transform { return ipAddress{} }

func (ipAddress) Append(dst []byte, v masking.Value) ([]byte, bool) {
	if v.Kind != masking.String {
		return dst, false
	}
	if b, ok := parseIPv4(v.Text); ok {
		return appendIPv4(dst, b), true
	}
	g, ok := parseIPv6(v.Text)
	if !ok {
		return append(dst, hidden...), true
	}
	if [6]uint16(g[:6]) == [6]uint16{5: 0xffff} {
		return appendIPv4(dst, [4]byte{byte(g[6] >> 8), byte(g[6])}), true
	}
	dst = append(dst, '"')
	dst = strconv.AppendUint(dst, uint64(g[0]), 16)
	dst = append(dst, ':')
	dst = strconv.AppendUint(dst, uint64(g[1]), 16)
	return append(dst, `:*"`...), true
}

func appendIPv4(dst []byte, b [4]byte) []byte {
	dst = append(dst, '"')
	dst = strconv.AppendUint(dst, uint64(b[0]), 10)
	dst = append(dst, '.')
	dst = strconv.AppendUint(dst, uint64(b[1]), 10)
	return append(dst, `.*.*"`...)
}

// parseIPv4 parses four decimal numbers without leading zeros (RFC 6943 §3.1.1, strict).
func parseIPv4(text []byte) (b [4]byte, ok bool) {
	for i := range b {
		n := digits(text)
		if n == 0 || n > 3 || n > 1 && text[0] == '0' {
			return b, false
		}
		value := 0
		for _, c := range text[:n] {
			value = value*10 + int(c-'0')
		}
		if text = text[n:]; value > 255 {
			return b, false
		}
		b[i] = byte(value)
		if i < 3 {
			if len(text) == 0 || text[0] != '.' {
				return b, false
			}
			text = text[1:]
		}
	}
	return b, len(text) == 0
}

// parseIPv6 parses an address as RFC 4291 §2.2 writes it.
func parseIPv6(text []byte) (g [8]uint16, ok bool) {
	n, gap := 0, -1 // groups read, and where :: stands
	if bytes.HasPrefix(text, []byte("::")) {
		gap, text = 0, text[2:]
	}
	for len(text) > 0 {
		if n == 8 {
			return g, false
		}
		if b, ok := parseIPv4(text); ok && n <= 6 { // the last 32 bits, as dotted decimals
			g[n], g[n+1] = uint16(b[0])<<8|uint16(b[1]), uint16(b[2])<<8|uint16(b[3])
			n += 2
			break
		}
		size := 0
		for size < len(text) && size < 5 && isHex(text[size]) {
			g[n] = g[n]<<4 | uint16(hexValue(text[size]))
			size++
		}
		if size == 0 || size > 4 {
			return g, false
		}
		n++
		if text = text[size:]; len(text) == 0 {
			break
		}
		if text[0] != ':' || len(text) == 1 {
			return g, false
		}
		if text = text[1:]; text[0] == ':' {
			if gap >= 0 {
				return g, false
			}
			gap, text = n, text[1:]
		}
	}
	if gap < 0 {
		return g, n == 8
	}
	if n == 8 {
		return g, false
	}
	copy(g[8-(n-gap):], g[gap:n])
	clear(g[gap : 8-(n-gap)])
	return g, true
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

func hexValue(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
