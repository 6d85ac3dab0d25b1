package main

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/proof/hostproc"
	"github.com/postrider/postrider/webhook/internal/proof/receiver"
	"github.com/postrider/postrider/webhook/sign"
)

// edited is the event of row P16.
const edited = "edited-1"

// edit is row P16: while the first request of each webhook is in flight, one webhook is disabled,
// one deleted, one gets another URL and one another secret. Then all first requests are refused, so
// that there would be a retry. Where the profile has no retries, this happens before the first
// request.
func edit(ctx context.Context, l *life) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	hooks := []string{"disabled", "deleted", "moved", "resigned"}
	next, err := sign.GenerateSecret()
	if err != nil {
		l.wrong("P16", "%v", err)
		return
	}
	for _, id := range l.field.Hooks {
		if err := l.field.Manager.Delete(ctx, hostproc.Scope, id); err != nil {
			l.wrong("P16", "%v", err)
			return
		}
	}
	for _, id := range hooks {
		if err := l.field.Add(ctx, id); err != nil {
			l.wrong("P16", "%v", err)
			return
		}
	}
	before := 1 // requests before the change
	if !l.retries() {
		before = 0
	}
	l.receiver.Close()
	var rotated atomic.Bool
	keys := func(id string) []sign.Secret {
		if id == "resigned" && rotated.Load() {
			return []sign.Secret{next}
		}
		return []sign.Secret{l.field.Secret}
	}
	held := make(chan receiver.Request, len(hooks))
	release := make(chan struct{})
	l.receiver = receiver.StartReader(hostproc.NewReader(l.field.Profile, keys), func(r receiver.Request, gone <-chan struct{}) int {
		if r.N > before {
			return 200
		}
		held <- r
		select {
		case <-release:
		case <-gone:
		}
		return 503
	})
	l.dispatch(ctx, "P16", "edited", 1)
	change := func() bool {
		err := l.change(ctx, next)
		if err != nil {
			l.wrong("P16", "%v", err)
		}
		rotated.Store(true)
		close(release)
		return err == nil
	}
	if before == 0 && !change() {
		return
	}
	cfg := l.config(0)
	cfg.Timeout, cfg.Lease = hold, hold+lease
	p, _, err := l.start(cfg)
	if err != nil {
		l.wrong("P16", "%v", err)
		return
	}
	defer p.Kill()
	for range before * len(hooks) {
		select {
		case <-held:
		case <-ctx.Done():
			l.wrong("P16", "%v", ctx.Err())
			return
		}
	}
	if before > 0 && !change() {
		return
	}
	err = l.field.Until(ctx, webhook.Query{States: []webhook.State{webhook.StatePending}}, "only the disabled webhook waits",
		func(ds []webhook.Delivery) bool { return len(ds) == 1 && ds[0].WebhookID == "disabled" && !ds[0].Held })
	if err != nil {
		l.wrong("P16", "%v", err)
	}
	l.did("P16")
	if n := len(l.receiver.Of("disabled", edited)); n != before {
		l.wrong("P16", "a disabled webhook got %d requests, want the %d from before", n, before)
	}
	if err := l.field.Manager.SetActive(ctx, hostproc.Scope, "disabled", true); err != nil {
		l.wrong("P16", "%v", err)
	}
	if err := l.field.Drained(ctx); err != nil {
		l.wrong("P16", "after it was enabled again: %v", err)
	}
	if err := p.Stop(); err != nil {
		l.wrong("P16", "%v", err)
	}
	l.judgeEdit(ctx, before)
}

func (l *life) change(ctx context.Context, next sign.Secret) error {
	m := l.field.Manager
	if err := m.SetActive(ctx, hostproc.Scope, "disabled", false); err != nil {
		return err
	}
	if err := m.Delete(ctx, hostproc.Scope, "deleted"); err != nil {
		return err
	}
	moved, err := m.Webhook(ctx, hostproc.Scope, "moved")
	if err != nil {
		return err
	}
	moved.URL += "/elsewhere"
	if _, err := m.Edit(ctx, moved); err != nil {
		return err
	}
	resigned, err := m.Webhook(ctx, hostproc.Scope, "resigned")
	if err != nil {
		return err
	}
	resigned.Secrets = []webhook.Secret{next}
	_, err = m.Edit(ctx, resigned)
	return err
}

func (l *life) judgeEdit(ctx context.Context, before int) {
	ds, err := l.field.All(ctx, webhook.Query{})
	if err != nil || len(ds) != 4 {
		l.wrong("P16", "%d deliveries are stored, want 4: %v", len(ds), err)
	}
	for _, d := range ds {
		got := l.receiver.Of(d.WebhookID, d.EventID)
		want, state, code := before+1, webhook.StateDelivered, webhook.CodeOK
		if d.WebhookID == "deleted" {
			want, state, code = before, webhook.StateFailed, webhook.CodeCancelled
		}
		if len(got) != want || d.State != state || d.LastCode != code {
			l.wrong("P16", "%s: %d requests, %v, code %q; want %d, %v, %q", d.WebhookID, len(got), d.State, d.LastCode, want, state, code)
			continue
		}
		if want == 0 {
			continue
		}
		last := got[len(got)-1]
		if moved := strings.HasSuffix(last.Path, "/elsewhere"); moved != (d.WebhookID == "moved") {
			l.wrong("P16", "%s: the last request went to the wrong URL", d.WebhookID)
		}
		if last.Signed != nil {
			l.wrong("P16", "%s: the last request is signed with another secret: %v", d.WebhookID, last.Signed)
		}
		if string(last.Body) != string(got[0].Body) {
			l.wrong("P16", "%s: the body has changed: %s", d.WebhookID, fmt.Sprintf("%.80q", last.Body))
		}
	}
}
