package settings

import (
	"context"
	"errors"
	"net/http"

	"github.com/postrider/postrider/webhook"
)

// setActive is the switch in the list.
func (v *visit) setActive() error {
	ctx, id := v.r.Context(), v.args[0]
	w, err := v.m.Webhook(ctx, v.scope, id)
	if err != nil {
		return err
	}
	to := v.r.PostForm.Get("to")
	if to != "on" && to != "off" {
		return problem{http.StatusBadRequest, v.o.Texts.BadForm}
	}
	if err := v.m.SetActive(ctx, v.scope, id, to == "on"); err != nil {
		if errors.Is(err, webhook.ErrInvalid) { // stored under rules that have changed
			return v.refused(w, err)
		}
		return err
	}
	n := notice{Kind: noticeOff, Name: w.Name}
	if to == "on" {
		n.Kind = noticeOn
	}
	v.leaveNotice(n)
	return v.see("")
}

// test sends one request and shows on the next page how it went.
func (v *visit) test() error {
	ctx, id := v.r.Context(), v.args[0]
	w, err := v.m.Webhook(ctx, v.scope, id)
	if err != nil {
		return err
	}
	sample := v.r.PostForm.Get("sample")
	var opts []webhook.TestOption
	if sample != "" {
		opts = append(opts, webhook.WithSample(sample))
	}
	a, err := v.m.Test(ctx, v.scope, id, opts...)
	switch {
	case errors.Is(err, webhook.ErrInvalid):
		return problem{http.StatusBadRequest, v.o.Texts.BadForm}
	case errors.Is(err, webhook.ErrNotFound), errors.Is(err, context.Canceled):
		return err
	case err != nil:
		v.o.Logger.WarnContext(ctx, "settings: test was not sent", "webhook", id, "error", err)
		return problem{http.StatusServiceUnavailable, v.o.Texts.TestFailed}
	}
	v.leaveNotice(notice{Kind: noticeTested, Name: w.Name, Webhook: id, Sample: sample,
		Status: a.Status, Code: a.Code, Took: a.Duration, Snippet: a.Snippet})
	return v.see("webhooks/" + id)
}

// confirmDelete asks, where Options.ConfirmDelete says so.
func (v *visit) confirmDelete() error {
	switch {
	case !v.o.ConfirmDelete:
		v.w.Header().Set("Allow", http.MethodPost)
		return problem{http.StatusMethodNotAllowed, v.o.Texts.BadMethod}
	case v.readOnly:
		return problem{http.StatusForbidden, v.o.Texts.ReadOnlyRefused}
	}
	w, err := v.m.Webhook(v.r.Context(), v.scope, v.args[0])
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, "confirm", page{Title: v.o.Texts.Confirm(w.Name), Body: w.ID})
}

func (v *visit) delete() error {
	ctx, id := v.r.Context(), v.args[0]
	w, err := v.m.Webhook(ctx, v.scope, id)
	if err != nil {
		return err
	}
	if err := v.m.Delete(ctx, v.scope, id); err != nil {
		return err
	}
	v.leaveNotice(notice{Kind: noticeDeleted, Name: w.Name})
	return v.see("")
}
