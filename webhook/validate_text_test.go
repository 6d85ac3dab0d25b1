package webhook_test

import (
	"fmt"
	"testing"

	"github.com/postrider/postrider/webhook"
)

// Rule: a reader sees every character of a name and of notes, in its order; letters of any
// language and emoji are text.
func TestShownTexts(t *testing.T) {
	t.Parallel()
	h := newHost(t, newStore(t), webhook.Automation(), nil)
	was := h.add("one")
	edit := func(change func(*webhook.Webhook)) string {
		in := form(change)
		in.ID = was.ID
		_, err := h.hooks.Edit(ctx, in)
		return complaint(err)
	}
	refused := []rune{0x00ad, 0x034f, 0x061c, 0x115f, 0x1160, 0x17b4, 0x180b, 0x180e, 0x180f, 0x2028, 0x2029, 0x2061, 0x2064, 0x2800, 0x3164,
		0xfe00, 0xfe0f, 0xfeff, 0xffa0, 0xfff9, 0xfffb, 0x1bca0, 0x1d173, 0xe0001, 0xe0020, 0xe0061, 0xe007f, 0xe0100, 0xe01ef, 0x7f, 0x85}
	for _, block := range [][2]rune{{0x200b, 0x200f}, {0x202a, 0x202e}, {0x2060, 0x206f}} {
		for r := block[0]; r <= block[1]; r++ {
			refused = append(refused, r)
		}
	}
	for _, r := range refused {
		for _, text := range []string{fmt.Sprintf("Ops%cteam", r), fmt.Sprintf("%cOps", r), fmt.Sprintf("Ops%c", r)} {
			if got := edit(func(w *webhook.Webhook) { w.Name = text }); got != "name text" {
				t.Errorf("name %+q: %s, want name text", text, got)
			}
			if got := edit(func(w *webhook.Webhook) { w.Notes = text }); got != "notes text" {
				t.Errorf("notes %+q: %s, want notes text", text, got)
			}
		}
	}
	for _, text := range []string{"Ops", "Équipe", "運用チーム", "צוות", "فريق العمليات", "ทีม", "टीम", "\u0600\u0661", "e\u0301quipe", "a\u00a0b", "a\u3000b",
		"☎\ufe0f", "❤\ufe0f now", "1\ufe0f\u20e3", "🚀 ops", "👍🏽", "<b>&amp;", "a–b… “c”"} {
		if got := edit(func(w *webhook.Webhook) { w.Name, w.Notes = text, text+"\r\n\t"+text }); got != "<nil>" {
			t.Errorf("%+q: %s", text, got)
		}
	}
}
