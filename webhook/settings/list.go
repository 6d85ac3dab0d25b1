package settings

import (
	"net/http"

	"github.com/postrider/postrider/webhook"
)

type listView struct {
	Used     string
	Full     string // set when the limit is reached
	Confirm  bool
	Webhooks []hookView
}

// maxLive bounds the lists that the script keeps up to date: each webhook costs a few queries.
const maxLive = 20

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
	for _, w := range hooks {
		h, err := v.hookView(ctx, w)
		if err != nil {
			return err
		}
		view.Webhooks = append(view.Webhooks, h)
	}
	return v.render(http.StatusOK, "list", page{Title: v.o.Texts.ListTitle, Body: view, Live: len(hooks) > 0 && len(hooks) <= maxLive})
}

func (v *visit) limit() int { return v.most }

func (v *visit) full(hooks []webhook.Webhook) bool { return v.limit() > 0 && len(hooks) >= v.limit() }
