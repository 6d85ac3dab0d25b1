package settings

import (
	"errors"
	"net/http"

	"github.com/postrider/postrider/webhook"
)

// rowsView is a page of deliveries.
type rowsView struct {
	Filter     filterView
	NoHistory  bool
	Webhooks   bool // the deliveries belong to several webhooks
	Deliveries []deliveryView
	Newest     string // link to the first page
	Older      string // link to the next page
}

// rows reads one page of deliveries: of a webhook, or of the whole scope where id is empty.
func (v *visit) rows(id string) (view rowsView, err error) {
	q := webhook.Query{Scope: v.scope, WebhookID: id, Limit: v.o.PageSize}
	var ok bool
	if view.Filter, ok = v.filter(&q); !ok {
		return view, v.noPage()
	}
	ds, next, err := v.m.Deliveries(v.ctx, q)
	switch {
	case errors.Is(err, webhook.ErrUnsupported):
		view.NoHistory = true
		return view, nil
	case errors.Is(err, webhook.ErrInvalid), err != nil && q.Cursor != "" && v.ctx.Err() == nil:
		return view, v.noPage() // a text that is none, a damaged or outdated cursor
	case err != nil:
		return view, err
	}
	if view.Deliveries, err = v.deliveryRows(ds); err != nil {
		return view, err
	}
	if q.Cursor != "" {
		view.Newest = view.Filter.link(view.Filter.State, "")
	}
	if next != "" {
		view.Older = view.Filter.link(view.Filter.State, next)
	}
	return view, nil
}

// deliveryRows adds to each delivery its latest attempt and, while it waits, the reason.
func (v *visit) deliveryRows(ds []webhook.Delivery) ([]deliveryView, error) {
	attempts, err := v.m.LatestAttempts(v.ctx, v.scope, ds)
	if err != nil {
		return nil, err
	}
	why, err := v.d.ExplainAll(v.ctx, v.scope, ds)
	if err != nil {
		return nil, err
	}
	out := make([]deliveryView, len(ds))
	for i := range ds {
		var latest *webhook.Attempt
		if a, ok := attempts[ds[i].ID]; ok {
			latest = &a
		}
		out[i] = v.deliveryView(ds[i], latest)
		v.explain(&out[i], &why[i])
		if err := v.keyed(&out[i], ds[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// log shows the deliveries of all webhooks of the scope.
func (v *visit) log() error {
	rows, err := v.rows("")
	if err != nil {
		return err
	}
	hooks, err := v.m.List(v.ctx, v.scope)
	if err != nil {
		return err
	}
	names := make(map[string]string, len(hooks))
	for i := range hooks {
		names[hooks[i].ID] = hooks[i].Name
	}
	rows.Webhooks = true
	for i := range rows.Deliveries {
		rows.Deliveries[i].Webhook = names[rows.Deliveries[i].WebhookID]
	}
	return v.render(http.StatusOK, "log", page{Title: v.t.LogTitle, Body: &rows, Live: rows.Newest == ""})
}
