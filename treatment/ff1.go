package treatment

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"math/bits"
)

// ff1 is the format-preserving cipher FF1 (NIST SP 800-38G §5.1, algorithms 7 and 8) on AES, for
// numerals of one radix. It is safe for concurrent use; each use brings its own [ff1State].
type ff1 struct {
	radix      uint32
	chunk      int    // how many numerals are computed with at once
	chunkPower uint32 // radix to the power of chunk, below 2^32
	block      cipher.Block
}

// newFF1 returns the cipher for a radix from 2 to 256. FF1 goes to 65,536, but numerals are bytes
// here.
func newFF1(radix int, key []byte) (*ff1, error) {
	if radix < 2 || radix > 256 {
		return nil, errors.New("want a radix from 2 to 256")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	f := &ff1{radix: uint32(radix), chunk: 1, chunkPower: uint32(radix), block: block}
	for uint64(f.chunkPower)*uint64(radix) < 1<<32 {
		f.chunkPower *= uint32(radix)
		f.chunk++
	}
	return f, nil
}

// ff1State is what one computation needs. Its zero value is ready.
type ff1State struct {
	a, b   []byte   // the halves
	q      []byte   // tweak, padding, round, half
	s      []byte   // the round's stream
	limbs  []uint32 // a number, least significant first
	common [aes.BlockSize]byte
	sum    [aes.BlockSize]byte
}

// minDomain is how many texts of a length there must be at least, by the standard; tokenDomain is
// what token demands.
const minDomain = 100

// crypt encrypts or decrypts the numerals of x in place. It reports false, and changes nothing, if
// x is too short or has a numeral beyond the radix.
func (f *ff1) crypt(s *ff1State, x, tweak []byte, decrypt bool) bool {
	if !f.spans(len(x), minDomain) || uint64(len(x)) >= 1<<32 {
		return false
	}
	for _, numeral := range x {
		if uint32(numeral) >= f.radix {
			return false
		}
	}
	n := len(x)
	u := n / 2
	v := n - u
	s.a, s.b = append(s.a[:0], x[:u]...), append(s.b[:0], x[u:]...)
	width := f.width(s, v)
	streamSize := 4*((width+3)/4) + 4
	// Q is the tweak, zeros, the round, and the half as a number.
	s.q = append(s.q[:0], tweak...)
	for (len(s.q)+1+width)%aes.BlockSize != 0 {
		s.q = append(s.q, 0)
	}
	round := len(s.q)
	for range 1 + width {
		s.q = append(s.q, 0)
	}
	// P and the blocks of Q in front of the round's are the same in all rounds.
	s.common = [aes.BlockSize]byte{
		1, 2, 1, byte(f.radix >> 16), byte(f.radix >> 8), byte(f.radix), 10, byte(u),
	}
	binary.BigEndian.PutUint32(s.common[8:], uint32(n))
	binary.BigEndian.PutUint32(s.common[12:], uint32(len(tweak)))
	f.block.Encrypt(s.common[:], s.common[:])
	whole := round / aes.BlockSize * aes.BlockSize
	f.chain(&s.common, s.q[:whole])

	for i := range 10 {
		if decrypt {
			i = 9 - i
			s.a, s.b = s.b, s.a
		}
		// s.a is the half that changes, s.b the one that decides how.
		s.q[round] = byte(i)
		f.number(s, s.b)
		putNumber(s.q[round+1:], s.limbs)
		s.sum = s.common
		f.chain(&s.sum, s.q[whole:])
		f.stream(s, streamSize)
		f.add(s, s.a, decrypt)
		if !decrypt {
			s.a, s.b = s.b, s.a
		}
	}
	copy(x, s.a)
	copy(x[u:], s.b)
	return true
}

// spans reports whether there are least texts of n numerals, or more.
func (f *ff1) spans(n int, least uint64) bool {
	count := uint64(1)
	for range n {
		if count *= uint64(f.radix); count >= least {
			return true
		}
	}
	return false
}

// width returns how many bytes a number of v numerals takes: ⌈⌈v·log₂(radix)⌉/8⌉. It computes the
// largest such number.
func (f *ff1) width(s *ff1State, v int) int {
	s.limbs = s.limbs[:0]
	for v > 0 {
		n := min(v, f.chunk)
		power := uint32(1)
		for range n {
			power *= f.radix
		}
		s.limbs = multiplyAdd(s.limbs, power, power-1)
		v -= n
	}
	top := len(s.limbs) - 1
	return (32*top + bits.Len32(s.limbs[top]) + 7) / 8
}

// number sets s.limbs to the number that the numerals are.
func (f *ff1) number(s *ff1State, numerals []byte) {
	s.limbs = s.limbs[:0]
	for len(numerals) > 0 {
		n := min(len(numerals), f.chunk)
		power, value := uint32(1), uint32(0)
		for _, numeral := range numerals[:n] {
			power *= f.radix
			value = value*f.radix + uint32(numeral)
		}
		s.limbs = multiplyAdd(s.limbs, power, value)
		numerals = numerals[n:]
	}
}

// multiplyAdd returns limbs·factor + summand, in the memory of limbs.
func multiplyAdd(limbs []uint32, factor, summand uint32) []uint32 {
	carry := uint64(summand)
	for i, limb := range limbs {
		carry += uint64(limb) * uint64(factor)
		limbs[i] = uint32(carry)
		carry >>= 32
	}
	if carry > 0 {
		limbs = append(limbs, uint32(carry))
	}
	return limbs
}

// putNumber fills dst with the number limbs in big-endian order, with zeros in front. It must fit.
func putNumber(dst []byte, limbs []uint32) {
	clear(dst)
	for i, limb := range limbs {
		for k := range 4 {
			if at := len(dst) - 1 - 4*i - k; at >= 0 {
				dst[at] = byte(limb >> (8 * k))
			}
		}
	}
}

// chain continues the CBC-MAC in sum over whole blocks.
func (f *ff1) chain(sum *[aes.BlockSize]byte, blocks []byte) {
	for len(blocks) > 0 {
		for i := range sum {
			sum[i] ^= blocks[i]
		}
		f.block.Encrypt(sum[:], sum[:])
		blocks = blocks[aes.BlockSize:]
	}
}

// stream sets s.limbs to the number of the size bytes that the round's sum yields.
func (f *ff1) stream(s *ff1State, size int) {
	s.s = append(s.s[:0], s.sum[:]...)
	for j := uint64(1); len(s.s) < size; j++ {
		s.s = append(s.s, s.sum[:]...)
		last := s.s[len(s.s)-aes.BlockSize:]
		binary.BigEndian.PutUint64(last[8:], binary.BigEndian.Uint64(last[8:])^j)
		f.block.Encrypt(last, last)
	}
	s.limbs = s.limbs[:0]
	for i := size; i > 0; i -= 4 { // size is a multiple of four
		s.limbs = append(s.limbs, binary.BigEndian.Uint32(s.s[i-4:]))
	}
}

// add adds s.limbs to the half, or subtracts it, modulo radix to the power of the half's length.
func (f *ff1) add(s *ff1State, half []byte, subtract bool) {
	limbs := s.limbs
	carry := uint32(0)
	for end := len(half); end > 0; {
		// The remainder by a power of the radix has the next few numerals, the least significant
		// first.
		remainder := uint64(0)
		for i := len(limbs) - 1; i >= 0; i-- {
			remainder = remainder<<32 | uint64(limbs[i])
			limbs[i] = uint32(remainder / uint64(f.chunkPower))
			remainder %= uint64(f.chunkPower)
		}
		for len(limbs) > 0 && limbs[len(limbs)-1] == 0 {
			limbs = limbs[:len(limbs)-1]
		}
		value := uint32(remainder)
		for range min(f.chunk, end) {
			end--
			numeral := value % f.radix
			value /= f.radix
			if subtract {
				numeral = uint32(half[end]) + f.radix - numeral - carry
				if carry = 1; numeral >= f.radix {
					numeral, carry = numeral-f.radix, 0
				}
			} else {
				numeral += uint32(half[end]) + carry
				if carry = 0; numeral >= f.radix {
					numeral, carry = numeral-f.radix, 1
				}
			}
			half[end] = byte(numeral)
		}
	}
}
