// Package ascii has classes of characters for the rules of several packages. It imports no other
// package, so every one may use it.
package ascii

// IsAlnum reports whether c is a letter or a digit.
func IsAlnum(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// IsPrintable reports whether s has printable characters only, 0x20 to 0x7E.
func IsPrintable(s string) bool { return only(s, 0x20) }

// IsVisible reports whether s has printable characters other than the space only, 0x21 to 0x7E.
func IsVisible(s string) bool { return only(s, 0x21) }

func only(s string, first byte) bool {
	for i := range len(s) {
		if s[i] < first || s[i] > 0x7e {
			return false
		}
	}
	return true
}
