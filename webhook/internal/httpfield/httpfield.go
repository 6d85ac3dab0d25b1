// Package httpfield has the rules for header fields that more than one package checks.
package httpfield

import (
	"strings"

	"github.com/postrider/postrider/internal/ascii"
)

// MaxValue bounds a field's value in bytes. Common servers limit all fields together to
// 8 KiB.
const MaxValue = 4096

// IsToken reports whether s can be the name of a field: a token of RFC 9110 section 5.6.2.
func IsToken(s string) bool {
	for i := range len(s) {
		if !ascii.IsAlnum(s[i]) && strings.IndexByte("!#$%&'*+-.^_`|~", s[i]) < 0 {
			return false
		}
	}
	return s != ""
}

// IsValue reports whether a field carries s unchanged: printable ASCII, 0x20 to 0x7E,
// without a space at either end, and no more than MaxValue bytes. A line break would start
// another field. Servers and proxies change or refuse other bytes and outer spaces. The
// empty value is permitted.
func IsValue(s string) bool {
	return len(s) <= MaxValue && ascii.IsPrintable(s) && strings.Trim(s, " ") == s
}
