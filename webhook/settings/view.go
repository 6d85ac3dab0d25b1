package settings

import (
	"context"
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook"
)

// clock turns times into what people read.
type clock struct {
	now  time.Time
	zone *time.Location
	t    *Texts
}

func (v *visit) clock() clock { return clock{time.Now(), v.o.Location, v.o.Texts} }

// moment is a time as the page shows it.
type moment struct{ ISO, Text, Away string }

// at returns nil for the zero time.
func (c clock) at(t time.Time) *moment {
	if t.IsZero() {
		return nil
	}
	m := &moment{ISO: t.UTC().Format(time.RFC3339), Text: c.t.Time(t.In(c.zone))}
	if d := t.Sub(c.now); d > 0 {
		m.Away = c.t.In(d)
	} else {
		m.Away = c.t.Ago(-d)
	}
	return m
}

// hookView is a webhook as the page shows it: nothing of it is secret.
type hookView struct {
	ID, Name, Host, Notes string
	Triggers              []Trigger
	Active                bool
	Health                string // in words
	Tone                  string // of the health: "good", "bad", "wait" or "off"
	HealthMore            string
	Last                  *deliveryView
	Samples               []sampleView
}

type sampleView struct{ Type, Text string }

func (v *visit) hookView(ctx context.Context, w webhook.Webhook) (hookView, error) {
	out := hookView{ID: w.ID, Name: w.Name, Host: hostOf(w.URL), Notes: w.Notes, Active: w.Active}
	t := v.o.Texts
	for _, e := range w.Events {
		d := v.trigger(t, e)
		out.Triggers = append(out.Triggers, d)
		if !strings.HasSuffix(e, "*") {
			out.Samples = append(out.Samples, sampleView{e, t.TestSample(d.Name)})
		}
	}
	health, err := v.m.Health(ctx, v.scope, w.ID)
	if err != nil {
		return hookView{}, err
	}
	out.describeHealth(health, v.clock())
	ds, _, err := v.m.Deliveries(ctx, webhook.Query{Scope: v.scope, WebhookID: w.ID, Limit: 1})
	switch {
	case errors.Is(err, webhook.ErrUnsupported): // no history, no last delivery
	case err != nil:
		return hookView{}, err
	case len(ds) == 1:
		last := v.deliveryView(ds[0], nil)
		out.Last = &last
	}
	return out, nil
}

func (h *hookView) describeHealth(health webhook.Health, c clock) {
	status := health.Status(c.now)
	h.Health = c.t.Health[status]
	switch status {
	case webhook.HealthOK:
		h.Tone = "good"
	case webhook.HealthDisabled:
		h.Tone, h.HealthMore = "off", c.t.DisabledBecause(health.DisabledReason)
	case webhook.HealthOpen, webhook.HealthPaused:
		h.Tone, h.HealthMore = "wait", c.t.HeldUntil(c.at(health.HoldUntil()).Away)
	default:
		h.Tone = "bad"
		if since := c.at(health.FailingSince); since != nil {
			h.HealthMore = c.t.FailingSince(health.Failures, since.Away)
		}
	}
}

// hostOf is what may be shown of a URL: scheme and host, and of a host that is an address the
// scheme. Empty for anything unexpected.
func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return ""
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return u.Scheme + "://[redacted]"
	}
	return u.Scheme + "://" + u.Host
}
