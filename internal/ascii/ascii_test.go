package ascii_test

import (
	"strings"
	"testing"

	"github.com/postrider/postrider/internal/ascii"
)

// Rule: each byte is of its class, and a text is of a class if all of its bytes are.
func TestEveryByte(t *testing.T) {
	t.Parallel()
	const alnum = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	for b := range 256 {
		c := string([]byte{byte(b)})
		if got, want := ascii.IsAlnum(byte(b)), b < 128 && strings.Contains(alnum, c); got != want {
			t.Errorf("IsAlnum(%q) = %t", c, got)
		}
		for _, s := range []string{c, "x" + c, c + "x"} {
			if got, want := ascii.IsPrintable(s), b >= 0x20 && b <= 0x7e; got != want {
				t.Errorf("IsPrintable(%q) = %t", s, got)
			}
			if got, want := ascii.IsVisible(s), b >= 0x21 && b <= 0x7e; got != want {
				t.Errorf("IsVisible(%q) = %t", s, got)
			}
		}
	}
	if !ascii.IsPrintable("") || !ascii.IsVisible("") {
		t.Error("the empty text has a byte of another class")
	}
}
