package settings

import (
	"context"
	"errors"
	"net/http"

	"github.com/postrider/postrider/webhook"
)

// setActive is the switch in the list and on the page of a webhook.
func (v *visit) setActive() error {
	w, err := v.m.Webhook(v.ctx, v.scope, v.id)
	if err != nil {
		return err
	}
	to := v.r.PostForm.Get("to")
	if to != "on" && to != "off" {
		return problem{http.StatusBadRequest, v.t.BadForm}
	}
	if err := v.m.SetActive(v.ctx, v.scope, v.id, to == "on"); err != nil {
		if errors.Is(err, webhook.ErrInvalid) { // the stored webhook breaks rules that have changed
			return v.refused(w, nil, err)
		}
		return err
	}
	n := notice{Kind: noticeOff, Name: w.Name}
	if to == "on" {
		n.Kind = noticeOn
	}
	v.leaveNotice(n)
	if v.r.PostForm.Get("at") == "webhook" {
		return v.see("webhooks/" + v.id)
	}
	return v.see(v.inList(v.id))
}

// test sends one request and shows the outcome on the next page.
func (v *visit) test() error {
	w, err := v.m.Webhook(v.ctx, v.scope, v.id)
	if err != nil {
		return err
	}
	sample := v.r.PostForm.Get("sample")
	var opts []webhook.TestOption
	if sample != "" {
		opts = append(opts, webhook.WithSample(sample))
	}
	a, err := v.tested(&w, opts...)
	if err != nil {
		return err
	}
	v.leaveNotice(notice{Kind: noticeTested, Name: w.Name, Webhook: w.ID, Sample: sample,
		Status: a.Status, Code: a.Code, Detail: a.Detail, Took: a.Duration, Snippet: a.Snippet})
	return v.see("webhooks/" + v.id)
}

// tested sends a test.
func (v *visit) tested(w *webhook.Webhook, opts ...webhook.TestOption) (webhook.Attempt, error) {
	a, err := v.m.Test(v.ctx, v.scope, w.ID, opts...)
	switch {
	case errors.Is(err, webhook.ErrInvalid):
		return a, problem{http.StatusBadRequest, v.t.BadForm}
	case errors.Is(err, webhook.ErrNotFound), errors.Is(err, context.Canceled):
		return a, err
	case err != nil:
		v.o.Logger.WarnContext(v.ctx, "settings: test was not sent", "webhook", w.ID, "error", err)
		return a, problem{http.StatusServiceUnavailable, v.t.TestFailed}
	}
	return a, nil
}

// delete leads to the list, also where the webhook is gone already.
func (v *visit) delete() error {
	w, err := v.m.Webhook(v.ctx, v.scope, v.id)
	if err == nil {
		err = v.m.Delete(v.ctx, v.scope, v.id)
	}
	switch {
	case errors.Is(err, webhook.ErrNotFound):
		v.leaveNotice(notice{Kind: noticeAlready})
	case err != nil:
		return err
	default:
		v.leaveNotice(notice{Kind: noticeDeleted, Name: w.Name})
	}
	return v.see("")
}
