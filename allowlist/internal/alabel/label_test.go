package alabel_test

import (
	"strings"
	"testing"

	"github.com/postrider/postrider/allowlist/internal/alabel"
)

// Rule: an A-label is accepted if it decodes, is the canonical encoding of its text, and no
// mapping changes the text.
func TestValid(t *testing.T) {
	t.Parallel()
	long := "xn--" + strings.Repeat("a", 59)
	for _, tt := range []struct {
		rule, host string
		want       bool
	}{
		{"no A-label", "example.com", true},
		{"hyphens in third and fourth place are no prefix", "r3---sn-4g5e.example.com", true},
		{"an underscore", "a_b.example.com", true},
		{"German", "xn--bcher-kva.example.com", true},
		{"in capitals", "XN--BCHER-KVA.example.com", true},
		{"sharp s", "xn--strae-oqa.de", true},
		{"Cyrillic top-level domain", "example.xn--p1ai", true},
		{"Chinese", "xn--fiqs8s.xn--fiqs8s", true},
		{"Japanese with a prolonged sound mark", "xn--gckc5l.xn--wgv71a", true},
		{"Korean", "xn--3e0b707e.kr", true},
		{"Hindi", "xn--h2brj9c.xn--11b4c3d", true},
		{"Bengali vowel sign that may compose", "xn--45brj9c.in", true},
		{"Tamil", "xn--xkc2dl3a5ee0h.in", true},
		{"Thai", "xn--o3cw4h.th", true},
		{"Greek with a final sigma", "xn--qxam.gr", true},
		{"Vietnamese", "xn--vit-nam-zv4c.vn", true},
		{"Arabic", "xn--mgbaam7a8h.ae", true},
		{"Hebrew", "xn--4dbrk0ce.il", true},
		{"a pictograph", "xn--n3h.net", true},
		{"a pictograph beyond the basic plane", "xn--ls8h.la", true},
		{"joiner behind a virama", "xn--3zc0eybz95j.lk", true},
		{"nothing behind the prefix", "xn--.example.com", false},
		{"a hyphen behind the prefix", "xn---.example.com", false},
		{"ASCII alone", "xn--example-.com", false},
		{"ASCII alone, without a delimiter", "xn--a.com", false},
		{"digits that end too soon", "xn--bcher-kv.example.com", false},
		{"a number too large", long + ".com", false},
		{"a number too large, nines", "xn--" + strings.Repeat("9", 59) + ".com", false},
		{"beyond U+10FFFF", "xn--a-xbba99999.com", false},
		{"a surrogate", "xn--a-rc4g.com", false},
		{"an underscore among digits", "xn--bcher_kva.example.com", false},
		{"A-label inside an A-label", "xn--xn--bcher-u9a.com", false},
		{"a capital letter", "xn--bcher-2pa.com", false},
		{"a capital letter among small ones", "xn--a-mha.com", false},
		{"a capital letter of another script", "xn--i0a8d.com", false},
		{"a full-width letter", "xn--a-zq0i.com", false},
		{"a ligature", "xn--a-ty8h.com", false},
		{"a combining accent that composes", "xn--e-xbb.com", false},
		{"a mark first", "xn--11b7f.com", false},
		{"a tag character", "xn--a-i411m.com", false},
		{"a zero-width space", "xn--ab-g1t.com", false},
		{"a soft hyphen", "xn--ab-5da.com", false},
		{"right-to-left override", "xn--ab-g4t.com", false},
		{"private use", "xn--a-so7g.com", false},
		{"a slash look-alike", "xn--ab-6bv.com", false},
		{"an ideographic full stop", "xn--ab-r13a.com", false},
		{"joiner behind a letter", "xn--ab-m1t.com", false},
		{"a fraction slash", "xn--ab-c6t.com", false},
		{"a no-break space", "xn--ab-1ca.com", false},
		{"a noncharacter", "xn--a-s10i.com", false},
		{"a variation selector", "xn--a-i89h.com", false},
		{"not assigned in Unicode", "xn--a-qib.com", false},
		{"the Kelvin sign", "xn--k-4wn.com", false},
		{"a long s", "xn--a-voa.com", false},
		{"Thai marks in order", "xn--12c4iyb.com", true},
		{"Thai marks out of order", "xn--12c4ixb.com", false},
		{"Tamil vowel signs that compose", "xn--clc6fxa.com", false},
		{"Arabic digits of two kinds", "xn--mgb8iyr.com", false},
		{"Hebrew and Latin in one label", "xn--a-0hc.com", false},
		{"a digit before Hebrew", "xn--1-0hc.com", false},
		{"a digit first beside Hebrew", "1a.xn--4dbrk0ce.com", false},
		{"a letter first beside Hebrew", "a1.xn--4dbrk0ce.com", true},
		{"a second label that is wrong", "xn--bcher-kva.xn--a.com", false},
	} {
		if got := alabel.Valid(tt.host); got != tt.want {
			t.Errorf("%s: Valid(%q) = %t, want %t", tt.rule, tt.host, got, tt.want)
		}
	}
}

// Rule: international top-level domains are accepted, at least one of each script that has some.
func TestTopLevelDomains(t *testing.T) {
	t.Parallel()
	for _, domain := range []string{
		"xn--fzc2c9e2c", "xn--clchc0ea0b2g2a9gcd", "xn--54b7fta0cc", "xn--mgbc0a9azcg", "xn--y9a3aq", "xn--90ais", "xn--node", "xn--l1acc", "xn--j6w193g",
		"xn--lgbbat1ad8j", "xn--gecrj9c", "xn--s9brj9c", "xn--fpcrj9c3d", "xn--2scrj9c", "xn--3hcrj9c", "xn--rvc1e0am3e", "xn--45br5cyl", "xn--h2breg3eve",
		"xn--mgbah1a3hjkrd", "xn--mgbai9azgqp6j", "xn--mgbbh1a71e", "xn--q7ce6a", "xn--qxa6a", "xn--mgba3a4f16a", "xn--t60b56a", "xn--tckwe",
		"xn--vermgensberater-ctb", "xn--bck1b9a5dre4c", "xn--42c2d9a", "xn--i1b6b1a6a2e", "xn--9dbq2a", "xn--xkc2al3hye2a", "xn--e1a4c", "xn--ngbc5azd",
	} {
		if !alabel.Valid(domain) || !alabel.Valid("example."+domain) {
			t.Errorf("%s is refused", domain)
		}
	}
}

// FuzzValid: no panic, no growing allocation, and the same verdict for any case of letters.
func FuzzValid(f *testing.F) {
	for _, seed := range []string{"xn--bcher-kva.example.com", "xn--99999999", "xn--", "xn---", "a.xn--4dbrk0ce", "xn--zzzz-zzzz.xn--a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, host string) {
		for label := range strings.SplitSeq(host, ".") {
			if label == "" || len(label) > 63 || strings.Trim(strings.ToLower(label), "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
				return
			}
		}
		valid := alabel.Valid(host)
		if alabel.Valid(strings.ToUpper(host)) != valid || alabel.Valid(strings.ToLower(host)) != valid {
			t.Errorf("%q: the case of letters changes the verdict", host)
		}
	})
}
