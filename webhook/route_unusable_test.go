package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
)

// Rule: what is stored of one webhook and cannot be used fails the deliveries to this webhook. They
// are in its log, end without a request, and hold no body. All other webhooks get theirs. It is
// reported once for each version of the webhook.
func TestUnusableWebhook(t *testing.T) {
	t.Parallel()
	broken := func(w webhook.Webhook) error {
		if w.Filter == "broken" {
			return fmt.Errorf("the filter does not parse: %w", webhook.ErrUnusable)
		}
		return nil
	}
	match := func(w webhook.Webhook, _ payload.Event) (bool, error) { return w.Name != "not this", broken(w) }
	compose := func(_ payload.Event, group []webhook.Webhook) (webhook.Routed, error) {
		return webhook.Routed{}, broken(group[0])
	}
	for name, route := range map[string]func([]webhook.Webhook, payload.Event) ([]webhook.Routed, error){
		"Each":                webhook.Each(match),
		"Grouped, by match":   webhook.Grouped(match, func(payload.Event, []webhook.Webhook) (webhook.Routed, error) { return webhook.Routed{}, nil }),
		"Grouped, by its own": webhook.Grouped(func(w webhook.Webhook, _ payload.Event) (bool, error) { return w.Name != "not this", nil }, compose),
		"a Route": func(live []webhook.Webhook, _ payload.Event) (routed []webhook.Routed, _ error) {
			for _, w := range live {
				if w.Name != "not this" {
					routed = append(routed, webhook.Routed{WebhookID: w.ID, Body: []byte(`"own"`), Vars: map[string]string{"x": "y"}, Err: broken(w)})
				}
			}
			return routed, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := tracker()
			p.Route = route
			var o observed
			inBubble(t, p, &webhook.Options{Observer: o.observer()}, func(h *host) {
				h.addTracker("fine", "", "https://hooks.example.com/fine")
				h.addTracker("not this", "", "https://hooks.example.com/not")
				w := h.addTracker("broken", "", "https://hooks.example.com/broken", func(w *webhook.Webhook) { w.Filter = "broken" })
				outcomes := func(event string) (of map[string]string) {
					t.Helper()
					r, err := h.Dispatch(context.Background(), track(t, event, nil))
					if err != nil || r.Events[0].Matched != 2 || r.Events[0].Added != 2 {
						t.Fatalf("Dispatch: %+v, %v; want two deliveries", r, err)
					}
					settled(time.Minute)
					of = make(map[string]string)
					for _, id := range r.Events[0].Deliveries {
						d, _ := h.delivery(id)
						if of[h.webhook(d.WebhookID).Name] = h.outcome(id); d.State == webhook.StateFailed && len(d.Body) > 0 {
							t.Errorf("the delivery that fails keeps a body of %d bytes", len(d.Body))
						}
					}
					return of
				}
				for i := range 2 {
					got := outcomes(fmt.Sprint("evt_", i))
					if got["fine"] != "delivered tries=1" || got["broken"] != "failed config tries=0" {
						t.Errorf("%v", got)
					}
				}
				if n := len(h.to.seen("https://hooks.example.com/broken")); n != 0 {
					t.Errorf("%d requests to the webhook that cannot be used", n)
				}
				const line = "what is stored of a webhook cannot be used"
				if h.wantLines(1, line, "webhook="+w.ID, "the filter does not parse:"); len(o.attention) != 1 || o.attention[0] != webhook.CodeConfig {
					t.Errorf("attention %v, want one", o.attention)
				}
				w.Notes = "still broken"
				w = h.edit(w)
				outcomes("evt_edited")
				if h.wantLines(2, line); len(o.attention) != 2 {
					t.Errorf("attention %v after an edit, want another", o.attention)
				}
				w.Filter = ""
				h.edit(w)
				if got := outcomes("evt_mended"); got["broken"] != "delivered tries=1" {
					t.Errorf("mended: %v", got)
				}
			})
		})
	}
}

// Rule: a delivery with Routed.Err cannot be redelivered. The Profile could not tell whether the
// webhook receives the event.
func TestUnusableIsNotRedelivered(t *testing.T) {
	t.Parallel()
	p := tracker()
	p.Route = webhook.Each(func(w webhook.Webhook, _ payload.Event) (bool, error) {
		if w.Filter != "" {
			return false, webhook.ErrUnusable
		}
		return true, nil
	})
	inBubble(t, p, nil, func(h *host) {
		w := h.addTracker("broken", "", "https://hooks.example.com/broken", func(w *webhook.Webhook) { w.Filter = "broken" })
		id := h.dispatchTracked(track(t, "evt_1", nil))
		settled(time.Minute)
		w.Filter = ""
		h.edit(w)
		if err := h.hooks.Redeliver(context.Background(), scope, id); err != nil {
			t.Fatal(err)
		}
		settled(time.Minute)
		if got := h.outcome(id); got != "failed config tries=0" || len(h.to.seen()) != 0 {
			t.Errorf("%s after %d requests", got, len(h.to.seen()))
		}
	})
}

// Rule: any other error of a match function refuses the Dispatch, and nothing is stored.
func TestRouteErrorRefuses(t *testing.T) {
	t.Parallel()
	p := tracker()
	p.Route = webhook.Each(func(webhook.Webhook, payload.Event) (bool, error) { return false, errors.New("the index is away") })
	inBubble(t, p, nil, func(h *host) {
		h.addTracker("one", "", "https://hooks.example.com/one")
		_, err := h.Dispatch(context.Background(), track(t, "evt_1", nil))
		if err == nil || !strings.Contains(err.Error(), "the index is away") || h.stored() != 0 {
			t.Errorf("%v, %d deliveries are stored", err, h.stored())
		}
	})
}

// Rule: no variable of the host makes a delivery fail as one whose webhook cannot be used, in silence.
func TestUnusableVariable(t *testing.T) {
	t.Parallel()
	vars := map[string]string{"postrider.unusable": "true"}
	for name, tt := range map[string]struct{ event, routed map[string]string }{"of the event": {event: vars}, "of Routed": {routed: vars}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := tracker()
			p.Route = func(live []webhook.Webhook, _ payload.Event) ([]webhook.Routed, error) {
				return []webhook.Routed{{WebhookID: live[0].ID, Vars: tt.routed}}, nil
			}
			inBubble(t, p, nil, func(h *host) {
				h.addTracker("one", "", "https://hooks.example.com/one")
				_, err := h.Dispatch(context.Background(), track(t, "evt_1", tt.event))
				if !errors.Is(err, webhook.ErrInvalid) || h.stored() != 0 {
					t.Errorf("%v, %d deliveries are stored; want ErrInvalid and none", err, h.stored())
				}
			})
		})
	}
}
