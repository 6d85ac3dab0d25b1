package oracle

import (
	"math/rand/v2"
	"slices"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/postrider/postrider/allowlist"
)

// registered is IDNA 2008 with the checks of UTS 46, from golang.org/x/net.
var registered = idna.New(idna.ValidateLabels(true), idna.CheckHyphens(false), idna.StrictDomainName(false), idna.CheckJoiners(true), idna.BidiRule())

// aLabel returns the A-label of an unchecked text.
func aLabel(t *testing.T, text string) string {
	t.Helper()
	label, err := idna.Punycode.ToASCII(text)
	if err != nil {
		t.Fatal(err)
	}
	return label
}

// judgeHosts checks that both judges accept each of the hosts unchanged.
func judgeHosts(t *testing.T, hosts []string) {
	t.Helper()
	for i, host := range ask[[]string](t, "hosts", hosts) {
		if t.Errorf("the URL Standard refuses or changes %s", host); i == 20 {
			break
		}
	}
	wrong := 0
	for _, host := range hosts {
		if got, err := registered.ToASCII(host); err != nil || got != host {
			t.Errorf("golang.org/x/net/idna makes %q of %s: %v", got, host, err)
			wrong++
		}
		if back, err := registered.ToUnicode(host); err != nil {
			t.Errorf("golang.org/x/net/idna makes %q of %s: %v", back, host, err)
			wrong++
		}
		if wrong > 20 {
			return
		}
	}
}

// around are the contexts in which each character is tried, because its validity may depend on
// direction, on a mark that combines with the character before, or on a virama.
var around = []struct{ before, after string }{
	{"", ""}, {"a", ""}, {"", "a"}, {"a", "1"}, {"1", "a"}, {"\u0915", ""}, {"\u0915\u094d", "\u0915"}, {"\u05d0", "\u05d0"}, {"\u0627", ""}, {"\u0627\u0660", ""}, {"\u0e01\u0e38", ""}, {"e", "e"}, {"\u30ab", ""}, {"l", "l"},
}

// Rule: browsers and golang.org/x/net accept every A-label that allowlist accepts, and keep it
// unchanged, for every character of Unicode.
func TestALabelsOfEveryCharacter(t *testing.T) {
	t.Parallel()
	needsNode(t)
	var hosts []string
	characters := 0
	for r := rune(0x80); r <= utf8.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		passed, surroundings := false, around
		if unicode.In(r, unicode.Han, unicode.Hangul, unicode.Yi) || !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.S, unicode.P) {
			surroundings = around[:3] // enough for so many similar characters
		}
		for _, s := range surroundings {
			host := aLabel(t, s.before+string(r)+s.after) + ".com"
			if _, err := allowlist.Public().CheckURL("https://" + host); err == nil {
				hosts, passed = append(hosts, host), true
			}
		}
		if passed {
			characters++
		}
	}
	if characters < 100_000 {
		t.Errorf("only %d characters pass: names of the world's scripts are refused", characters)
	}
	judgeHosts(t, hosts)
}

// Rule: the same for random texts of neighbouring characters, and for hosts with several such
// labels.
func TestALabelsAtRandom(t *testing.T) {
	t.Parallel()
	needsNode(t)
	r := rand.New(rand.NewPCG(3, 5))
	// Starts of blocks with marks, digits and directions.
	blocks := []rune{0xDF, 0x3B1, 0x430, 0x561, 0x591, 0x5D0, 0x610, 0x627, 0x660, 0x6F0, 0x710, 0x780, 0x7C0, 0x8A0, 0x901, 0x915, 0x93C, 0x985, 0x9BE, 0xA05, 0xA3C, 0xA85, 0xB05, 0xB3C, 0xB85, 0xBBE, 0xC05, 0xC46, 0xC85, 0xCBC,
		0xD05, 0xD3E, 0xD85, 0xDCA, 0xE01, 0xE31, 0xE47, 0xE81, 0xEB1, 0xF40, 0xF71, 0x1000, 0x102B, 0x10D0, 0x1200, 0x1780, 0x17B6, 0x1820, 0x2600, 0x2D80, 0x3041, 0x30A1, 0x4E00, 0xA000, 0xAC00, 0x1F600, 0x1E900}
	var hosts []string
	for range 400_000 {
		host := ""
		for range 1 + r.IntN(2) {
			block, text := blocks[r.IntN(len(blocks))], ""
			for range 1 + r.IntN(5) {
				switch r.IntN(14) {
				case 0:
					text += string("a1-"[r.IntN(3)])
				case 1:
					text += string(blocks[r.IntN(len(blocks))] + r.Int32N(24))
				case 2:
					text += string([]rune{0x200C, 0x200D, 0xB7, 0x30FB, 0x30FC, 0x94D}[r.IntN(6)])
				default:
					text += string(block + r.Int32N(40))
				}
			}
			host += aLabel(t, text) + "."
		}
		host += []string{"com", "1a.com", "xn--p1ai", "xn--mgbaam7a8h", "a1.xn--4dbrk0ce"}[r.IntN(5)]
		if _, err := allowlist.Public().CheckURL("https://" + host); err == nil {
			hosts = append(hosts, host)
		}
	}
	slices.Sort(hosts)
	hosts = slices.Compact(hosts)
	if len(hosts) < 20_000 {
		t.Errorf("only %d hosts passed", len(hosts))
	}
	t.Logf("%d hosts passed", len(hosts))
	judgeHosts(t, hosts)
}
