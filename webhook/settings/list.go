package settings

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/postrider/postrider/webhook"
)

type listView struct {
	Used     string
	Full     string // set when the limit is reached
	Find     bool   // there is a search
	Wanted   string // the text of the search
	Webhooks []hookView
	None     bool   // there are no webhooks at all
	First    string // link to the first page
	More     string // link to the next page
}

const (
	// maxListed is the number of webhooks on a page.
	maxListed = 50
	// findFrom is the number of webhooks from which there is a search.
	findFrom = 10
	maxFind  = 200 // bytes
)

// list shows the webhooks of the scope.
func (v *visit) list() error {
	hooks, err := v.m.List(v.ctx, v.scope)
	if err != nil {
		return err
	}
	asked := v.r.URL.Query()
	view := listView{Used: v.t.Used(len(hooks), v.most), None: len(hooks) == 0, Wanted: asked.Get("q")}
	if len(view.Wanted) > maxFind {
		return problem{http.StatusNotFound, v.t.NoPage}
	}
	view.Find = len(hooks) >= findFrom || view.Wanted != ""
	if v.full(hooks) {
		view.Full = v.t.Full(v.most)
	}
	if view.Wanted != "" {
		var found []webhook.Webhook
		for i := range hooks {
			if v.t.matches(&hooks[i], view.Wanted) {
				found = append(found, hooks[i])
			}
		}
		hooks = found
	}
	shown, err := v.pageOf(&view, hooks, asked.Get("from"))
	if err != nil {
		return err
	}
	if view.Webhooks, err = v.hookViews(shown); err != nil {
		return err
	}
	return v.render(http.StatusOK, "list", page{Title: v.name(), Body: view, Live: len(shown) > 0})
}

// pageOf returns the requested page of a long list.
func (v *visit) pageOf(view *listView, hooks []webhook.Webhook, asked string) ([]webhook.Webhook, error) {
	from := 0
	link := func(n int) string {
		q := url.Values{}
		if n > 0 {
			q.Set("from", strconv.Itoa(n))
		}
		if view.Wanted != "" {
			q.Set("q", view.Wanted)
		}
		return "?" + q.Encode()
	}
	if asked != "" {
		n, err := strconv.Atoi(asked)
		if err != nil || n < 0 || n >= max(1, len(hooks)) {
			return nil, problem{http.StatusNotFound, v.t.NoPage}
		}
		if from = n; n > 0 {
			view.First = link(0)
		}
	}
	hooks = hooks[from:]
	if len(hooks) > maxListed {
		view.More, hooks = link(from+maxListed), hooks[:maxListed]
	}
	return hooks, nil
}

// inList returns a link to the list page of a webhook, with its place there.
func (v *visit) inList(id string) string {
	hooks, err := v.m.List(v.ctx, v.scope)
	if err != nil {
		return "" // the list itself shows the error
	}
	for i := range hooks {
		if hooks[i].ID != id {
			continue
		}
		if from := i - i%maxListed; from > 0 {
			return "?from=" + strconv.Itoa(from) + "#" + id
		}
		return "#" + id
	}
	return ""
}

func (v *visit) full(hooks []webhook.Webhook) bool { return v.most > 0 && len(hooks) >= v.most }
