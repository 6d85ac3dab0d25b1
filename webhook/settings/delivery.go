package settings

import (
	"context"
	"errors"
	"net/http"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/webpage"
)

// deliveryView is a delivery as the page shows it.
type deliveryView struct {
	ID, WebhookID, EventID string
	Trigger                Trigger
	State, Tone            string // in words; "good", "bad" or "wait"
	Pending                bool
	Tries                  int
	Exhausted              bool
	Created, Finished      *moment
	Next                   *moment // the next try of a waiting one
	NextText               string  // in place of Next
	Outcome                string  // of the latest attempt, or why it ended without one
	Took                   string
	Reasons                []reasonView
	Attempts               []attemptView
	Earlier                int // attempts that are not shown
	Body                   string
}

const (
	// maxShownBody is how much of a body the page shows; see webpage.Pretty.
	maxShownBody = 64 << 10
	// maxShownAttempts are the latest ones: each redelivery adds some, without an end.
	maxShownAttempts = 100
)

type reasonView struct{ Text, Until string }

type attemptView struct {
	Number        int
	Good          bool
	Outcome, Took string
	Start         *moment
	Snippet       string
}

func (v *visit) deliveryView(d webhook.Delivery, attempts []webhook.Attempt) deliveryView {
	t, c := v.o.Texts, v.clock()
	out := deliveryView{ID: d.ID, WebhookID: d.WebhookID, EventID: d.EventID, Trigger: t.trigger(d.Type),
		State: t.States[d.State], Pending: d.State == webhook.StatePending, Tries: d.Attempts, Exhausted: d.Exhausted,
		Created: c.at(d.CreatedAt), Finished: c.at(d.FinishedAt)}
	switch d.State {
	case webhook.StateDelivered:
		out.Tone = "good"
	case webhook.StateFailed:
		out.Tone = "bad"
	default:
		out.Tone = "wait"
		switch {
		case d.Held && d.Due.After(c.now):
			out.NextText = t.BeingSent
		case d.Due.After(c.now):
			out.Next = c.at(d.Due)
		default:
			out.NextText = t.DueNow
		}
	}
	if out.Earlier = max(0, len(attempts)-maxShownAttempts); out.Earlier > 0 {
		attempts = attempts[out.Earlier:]
	}
	for _, a := range attempts {
		out.Attempts = append(out.Attempts, attemptView{Number: a.Number, Good: a.OK(), Outcome: t.outcome(a),
			Took: t.Duration(a.Duration), Start: c.at(a.Start), Snippet: a.Snippet})
	}
	if n := len(out.Attempts); n > 0 && d.Tries > 0 {
		out.Outcome, out.Took = out.Attempts[n-1].Outcome, out.Attempts[n-1].Took
	}
	if ended := d.LastCode; d.State == webhook.StateFailed && (d.Tries == 0 || !ofAttempt(ended)) {
		out.Outcome = t.outcome(webhook.Attempt{Code: ended}) // it ended without an attempt
	}
	return out
}

// ofAttempt tells an attempt's outcome from the end of a delivery that nobody sent.
func ofAttempt(c webhook.Code) bool {
	return c != webhook.CodeCancelled && c != webhook.CodeExpired && c != webhook.CodeInterrupted
}

// explain fills in why a delivery has not been sent.
func (v *visit) explain(ctx context.Context, view *deliveryView, d webhook.Delivery) error {
	if d.State != webhook.StatePending {
		return nil
	}
	x, err := v.d.Explain(ctx, v.scope, d.ID)
	if errors.Is(err, webhook.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	c := v.clock()
	for _, r := range x.Reasons {
		line := reasonView{Text: c.t.Reason(r)}
		if until := c.at(r.Until); until != nil && r.Until.Sub(c.now) > 0 {
			line.Until = c.t.Until(until.Text) + ", " + until.Away
		}
		view.Reasons = append(view.Reasons, line)
	}
	return nil
}

// delivery shows one delivery with its attempts and body.
func (v *visit) delivery() error {
	view, err := v.ownDelivery()
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, "delivery", page{Title: view.Trigger.Name, Body: view, Live: true})
}

// ownDelivery reads the delivery of the path, which must belong to the webhook of the path.
func (v *visit) ownDelivery() (*deliveryView, error) {
	ctx := v.r.Context()
	d, attempts, err := v.m.Delivery(ctx, v.scope, v.args[1])
	if err == nil && d.WebhookID != v.args[0] {
		err = webhook.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	view := v.deliveryView(d, attempts)
	shown := 0
	if view.Body, shown = webpage.Pretty(d.Body, maxShownBody); shown < len(d.Body) {
		view.Body += "…"
	}
	return &view, v.explain(ctx, &view, d)
}

func (v *visit) redeliver() error {
	return v.change(noticeRedelivered, v.m.Redeliver)
}

func (v *visit) cancel() error {
	return v.change(noticeCancelled, v.m.Cancel)
}

func (v *visit) change(kind string, do func(ctx context.Context, scope, id string) error) error {
	view, err := v.ownDelivery()
	if err == nil {
		err = do(v.r.Context(), v.scope, view.ID)
	}
	if err != nil {
		return err
	}
	v.leaveNotice(notice{Kind: kind})
	return v.see("webhooks/" + v.args[0] + "/deliveries/" + view.ID)
}
