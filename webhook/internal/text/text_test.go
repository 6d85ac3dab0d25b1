package text_test

import (
	"testing"

	"github.com/postrider/postrider/webhook/internal/text"
)

// Rule: a text is valid UTF-8 without control characters, apart from line breaks and tabs in several
// lines; an emoji may have a selector, a letter may not.
func TestText(t *testing.T) {
	t.Parallel()
	for s, want := range map[string][3]bool{
		"":         {true, true, true},
		"é 運用":     {true, true, true},
		"a\r\n\tb": {false, true, true},
		"a\x00":    {false, false, true},
		"a\u0085":  {false, false, true},
		"a\xff":    {false, false, true},
		"a\u200bb": {true, true, false},
		"☎\ufe0f":  {true, true, true},
		"a\ufe0f":  {true, true, false},
	} {
		if got := [3]bool{text.IsLine(s), text.IsLines(s), text.IsVisible(s)}; got != want {
			t.Errorf("%q is a line, lines, visible: %v, want %v", s, got, want)
		}
	}
}
