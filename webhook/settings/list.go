package settings

import (
	"net/http"
	"strconv"

	"github.com/postrider/postrider/webhook"
)

type listView struct {
	Used     string
	Full     string // set when the limit is reached
	Confirm  bool
	Webhooks []hookView
	First    bool   // there is a page before this one
	More     string // link to the next page
}

const (
	// maxListed is the number of webhooks on a page.
	maxListed = 50
	// maxLive bounds the lists that the script keeps up to date: each webhook costs a few queries.
	maxLive = 20
)

// list shows the webhooks of the scope.
func (v *visit) list() error {
	ctx := v.r.Context()
	hooks, err := v.m.List(ctx, v.scope)
	if err != nil {
		return err
	}
	view := listView{Used: v.o.Texts.Used(len(hooks), v.limit()), Confirm: v.o.ConfirmDelete}
	if v.full(hooks) {
		view.Full = v.o.Texts.Full(v.limit())
	}
	shown, err := v.pageOf(&view, hooks)
	if err != nil {
		return err
	}
	for _, w := range shown {
		h, err := v.hookView(ctx, w)
		if err != nil {
			return err
		}
		view.Webhooks = append(view.Webhooks, h)
	}
	return v.render(http.StatusOK, "list", page{Title: v.o.Texts.ListTitle, Body: view, Live: len(hooks) > 0 && len(hooks) <= maxLive})
}

// pageOf takes from a long list the webhooks of the page that is asked for.
func (v *visit) pageOf(view *listView, hooks []webhook.Webhook) ([]webhook.Webhook, error) {
	from := 0
	if text := v.r.URL.Query().Get("from"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n >= max(1, len(hooks)) {
			return nil, problem{http.StatusNotFound, v.o.Texts.NoPage}
		}
		from, view.First = n, n > 0
	}
	hooks = hooks[from:]
	if len(hooks) > maxListed {
		view.More, hooks = "?from="+strconv.Itoa(from+maxListed), hooks[:maxListed]
	}
	return hooks, nil
}

func (v *visit) limit() int { return v.most }

func (v *visit) full(hooks []webhook.Webhook) bool { return v.limit() > 0 && len(hooks) >= v.limit() }
