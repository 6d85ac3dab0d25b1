package alabel

import "unicode"

// direction is a bidirectional class, as RFC 5893 distinguishes them.
type direction uint8

const (
	leftToRight direction = iota
	rightToLeft
	arabicDigit
	otherDigit
	neutral
	mark
)

// directionOf returns the class of a permitted character. The ranges are those that
// Unicode reserves for scripts from right to left.
func directionOf(r rune) direction {
	switch {
	case '0' <= r && r <= '9', 0x6F0 <= r && r <= 0x6F9:
		return otherDigit
	case 0x660 <= r && r <= 0x669:
		return arabicDigit
	case r == '-', r == '_', r == 0xB7, r == 0x30FB, r == 0x200C, r == 0x200D, unicode.Is(unicode.So, r):
		return neutral
	case unicode.Is(unicode.Mn, r):
		return mark
	case 0x590 <= r && r <= 0x8FF, 0x10800 <= r && r <= 0x10FFF, 0x1E800 <= r && r <= 0x1EFFF:
		return rightToLeft
	}
	return leftToRight
}

func isRTL(text []rune) bool {
	for _, r := range text {
		if d := directionOf(r); d == rightToLeft || d == arabicDigit {
			return true
		}
	}
	return false
}

// oneDirection is the Bidi rule of RFC 5893 section 2, for each label of a host in which
// any label is written from right to left.
func oneDirection(text []rune) bool {
	var has [mark + 1]bool
	last := neutral
	for _, r := range text {
		d := directionOf(r)
		has[d] = true
		if d != mark {
			last = d
		}
	}
	switch directionOf(text[0]) {
	case leftToRight:
		return !has[rightToLeft] && !has[arabicDigit] && (last == leftToRight || last == otherDigit)
	case rightToLeft:
		return !has[leftToRight] && !(has[arabicDigit] && has[otherDigit]) && last != neutral
	}
	return false
}
