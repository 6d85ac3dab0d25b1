package settings

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/postrider/postrider/webhook"
)

// webhookView is the page of one webhook.
type webhookView struct {
	Hook       hookView
	NoHistory  bool
	States     []stateLink
	Filtered   bool
	Deliveries []deliveryView
	Secrets    []secretView
	Generates  bool   // the Manager makes secrets
	Newest     bool   // there is a page before this one
	Older      string // link to the next page
}

type stateLink struct {
	Text, Link string
	Here       bool
}

// maxCursor is longer than the cursor of any Store, in bytes.
const maxCursor = 4096

var stateNames = map[string]webhook.State{
	"pending": webhook.StatePending, "delivered": webhook.StateDelivered, "failed": webhook.StateFailed,
}

// webhook shows one webhook and its deliveries.
func (v *visit) webhook() error {
	ctx, id := v.r.Context(), v.args[0]
	w, err := v.m.Webhook(ctx, v.scope, id)
	if err != nil {
		return err
	}
	view := webhookView{Generates: v.generates}
	if view.Hook, err = v.hookView(ctx, w); err != nil {
		return err
	}
	if view.Secrets, err = v.secretViews(ctx, id); err != nil {
		return err
	}
	asked := v.r.URL.Query()
	state := asked.Get("state")
	if len(asked.Get("after")) > maxCursor {
		return problem{http.StatusNotFound, v.o.Texts.NoPage}
	}
	if err := v.page(ctx, &view, id, state, asked.Get("after")); err != nil {
		return err
	}
	view.Newest = asked.Get("after") != ""
	view.states(v.o.Texts, state)
	return v.render(http.StatusOK, "webhook", page{Title: w.Name, Body: &view, Live: !view.Newest})
}

// page reads one page of deliveries.
func (v *visit) page(ctx context.Context, view *webhookView, id, state, after string) error {
	q := webhook.Query{Scope: v.scope, WebhookID: id, Limit: v.o.PageSize, Cursor: after}
	if state != "" {
		s, ok := stateNames[state]
		if !ok {
			return problem{http.StatusNotFound, v.o.Texts.NoPage}
		}
		q.States, view.Filtered = []webhook.State{s}, true
	}
	ds, next, err := v.m.Deliveries(ctx, q)
	switch {
	case errors.Is(err, webhook.ErrUnsupported):
		view.NoHistory = true
		return nil
	case err != nil && after != "" && ctx.Err() == nil:
		return problem{http.StatusNotFound, v.o.Texts.NoPage} // a damaged or outdated cursor
	case err != nil:
		return err
	}
	for _, d := range ds {
		row, err := v.row(ctx, d)
		if err != nil {
			return err
		}
		view.Deliveries = append(view.Deliveries, row)
	}
	if next != "" {
		query := url.Values{"after": {next}}
		if state != "" {
			query.Set("state", state)
		}
		view.Older = "?" + query.Encode()
	}
	return nil
}

// row adds the latest attempt to a delivery and, while it waits, what it waits for.
func (v *visit) row(ctx context.Context, d webhook.Delivery) (deliveryView, error) {
	full, attempts, err := v.m.Delivery(ctx, v.scope, d.ID)
	switch {
	case errors.Is(err, webhook.ErrNotFound): // pruned meanwhile
		full, attempts = d, nil
	case err != nil:
		return deliveryView{}, err
	}
	view := v.deliveryView(full, attempts)
	return view, v.explain(ctx, &view, full)
}

func (view *webhookView) states(t *Texts, here string) {
	view.States = []stateLink{{t.All, "?", here == ""}}
	for _, name := range []string{"pending", "delivered", "failed"} {
		view.States = append(view.States, stateLink{t.States[stateNames[name]], "?state=" + name, here == name})
	}
}
