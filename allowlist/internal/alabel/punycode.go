package alabel

import "unicode/utf8"

// The parameters of RFC 3492 section 5.
const (
	base        = 36
	tMin        = 1
	tMax        = 26
	skew        = 38
	damp        = 700
	initialBias = 72
	initialN    = 0x80
)

// decode decodes s, the Punycode form without "xn--" (RFC 3492 section 6.2), and appends
// its code points to dst.
func decode(dst []rune, s string) (out []rune, ok bool) {
	const most = utf8.MaxRune * (maxLabel + 1) // more would be a code point above U+10FFFF
	basic := 0
	for i := range len(s) {
		if s[i] == '-' {
			basic = i
		}
	}
	for i := range basic {
		dst = append(dst, rune(s[i]))
	}
	if basic > 0 {
		basic++ // the delimiter
	}
	n, bias, i := int64(initialN), int64(initialBias), int64(0)
	for at := basic; at < len(s); {
		before, weight := i, int64(1)
		for k := int64(base); ; k += base {
			if at == len(s) {
				return dst, false
			}
			digit, ok := digitOf(s[at])
			at++
			if i += digit * weight; !ok || i > most {
				return dst, false
			}
			t := threshold(k, bias)
			if digit < t {
				break
			}
			weight = min(weight*(base-t), most+1) // a further nonzero digit then exceeds most
		}
		length := int64(len(dst)) + 1
		bias = adapt(i-before, length, before == 0)
		n += i / length
		i %= length
		if n > utf8.MaxRune || !utf8.ValidRune(rune(n)) {
			return dst, false
		}
		dst = append(dst, 0)
		copy(dst[i+1:], dst[i:])
		dst[i] = rune(n)
		i++
	}
	return dst, true
}

// encode appends the Punycode form of runes to dst (RFC 3492 section 6.3).
func encode(dst []byte, runes []rune) []byte {
	basic := int64(0)
	for _, r := range runes {
		if r < initialN {
			dst = append(dst, byte(r))
			basic++
		}
	}
	if basic > 0 {
		dst = append(dst, '-')
	}
	n, bias, delta := rune(initialN), int64(initialBias), int64(0)
	for done := basic; done < int64(len(runes)); {
		next := rune(utf8.MaxRune)
		for _, r := range runes {
			if r >= n {
				next = min(next, r)
			}
		}
		delta += int64(next-n) * (done + 1)
		for _, r := range runes {
			if r < next {
				delta++
			}
			if r != next {
				continue
			}
			dst = appendNumber(dst, delta, bias)
			bias = adapt(delta, done+1, done == basic)
			delta = 0
			done++
		}
		delta++
		n = next + 1
	}
	return dst
}

// appendNumber writes a variable-length integer.
func appendNumber(dst []byte, q, bias int64) []byte {
	for k := int64(base); ; k += base {
		t := threshold(k, bias)
		if q < t {
			return append(dst, digits[q])
		}
		dst = append(dst, digits[t+(q-t)%(base-t)])
		q = (q - t) / (base - t)
	}
}

func threshold(k, bias int64) int64 { return min(max(k-bias, tMin), tMax) }

func adapt(delta, length int64, first bool) int64 {
	if first {
		delta /= damp
	} else {
		delta /= 2
	}
	delta += delta / length
	k := int64(0)
	for ; delta > (base-tMin)*tMax/2; k += base {
		delta /= base - tMin
	}
	return k + (base-tMin+1)*delta/(delta+skew)
}

const digits = "abcdefghijklmnopqrstuvwxyz0123456789"

// digitOf is the value of a digit in lower case.
func digitOf(c byte) (v int64, ok bool) {
	switch {
	case 'a' <= c && c <= 'z':
		return int64(c - 'a'), true
	case '0' <= c && c <= '9':
		return int64(c-'0') + 26, true
	}
	return 0, false
}
