package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/postrider/postrider/webhook"
)

func batchCases() []testCase {
	return []testCase{
		{"batch/nothing", "a claim that finds nothing is no error", testBatchNothing},
		{"batch/webhooks-once", "Webhooks holds each webhook of the claimed deliveries once and no other", testWebhooksOnce},
		{"batch/webhooks-current", "Webhooks shows them as they are at the claim, not as they were at Enqueue", testWebhooksCurrent},
		{"batch/webhooks-whole", "webhooks come with secrets, headers, attributes and all other fields, whatever their characters", testWebhooksWhole},
		{"batch/next", "Next is the earliest time after Now at which something becomes due", testNext},
		{"batch/next-is-later", "Next is after Now, also when due work was skipped or cut off by Limit", testNextIsLater},
		{"batch/oldest", "Oldest is zero or the earliest due time of what was taken", testOldest},
	}
}

func testBatchNothing(e *env) {
	e.hook()
	b := e.batch(webhook.Claim{Now: e.base, Limit: 1, PerLane: 1})
	if len(b.Deliveries) != 0 || len(b.Webhooks) != 0 {
		e.errorf("got %d deliveries and %d webhooks, want none", len(b.Deliveries), len(b.Webhooks))
	}
	e.wantNext("Next of a claim that finds nothing", time.Time{}, b.Next, e.base)
}

func hookIDs(ws []webhook.Webhook) []string {
	out := make([]string, len(ws))
	for i, w := range ws {
		out[i] = w.ID
	}
	return out
}

func testWebhooksOnce(e *env) {
	a, b, idle := e.hook(), e.hook(), e.hook()
	late := e.keep(e.draft("b"))
	for _, w := range []webhook.Webhook{a, b, a, late} {
		e.queue(w, 3)
	}
	got := e.batch(webhook.Claim{Now: e.base, Room: map[string]int{late.ID: 0}})
	e.want("webhooks", sorted([]string{a.ID, b.ID}), sorted(hookIDs(got.Webhooks)))
	got = e.batch(webhook.Claim{Now: e.base})
	e.want("webhooks of the next claim", []string{late.ID}, hookIDs(got.Webhooks))
	if slices.Contains(hookIDs(got.Webhooks), idle.ID) {
		e.errorf("a webhook without a delivery was returned")
	}
}

func testWebhooksCurrent(e *env) {
	w := e.hook()
	e.queue(w, 2)
	for i := range 2 {
		w.URL = fmt.Sprintf("https://example.com/moved/%d", i)
		w.Secrets = []webhook.Secret{webhook.NewSecret(fmt.Sprintf("rotated %d", i)), w.Secrets[0]}
		w = e.change(w)
		b := e.batch(webhook.Claim{Now: e.base, Limit: 1})
		if len(b.Webhooks) != 1 {
			e.fatalf("claim %d returned %d webhooks, want 1", i+1, len(b.Webhooks))
		}
		e.want(fmt.Sprintf("webhook of claim %d", i+1), []any{w.URL, w.Secrets}, []any{b.Webhooks[0].URL, b.Webhooks[0].Secrets})
	}
}

func testWebhooksWhole(e *env) {
	w := e.draft("a")
	w.Group, w.Name, w.URL, w.Filter, w.Notes = "group "+odd, odd, "https://example.com/a?b=%20&c=${x}", "project = \"A\" AND x != 'ü'", odd+odd
	w.Secrets = []webhook.Secret{webhook.NewSecret("newest " + odd), webhook.NewSecret(""), webhook.NewSecret("older")}
	w.Events = []string{"taskSuccess", "taskFailure", "*", odd}
	w.Headers = map[string]string{"X-One": "1", "Authorization": "Bearer " + odd, "X-Empty": ""}
	w.Attributes = map[string]string{webhook.AttrSecretIn: webhook.SecretInPath, odd: odd}
	w.Timeout, w.ExcludeBody, w.DisabledReason = 7*time.Second+5*time.Millisecond, true, odd
	w.ExpiresAt, w.UpdatedAt = e.at(time.Hour), e.at(-time.Second)
	w = e.keep(w)
	e.queue(w, 1)
	b := e.batch(webhook.Claim{Now: e.base})
	if len(b.Webhooks) != 1 {
		e.fatalf("got %d webhooks, want 1", len(b.Webhooks))
	}
	if e.seed != nil {
		w.Version = b.Webhooks[0].Version // the host's own affair
	}
	e.want("webhook", w, b.Webhooks[0])
}

// wantNext checks a Batch.Next. Deliveries of others, which are due years later, may be in it.
func (e *env) wantNext(what string, want, got, now time.Time) {
	if want.IsZero() && got.After(now.AddDate(2, 0, 0)) {
		return
	}
	if !got.Equal(want) {
		e.errorf("%s is %v, want %v (the claim was at %v)", what, got, want, now)
	}
}

func testNext(e *env) {
	w := e.hook()
	ds := e.fresh(w, 4)
	ds[1].Due, ds[2].Due, ds[3].Due = e.at(40*time.Second), e.at(90*time.Second), e.at(3*time.Minute)
	e.put(ds...)
	b := e.batch(webhook.Claim{Now: e.base})
	e.wantNext("Next before a waiting delivery", ds[1].Due, b.Next, e.base)
	b = e.batch(webhook.Claim{Now: ds[1].Due})
	e.wantNext("Next before the end of a lease", e.at(lease), b.Next, ds[1].Due)
	first := e.one("claim at the end of the lease", e.claim(e.at(lease)))
	e.settle(delivered(first, e.at(lease)))
	now := e.at(80 * time.Second)
	b = e.batch(webhook.Claim{Now: now})
	e.wantNext("Next after a settled lease", ds[2].Due, b.Next, now)
}

func testNextIsLater(e *env) {
	full, free := e.hook(), e.hook()
	e.queue(full, 5)
	e.queue(free, 5)
	later := e.fresh(full, 1)
	later[0].Due = e.at(30 * time.Second)
	e.put(later...)
	for i := range 3 {
		b := e.batch(webhook.Claim{Now: e.base, Limit: 1, Room: map[string]int{full.ID: 0}})
		e.wantNext(fmt.Sprintf("Next of claim %d, which skipped due work", i+1), later[0].Due, b.Next, e.base)
	}
}

func testOldest(e *env) {
	ds := e.fresh(e.hook(), 3)
	ds[0].Due, ds[1].Due = e.at(-2*time.Minute), e.at(-time.Minute)
	e.put(ds...)
	now := e.at(time.Second)
	e.sweep(now)
	for i, want := range []time.Time{ds[0].Due, ds[1].Due} {
		b := e.batch(webhook.Claim{Now: now, Limit: 1})
		e.one("claim of one", b.Deliveries)
		if !b.Oldest.IsZero() && !b.Oldest.Equal(want) {
			e.errorf("Oldest of claim %d is %v, want %v", i+1, b.Oldest, want)
		}
	}
}
