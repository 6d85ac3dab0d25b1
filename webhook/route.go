package webhook

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/postrider/postrider/payload"
)

// Routed is one delivery that Profile.Route makes of an event.
type Routed struct {
	// WebhookID names the webhook whose URL, secrets and health the delivery uses. It must be one
	// of the webhooks that Route was given.
	WebhookID string
	// Body replaces the event's body if it is not nil. NoBody sends none.
	Body   []byte
	NoBody bool
	// Class splits the webhook's lane, so that deliveries of one class do not wait for
	// those of another; empty as a rule. At most 100 bytes.
	Class string
	// Vars are added to the event's variables.
	Vars map[string]string
	// Err says why the Profile cannot tell whether the webhook receives the event, or cannot compose
	// the delivery, because of what is stored of the webhook. So that nothing is lost in silence, the
	// delivery is stored without body and variables, and ends as failed with [CodeConfig], without a
	// request. Once for each version of the webhook Err is logged, so it holds no secret, and
	// Observer.Attention is called.
	Err error
}

// Each makes a Profile.Route that sends the event to each webhook that a function matches; nil
// stands for [Webhook.Listens]. Errors name the webhook. One that wraps [ErrUnusable] becomes
// Routed.Err of this webhook, any other refuses the Dispatch.
func Each(match func(Webhook, payload.Event) (bool, error)) func([]Webhook, payload.Event) ([]Routed, error) {
	return func(live []Webhook, e payload.Event) ([]Routed, error) {
		matched, unusable, err := matching(live, e, match)
		if err != nil {
			return nil, err
		}
		routed := make([]Routed, len(matched))
		for i := range matched {
			routed[i].WebhookID = matched[i].ID
		}
		return append(routed, unusable...), nil
	}
}

// Grouped makes a Profile.Route that matches as [Each] does, and then lets a function compose one
// delivery for the matched webhooks of each Group (a single one where Group is empty), in the order
// of their IDs. The delivery must name one of them; an empty WebhookID means the first. Errors are
// treated as by Each; one of compose stands for the first webhook.
func Grouped(match func(Webhook, payload.Event) (bool, error), compose func(payload.Event, []Webhook) (Routed, error)) func([]Webhook, payload.Event) ([]Routed, error) {
	return func(live []Webhook, e payload.Event) ([]Routed, error) {
		matched, routed, err := matching(live, e, match)
		if err != nil {
			return nil, err
		}
		routed = slices.Grow(routed, len(matched))
		for start, end := 0, 1; start < len(matched); start, end = end, end+1 {
			for matched[start].Group != "" && end < len(matched) && matched[end].Group == matched[start].Group {
				end++
			}
			group := matched[start:end]
			r, err := compose(e, group)
			r.WebhookID = cmp.Or(r.WebhookID, group[0].ID)
			if err == nil && !slices.ContainsFunc(group, func(w Webhook) bool { return w.ID == r.WebhookID }) {
				err = fmt.Errorf("composed for webhook %s, which is not of the group", r.WebhookID)
			}
			if err != nil {
				err = fmt.Errorf("compose %s: %w", group[0].ID, err)
				if !errors.Is(err, ErrUnusable) {
					return nil, err
				}
				r = Routed{WebhookID: group[0].ID, Err: err}
			}
			routed = append(routed, r)
		}
		return routed, nil
	}
}

// matching returns the webhooks that match an event, those of a Group together and in the order of
// their IDs, in the memory of live. unusable are those of which that cannot be told.
func matching(live []Webhook, e payload.Event, match func(Webhook, payload.Event) (bool, error)) (matched []Webhook, unusable []Routed, err error) {
	if match == nil {
		match = func(w Webhook, e payload.Event) (bool, error) { return w.Listens(e.Type), nil }
	}
	matched = live[:0]
	for _, w := range live {
		ok, err := match(w, e)
		switch {
		case errors.Is(err, ErrUnusable):
			unusable = append(unusable, Routed{WebhookID: w.ID, Err: fmt.Errorf("webhook %s: %w", w.ID, err)})
		case err != nil:
			return nil, nil, fmt.Errorf("webhook %s: %w", w.ID, err)
		case ok:
			matched = append(matched, w)
		}
	}
	slices.SortFunc(matched, func(a, b Webhook) int { return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.ID, b.ID)) })
	return matched, unusable, nil
}
