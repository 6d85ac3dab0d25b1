package settings

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/webpage"
)

// operatorsView is the operators' page. A section that cannot be read says so and leaves the
// others, because the page is for the time when something is broken.
type operatorsView struct {
	Status   webhook.Status
	Store    bool // the Store answers
	Errors   []storeErrors
	Totals   *totalsView
	Failing  *failingView
	Backlog  *backlogView
	Event    string // the event of the search
	Found    []foundView
	Searched bool // Found is its result
	Refused  string
}

type storeErrors struct {
	Call string
	N    int64
}

type totalsView struct {
	webhook.Totals
	Waiting string
	Oldest  *moment
}

type failingView struct {
	Total int
	By    []orderLink
	Rows  []failingRow
}

type failingRow struct {
	scopeView
	WebhookID, State, Tone string
	Failures               int
	Since, Until           *moment
}

type backlogView struct {
	By          []orderLink
	Rows        []backlogRow
	First, More string
}

type backlogRow struct {
	scopeView
	WebhookID, Pending string
	Oldest             *moment
}

type foundView struct {
	scopeView
	WebhookID, Type, State, Tone, Code string
	Attempts                           int
	Created                            *moment
}

// scopeView is a scope with the host's link, if it has one.
type scopeView struct{ Scope, URL string }

// orderLink is a link to another order of a list.
type orderLink struct {
	Text, Link string
	Here       bool
}

const (
	maxFailingShown = 50
	// sectionTime bounds what one section of the page may take.
	sectionTime = 5 * time.Second
)

var (
	failingOrders = []string{"failures", "since", "opened"} // by webhook.FailingOrder
	backlogOrders = []string{"oldest", "largest"}           // by webhook.BacklogOrder
	failingWords  = []string{"Most failures", "Longest", "Breaker opened most often"}
	backlogWords  = []string{"Oldest first", "Largest first"}
)

// overview shows the page.
func (h *Operators) overview(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	now := time.Now()
	c := clock{now, h.o.Location, &h.texts}
	v := &operatorsView{Status: h.ops.Status(), Event: strings.TrimSpace(q.Get("event"))}
	v.Store = v.Status.StoreError == nil
	for _, call := range slices.Sorted(maps.Keys(v.Status.StoreErrors)) {
		v.Errors = append(v.Errors, storeErrors{call, v.Status.StoreErrors[call]})
	}
	h.section(r, "totals", func(ctx context.Context) error { return h.totals(ctx, v, c) })
	h.section(r, "failing", func(ctx context.Context) error { return h.failing(ctx, v, c, q) })
	h.section(r, "backlog", func(ctx context.Context) error { return h.backlog(ctx, v, c, q) })
	if v.Event != "" {
		h.section(r, "find", func(ctx context.Context) error { return h.find(ctx, v, c) })
	}
	p := page{Title: operatorsTitle, Body: v, Live: true}
	v.Status.LastAnswer, v.Status.StoreError = time.Time{}, nil // neither is shown
	p.Tag = webpage.Tag("operators", h.site.CSS, h.site.JS, v)
	if webpage.NotModified(w, r, p.Tag) {
		return
	}
	p.Tag = strings.Trim(p.Tag, `"`)
	h.frame(&p, r)
	if err := h.site.Render(w, http.StatusOK, "operators", p); err != nil {
		h.o.Logger.ErrorContext(r.Context(), "settings: the operators' page failed", "error", err)
		h.problem(w, r, http.StatusInternalServerError, h.texts.Broken)
	}
}

// section fills in one part of the page.
func (h *Operators) section(r *http.Request, what string, fill func(ctx context.Context) error) {
	ctx, cancel := context.WithTimeout(r.Context(), sectionTime)
	defer cancel()
	if err := fill(ctx); err != nil && r.Context().Err() == nil {
		h.o.Logger.ErrorContext(ctx, "settings: a section of the operators' page cannot be read", "section", what, "error", err)
	}
}

func (h *Operators) totals(ctx context.Context, v *operatorsView, c clock) error {
	t, err := h.ops.Totals(ctx)
	if err != nil {
		return err
	}
	waiting := webhook.Count{N: t.Waiting(), AtLeast: t.Pending.AtLeast}
	v.Totals = &totalsView{t, waiting.String(), c.at(t.OldestDue)}
	return nil
}

func (h *Operators) failing(ctx context.Context, v *operatorsView, c clock, q url.Values) error {
	by := columnOrder(failingOrders, q.Get("failing"))
	worst, total, err := h.ops.Failing(ctx, webhook.FailingOrder(by))
	if err != nil {
		return err
	}
	v.Failing = &failingView{Total: total, By: choices(q, "failing", failingOrders, failingWords, by)}
	for _, one := range worst[:min(len(worst), maxFailingShown)] {
		row := failingRow{scopeView: h.scope(one.Scope), WebhookID: one.WebhookID, Failures: one.Failures, Since: c.at(one.FailingSince), Tone: "bad"}
		status := one.Status(c.now)
		row.State = h.texts.Health[status]
		if until := one.HoldUntil(); until.After(c.now) {
			row.Until, row.Tone = c.at(until), "wait"
		}
		v.Failing.Rows = append(v.Failing.Rows, row)
	}
	return nil
}

func (h *Operators) backlog(ctx context.Context, v *operatorsView, c clock, q url.Values) error {
	by := columnOrder(backlogOrders, q.Get("backlog"))
	cursor := q.Get("after")
	bs, next, err := h.ops.Backlog(ctx, webhook.BacklogQuery{Order: webhook.BacklogOrder(by), Cursor: cursor})
	if err != nil {
		return err
	}
	v.Backlog = &backlogView{By: choices(q, "backlog", backlogOrders, backlogWords, by)}
	for _, b := range bs {
		v.Backlog.Rows = append(v.Backlog.Rows, backlogRow{h.scope(b.Scope), b.WebhookID, b.Pending.String(), c.at(b.OldestDue)})
	}
	if cursor != "" {
		v.Backlog.First = link(q, "after", "")
	}
	if next != "" {
		v.Backlog.More = link(q, "after", next)
	}
	return nil
}

func (h *Operators) find(ctx context.Context, v *operatorsView, c clock) error {
	ds, err := h.ops.Find(ctx, v.Event)
	if err != nil {
		v.Refused = "The event could not be looked for. An identifier has 1 to 255 printable characters, without a dot or a space."
		return err
	}
	v.Searched = true
	for _, d := range ds {
		row := foundView{scopeView: h.scope(d.Scope), WebhookID: d.WebhookID, Type: d.Type, State: h.texts.States[d.State], Code: string(d.LastCode),
			Attempts: d.Attempts, Created: c.at(d.CreatedAt), Tone: "wait"}
		switch d.State {
		case webhook.StateDelivered:
			row.Tone = "good"
		case webhook.StateFailed:
			row.Tone = "bad"
		}
		v.Found = append(v.Found, row)
	}
	return nil
}

// scope asks the host for its link; after a panic there is none.
func (h *Operators) scope(name string) (v scopeView) {
	v.Scope = name
	if h.o.ScopeURL == nil {
		return v
	}
	defer func() { _ = recover() }()
	v.URL = h.o.ScopeURL(name)
	return v
}

// columnOrder is the index of a name in a list, 0 for any other.
func columnOrder(names []string, name string) int { return max(0, slices.Index(names, name)) }

// choices links to the orders of a list; each link begins at the first page.
func choices(q url.Values, key string, names, words []string, by int) (out []orderLink) {
	for i, name := range names {
		out = append(out, orderLink{words[i], link(q, key, name), i == by})
	}
	return out
}

// link returns the page with another value of a parameter. Another order of the backlog starts at
// its first page.
func link(q url.Values, key, value string) string {
	next := url.Values{}
	for _, k := range []string{"failing", "backlog", "event", "after"} {
		if old := q.Get(k); old != "" && (k != "after" || key != "backlog") {
			next.Set(k, old)
		}
	}
	next.Set(key, value)
	if value == "" {
		next.Del(key)
	}
	return "?" + next.Encode()
}
