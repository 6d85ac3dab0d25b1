package payload

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"time"

	"github.com/postrider/postrider/internal/ascii"
)

// newID returns a UUID of version 7 (RFC 9562, section 5.7): the time in milliseconds, then 74
// random bits. Later IDs sort later, which keeps the index of a store compact.
func newID(now time.Time) string {
	var u [16]byte
	_, _ = rand.Read(u[6:]) // since Go 1.24 it never returns an error
	ms := now.UnixMilli()
	for i := range 6 {
		u[i] = byte(ms >> (40 - 8*i))
	}
	u[6] = u[6]&0x0f | 0x70
	u[8] = u[8]&0x3f | 0x80

	var text [36]byte
	hex.Encode(text[:8], u[:4])
	hex.Encode(text[9:13], u[4:6])
	hex.Encode(text[14:18], u[6:8])
	hex.Encode(text[19:23], u[8:10])
	hex.Encode(text[24:], u[10:])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}

// validID reports whether id keeps the rule of WithID.
func validID(id string) bool {
	if id == "" || len(id) > maxID {
		return false
	}
	for i := range len(id) {
		if c := id[i]; !ascii.IsAlnum(c) && strings.IndexByte("-_~:/+=@", c) < 0 {
			return false
		}
	}
	return true
}

// isUUID reports whether s is a UUID in the text form of RFC 9562, section 4:
// 8-4-4-4-12 hexadecimal digits of either case.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
			continue
		}
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F') {
			return false
		}
	}
	return true
}
