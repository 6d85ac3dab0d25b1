package settings

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/postrider/postrider/webhook"
)

// resendView is the question before failed deliveries are sent again.
type resendView struct {
	ID, Name string
	Since    string // in the layout of the browser
	Will     string // the deliveries to send; empty for none
	Rates    []option
}

// rates are the offered rates in deliveries a second; the first one is preselected.
var rates = []int{5, 1, 20, 100}

// maxResent bounds the count of deliveries in the question.
const maxResent = 10_000

// failedSince returns the query for the deliveries that failed since a time.
func (v *visit) failedSince(text string) (q webhook.Query, err error) {
	since, ok := v.parseTime(text)
	if !ok {
		return q, problem{http.StatusBadRequest, v.t.BadForm}
	}
	return v.failed(v.id, since), nil
}

// failed returns the query for the deliveries of a webhook that failed since a time. What a later
// event has superseded did not fail, and a Replay skips it. The codes are sorted, because a cursor
// continues one query only.
func (v *visit) failed(id string, since time.Time) webhook.Query {
	codes := slices.DeleteFunc(slices.Sorted(maps.Keys(English().Codes)), func(c webhook.Code) bool { return c == webhook.CodeSuperseded })
	return webhook.Query{Scope: v.scope, WebhookID: id, States: []webhook.State{webhook.StateFailed}, Codes: codes, Since: since}
}

// resendForm counts failed deliveries and asks for the rate.
func (v *visit) resendForm() error {
	if v.readOnly {
		return problem{http.StatusForbidden, v.t.ReadOnlyRefused}
	}
	w, err := v.m.Webhook(v.ctx, v.scope, v.id)
	if err != nil {
		return err
	}
	view := resendView{ID: w.ID, Name: w.Name, Since: v.r.URL.Query().Get("since")}
	q, err := v.failedSince(view.Since)
	if err != nil {
		return err
	}
	n, err := v.counted(q, maxResent)
	if err != nil {
		return err
	}
	if n > 0 {
		since := v.number(n, maxResent)
		at := v.t.LogTitle
		if m := v.clock().at(q.Since); m != nil {
			at = m.Text
		}
		view.Will = v.t.ResendWill(since, at)
	}
	for i, r := range rates {
		view.Rates = append(view.Rates, option{strconv.Itoa(r), v.t.PerSecond(r), i == 0})
	}
	return v.render(http.StatusOK, "resend", page{Title: v.t.ResendTitle, Body: &view})
}

// resend queues failed deliveries, spread over time.
func (v *visit) resend() error {
	rate, err := strconv.Atoi(v.r.PostForm.Get("rate"))
	if err != nil || !slices.Contains(rates, rate) || v.r.PostForm.Get("since") == "" {
		return problem{http.StatusBadRequest, v.t.BadForm}
	}
	q, err := v.failedSince(v.r.PostForm.Get("since"))
	if err != nil {
		return err
	}
	if _, err := v.m.Webhook(v.ctx, v.scope, v.id); err != nil {
		return err
	}
	n, err := v.m.Replay(v.ctx, q, float64(rate))
	if err != nil && n == 0 {
		return err
	}
	if err != nil {
		v.o.Logger.WarnContext(v.ctx, "settings: not everything was queued again", "webhook", v.id, "queued", n, "error", err)
	}
	v.leaveNotice(notice{Kind: noticeResent, N: n})
	return v.see("webhooks/" + v.id)
}

// waitingRate is how many waiting deliveries become due in a second after an accepted test.
const waitingRate = 20

// tryNow sends a test. If the endpoint accepts it, the webhook is healthy again, and its waiting
// deliveries become due.
func (v *visit) tryNow() error {
	w, err := v.m.Webhook(v.ctx, v.scope, v.id)
	if err != nil {
		return err
	}
	a, err := v.tested(&w)
	if err != nil {
		return err
	}
	n := notice{Kind: noticeTested, Name: w.Name, Webhook: w.ID, Status: a.Status, Code: a.Code, Detail: a.Detail, Took: a.Duration, Snippet: a.Snippet}
	if a.OK() {
		n.N, err = v.m.Replay(v.ctx, webhook.Query{Scope: v.scope, WebhookID: w.ID, States: []webhook.State{webhook.StatePending}}, waitingRate)
		if err != nil && !errors.Is(err, webhook.ErrUnsupported) {
			return err
		}
	}
	v.leaveNotice(n)
	return v.see("webhooks/" + w.ID)
}
