package settings

import (
	"net/http"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/webpage"
)

// deliveryView is a delivery as the page shows it.
type deliveryView struct {
	ID, WebhookID, EventID string
	Key                    string // of its order, or of coalescing
	Webhook                string // name of the webhook, in a list of several
	Trigger                Trigger
	State, Tone            string // in words; "good", "bad" or "wait"
	Pending                bool
	Tries                  int
	Exhausted              bool
	Created, Finished      *moment
	Next                   *moment // next try of a waiting delivery
	NextText               string  // in place of Next
	Outcome                string  // of the latest attempt, or why the delivery ended without one
	Took                   string
	Reasons                []reasonView
}

type reasonView struct{ Text, Until string }

// deliveryView describes a delivery with its latest attempt; latest is nil where it is not known.
func (v *visit) deliveryView(d webhook.Delivery, latest *webhook.Attempt) deliveryView {
	t, c := v.t, v.clock()
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
	}
	if latest != nil {
		out.Outcome, out.Took = t.outcome(*latest), t.Duration(latest.Duration)
	}
	if d.State == webhook.StateFailed && (latest == nil || !ofAttempt(d.LastCode)) {
		out.Outcome = t.outcome(webhook.Attempt{Code: d.LastCode}) // the delivery ended without an attempt
	}
	return out
}

// ofAttempt reports whether a code is an attempt's outcome, not the end of a delivery that was not
// sent.
func ofAttempt(c webhook.Code) bool {
	return c != webhook.CodeCancelled && c != webhook.CodeExpired && c != webhook.CodeInterrupted &&
		c != webhook.CodeSuperseded
}

// explain fills in why a delivery has not been sent, and from the same source the time of its next
// try.
func (v *visit) explain(view *deliveryView, x *webhook.Explanation) {
	if x.Delivery.State != webhook.StatePending {
		return
	}
	c := v.clock()
	for _, r := range x.Reasons {
		line := reasonView{Text: v.t.Reason(r)}
		if until := c.at(r.Until); until != nil && r.Until.After(v.now) {
			line.Until = v.t.Until(until.Text) + ", " + until.Away
		}
		view.Reasons = append(view.Reasons, line)
	}
	view.Next, view.NextText = nil, ""
	switch first := x.Reasons[0]; {
	case first.Kind == webhook.ReasonReady:
		view.NextText = v.t.DueNow
	case x.Delivery.Held && x.Delivery.Due.After(v.now):
		view.NextText = v.t.BeingSent
	case first.Until.IsZero():
		view.NextText = v.t.NotKnown
	default:
		view.Next = c.at(first.Until) // reasons stand in the order of their ends, the latest first
	}
}

// detailView is the page of one delivery.
type detailView struct {
	deliveryView
	Attempts []attemptView // latest first
	Earlier  int           // attempts that are not shown
	Body     string
	Request  *requestView // nil where there is none
}

type attemptView struct {
	Number                int
	Good                  bool
	Outcome, Detail, Took string
	Start                 *moment
	Gap                   string // since the end of the attempt before
	Snippet               string
	Header                []webhook.HeaderField // of an answer that did not accept
}

const (
	// maxShownBody is how much of a body the page shows; see webpage.Pretty.
	maxShownBody = 64 << 10
	// maxShownAttempts bounds the list to the latest attempts, because redeliveries add some
	// without limit.
	maxShownAttempts = 100
)

// delivery shows one delivery with its attempts, its request and its body.
func (v *visit) delivery() error {
	d, attempts, err := v.ownDelivery()
	if err != nil {
		return err
	}
	view := detailView{}
	var latest *webhook.Attempt
	if n := len(attempts); n > 0 {
		latest = &attempts[n-1]
	}
	view.deliveryView = v.deliveryView(d, latest)
	view.timeline(&d, attempts, v.clock())
	shown := 0
	if view.Body, shown = webpage.Pretty(d.Body, maxShownBody); shown < len(d.Body) {
		view.Body += "…"
	}
	if view.Request, err = v.request(&d); err != nil {
		return err
	}
	why, err := v.d.ExplainAll(v.ctx, v.scope, []webhook.Delivery{d})
	if err != nil {
		return err
	}
	v.explain(&view.deliveryView, &why[0])
	if err := v.keyed(&view.deliveryView, d); err != nil {
		return err
	}
	return v.render(http.StatusOK, "delivery", page{Title: view.Trigger.Name, Body: &view, Live: true})
}

// timeline shows the attempts, latest first.
func (view *detailView) timeline(d *webhook.Delivery, attempts []webhook.Attempt, c clock) {
	first := max(0, len(attempts)-maxShownAttempts)
	view.Earlier = max(first, d.Attempts-(len(attempts)-first)) // Stores keep a bounded number
	for i := len(attempts) - 1; i >= first; i-- {
		a := attempts[i]
		one := attemptView{Number: a.Number, Good: a.OK(), Outcome: c.t.outcome(a), Detail: c.t.Detail(a.Detail),
			Took: c.t.Duration(a.Duration), Start: c.at(a.Start), Snippet: a.Snippet, Header: a.Header}
		if i > 0 {
			if gap := a.Start.Sub(attempts[i-1].End()); gap >= time.Second {
				one.Gap = c.t.After(span(gap))
			}
		}
		view.Attempts = append(view.Attempts, one)
	}
}

// ownDelivery reads the delivery of the path. Where the path names a webhook, the delivery must
// belong to it.
func (v *visit) ownDelivery() (webhook.Delivery, []webhook.Attempt, error) {
	d, attempts, err := v.m.Delivery(v.ctx, v.scope, v.r.PathValue("delivery"))
	switch {
	case err != nil:
	case v.id == "":
		v.id = d.WebhookID
	case d.WebhookID != v.id:
		err = webhook.ErrNotFound
	}
	return d, attempts, err
}

func (v *visit) redeliver() error {
	d, _, err := v.ownDelivery()
	if err != nil {
		return err
	}
	if fresh := d.State == webhook.StatePending && !d.Held && d.Tries == 0 && !d.Due.After(v.now); !fresh { // a fresh one was just queued
		if err := v.m.Redeliver(v.ctx, v.scope, d.ID); err != nil {
			return err
		}
	}
	n := notice{Kind: noticeRedelivered}
	if x, err := v.d.Explain(v.ctx, v.scope, d.ID); err == nil && x.Delivery.State == webhook.StatePending {
		if r := x.Reasons[0]; r.Kind != webhook.ReasonReady && r.Kind != webhook.ReasonHeld {
			n.Why = v.t.Reason(r)
		}
	}
	return v.toDelivery(d.ID, n)
}

func (v *visit) cancel() error {
	d, _, err := v.ownDelivery()
	if err == nil {
		err = v.m.Cancel(v.ctx, v.scope, d.ID)
	}
	if err != nil {
		return err
	}
	return v.toDelivery(d.ID, notice{Kind: noticeCancelled})
}

func (v *visit) toDelivery(id string, n notice) error {
	v.leaveNotice(n)
	return v.see("webhooks/" + v.id + "/deliveries/" + id)
}
