package settings_test

import (
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
)

// Rule: while nothing changes, the script gets the answer that nothing has changed, without the
// page.
func TestPoll(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.add("acme", "Ops")
	past := time.Now().Add(-time.Hour)
	d := webhook.Delivery{ID: webhook.DeliveryID("acme", "evt_1", w.ID), EventID: "evt_1", WebhookID: w.ID, Scope: "acme", Type: "taskSuccess",
		Body: []byte("{}"), CreatedAt: past, QueuedAt: past, Due: past}
	if _, err := s.store.Enqueue(t.Context(), []webhook.Delivery{d}); err != nil {
		t.Fatal(err)
	}
	paths := []string{"/", "/deliveries", "/webhooks/" + w.ID, "/webhooks/" + w.ID + "/deliveries/" + d.ID}
	tags := make(map[string]string)
	s.get("/").wants(t, 200, `data-pause="Pause updates" data-resume="Resume updates"`)
	for _, path := range paths {
		first := s.get(path)
		tags[path] = first.header.Get("ETag")
		again := s.get(path, "X-Postrider-Live", "1", "If-None-Match", tags[path])
		if first.status != 200 || tags[path] == "" || again.status != 304 || again.body != "" {
			t.Errorf("%s: status %d with tag %q, then %d with %d bytes", path, first.status, tags[path], again.status, len(again.body))
		}
		if a := s.get(path, "If-None-Match", tags[path]); a.status != 200 { // a person reloads
			t.Errorf("%s: a reload is answered %d", path, a.status)
		}
	}
	check(t, s.m.Cancel(t.Context(), "acme", d.ID))
	for _, path := range paths {
		a := s.get(path, "X-Postrider-Live", "1", "If-None-Match", tags[path])
		a.wants(t, 200, "Failed")
		if a.header.Get("ETag") == tags[path] {
			t.Errorf("%s: the tag is the same after a change", path)
		}
	}
}
