package alabel

import "testing"

// Rule: the examples of RFC 3492 encode and decode.
func TestPunycode(t *testing.T) {
	t.Parallel()
	for text, puny := range map[string]string{
		"ليهمابتكلموشعربي؟":                        "egbpdaj6bu4bxfgehfvwxn",
		"他们为什么不说中文":                                "ihqwcrb4cv8a8dqg056pqjye",
		"pročprostěnemluvíčesky":                   "proprostnemluvesky-uyb24dma41a",
		"porquénopuedensimplementehablarenespañol": "porqunopuedensimplementehablarenespaol-fmd56a",
		"2月1日":               "21-7t7do5b",
		"3年b組金八先生":           "3b-ww4c5e180e575a65lsy2b",
		"そのスピードで":            "d9juau41awczczp",
		"\U0010FFFF":         "dn32g",
		"-> $1.00 <-":        "-> $1.00 <--",
		"aaaaaaaaaaaaaaaaaé": "aaaaaaaaaaaaaaaaa-rtb",
	} {
		if got := string(encode(nil, []rune(text))); got != puny {
			t.Errorf("encode(%q) = %q, want %q", text, got, puny)
		}
		if got, ok := decode(nil, puny); !ok || string(got) != text {
			t.Errorf("decode(%q) = %q, %t, want %q", puny, string(got), ok, text)
		}
	}
}

// FuzzPunycode: a decoded text encodes to the same label, if it is a possible label, and an
// encoded text decodes to itself.
func FuzzPunycode(f *testing.F) {
	f.Add("bcher-kva", "bücher")
	f.Add("99999999", "\U0010FFFF\u0080")
	f.Fuzz(func(t *testing.T, puny, text string) {
		runes := []rune(text)
		if len(runes) > maxLabel {
			runes = runes[:maxLabel]
		}
		got, ok := decode(nil, string(encode(nil, runes)))
		if !ok || string(got) != string(runes) {
			t.Errorf("%q becomes %q, %t", runes, got, ok)
		}
		if len(puny) > maxLabel {
			return
		}
		if got, ok := decode(nil, puny); ok && len(got) > len(puny) {
			t.Errorf("%q has %d code points", puny, len(got))
		}
	})
}
