package settings

import (
	"slices"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/redact"
)

// clock formats times for people.
type clock struct {
	now  time.Time
	zone *time.Location
	t    *Texts
}

func (v *visit) clock() clock {
	zone := v.t.Location
	if zone == nil {
		zone = v.o.Location
	}
	return clock{v.now, zone, v.t}
}

// moment is a time as the page shows it.
type moment struct{ ISO, Text, Away string }

// at returns nil for the zero time.
func (c clock) at(t time.Time) *moment {
	if t.IsZero() {
		return nil
	}
	m := &moment{ISO: t.UTC().Format(time.RFC3339), Text: c.t.Time(t.In(c.zone))}
	if d := t.Sub(c.now); d > 0 {
		m.Away = c.t.In(coarse(d))
	} else {
		m.Away = c.t.Ago(coarse(-d))
	}
	return m
}

// coarse rounds d, so that a page that is polled stays the same for a while.
func coarse(d time.Duration) time.Duration {
	switch {
	case d < 10*time.Second:
		return d.Round(time.Second)
	case d < time.Minute:
		return d.Truncate(10 * time.Second)
	}
	return d
}

// hookView is a webhook as the page shows it; it holds no secret.
type hookView struct {
	ID, Name, Host, Notes string
	Triggers              []Trigger
	Active                bool
	Health                string // in words
	Tone                  string // of the health: "good", "bad", "wait" or "off"
	HealthMore            string
	Held                  bool // paused by its endpoint, or after failures
	Last                  *deliveryView
}

// hookViews describes webhooks for a list, with two calls to the Store for any number of them.
func (v *visit) hookViews(ws []webhook.Webhook) ([]hookView, error) {
	standings, err := v.m.Standings(v.ctx, v.scope, ws)
	if err != nil {
		return nil, err
	}
	out := make([]hookView, len(ws))
	for i := range ws {
		out[i] = v.hookView(&ws[i], &standings[i])
	}
	return out, nil
}

func (v *visit) hookView(w *webhook.Webhook, s *webhook.Standing) hookView {
	out := hookView{ID: w.ID, Name: w.Name, Host: hostOf(w.URL), Notes: w.Notes, Active: w.Active}
	for _, e := range w.Events {
		out.Triggers = append(out.Triggers, v.t.trigger(e))
	}
	if s.Latest != nil {
		last := v.deliveryView(*s.Latest, nil)
		out.Last = &last
	}
	out.describeHealth(&s.Health, v.clock())
	return out
}

func (h *hookView) describeHealth(health *webhook.Health, c clock) {
	status := health.Status(c.now)
	h.Health = c.t.Health[status]
	switch status {
	case webhook.HealthOK:
		h.Tone = "good"
		if h.Last == nil {
			h.Health, h.Tone = c.t.NotUsed, "off"
		}
	case webhook.HealthDisabled:
		h.Tone, h.HealthMore = "off", c.t.DisabledBecause(health.DisabledReason)
	case webhook.HealthOpen, webhook.HealthPaused:
		h.Tone, h.Held, h.HealthMore = "wait", true, c.t.HeldUntil(c.at(health.HoldUntil()).Away)
	default:
		h.Tone = "bad"
		if since := c.at(health.FailingSince); since != nil {
			h.HealthMore = c.t.FailingSince(health.Failures, since.Away)
		}
	}
}

// matches reports whether a search text stands in the part of a webhook that the list shows.
func (t *Texts) matches(w *webhook.Webhook, wanted string) bool {
	wanted = strings.ToLower(wanted)
	has := func(s string) bool { return strings.Contains(strings.ToLower(s), wanted) }
	return has(w.Name) || has(hostOf(w.URL)) ||
		slices.ContainsFunc(w.Events, func(e string) bool { return has(e) || has(t.trigger(e).Name) })
}

// hostOf returns the part of a URL that may be shown: scheme and host.
func hostOf(raw string) string { return strings.TrimSuffix(redact.URL(raw), "/"+redact.Mask) }
