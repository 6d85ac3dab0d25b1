package settings

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook"
)

// webhookView is the page of one webhook.
type webhookView struct {
	Hook    hookView
	Off     *offView // Postrider switched it off
	Since   string   // start of the failures, to send them again
	Samples []option
	Charts  []chartView
	Secrets []secretView
	Makes   bool          // the Manager makes secrets
	TLS     *identityView // nil where the page has no client certificates
	Rows    rowsView
}

// offView says why a webhook is off and what was missed.
type offView struct {
	Why, Since, Missed string
	From               string // start of the failures, for a link
}

// webhook shows one webhook and its deliveries.
func (v *visit) webhook() error {
	w, err := v.m.Webhook(v.ctx, v.scope, v.id)
	if err != nil {
		return err
	}
	standings, err := v.m.Standings(v.ctx, v.scope, []webhook.Webhook{w})
	if err != nil {
		return err
	}
	view := webhookView{Hook: v.hookView(&w, &standings[0])}
	if view.Rows, err = v.rows(w.ID); err != nil {
		return err
	}
	view.Makes, view.TLS = v.makes, v.identity(&w)
	if view.Secrets, err = v.secretViews(); err != nil {
		return err
	}
	for _, e := range w.Events {
		if strings.HasSuffix(e, "*") {
			continue // a wildcard covers several
		}
		view.Samples = append(view.Samples, option{Value: e, Text: v.t.TestSample(v.t.trigger(e).Name)})
	}
	failing := standings[0].Health.FailingSince
	if failing.IsZero() {
		failing = v.now.Add(-24 * time.Hour).Truncate(time.Hour)
	}
	view.Since = failing.In(v.clock().zone).Format(localTime)
	if w.DisabledReason != "" && !w.Active {
		if view.Off, err = v.off(&w, &standings[0].Health); err != nil {
			return err
		}
	}
	if view.Charts, err = v.charts(w.ID); err != nil {
		return err
	}
	return v.render(http.StatusOK, "webhook", page{Title: w.Name, Body: &view, Live: view.Rows.Newest == ""})
}

// maxMissed bounds the count of missed deliveries in a sentence.
const maxMissed = 100

func (v *visit) off(w *webhook.Webhook, h *webhook.Health) (*offView, error) {
	c := v.clock()
	out := &offView{Why: v.t.DisabledBecause(w.DisabledReason)}
	if since := c.at(w.DisabledAt); since != nil {
		out.Since = v.t.OffSince(since.Text + ", " + since.Away)
	}
	from := h.FailingSince
	if from.IsZero() {
		from = w.DisabledAt
	}
	if !from.IsZero() {
		out.From = from.In(c.zone).Format(localTime)
		from = from.Truncate(time.Minute)
	}
	failed, err := v.counted(v.failed(w.ID, from), maxMissed)
	if err != nil {
		return nil, err
	}
	waiting, err := v.counted(webhook.Query{WebhookID: w.ID, States: []webhook.State{webhook.StatePending}}, maxMissed)
	if err == nil {
		out.Missed = v.t.Missed(v.number(failed, maxMissed), v.number(waiting, maxMissed))
	}
	return out, err
}

// counted counts deliveries up to most+1.
func (v *visit) counted(q webhook.Query, most int) (n int, err error) {
	q.Scope, q.Limit = v.scope, min(most+1, 500)
	for {
		ds, next, err := v.m.Deliveries(v.ctx, q)
		if err != nil {
			return 0, err
		}
		if n += len(ds); next == "" || n > most {
			return n, nil
		}
		q.Cursor = next
	}
}

// number writes a count in words.
func (v *visit) number(n, most int) string {
	if n > most {
		return v.t.AtLeast(most)
	}
	return strconv.Itoa(n)
}
