package storetest

import (
	"bytes"
	"fmt"
	"time"

	"github.com/postrider/postrider/webhook"
)

func batchCases() []testCase {
	return []testCase{
		{"batch/webhooks-once", "Webhooks holds each webhook of the claimed deliveries once and no other", testWebhooksOnce},
		{"batch/webhooks-current", "Webhooks are as stored at the time of the claim, also after an earlier read", testWebhooksCurrent},
		{"batch/webhooks-whole", "webhooks come with URL, secrets, headers and all other fields, with any characters", testWebhooksWhole},
	}
}

func testWebhooksOnce(e *env) {
	a, b, idle := e.hook(), e.hook(), e.hook()
	late := e.keep(e.draft("b"))
	for _, w := range []webhook.Webhook{a, b, a, late} {
		e.queue(w, 3)
	}
	second := e.fresh(a, 1)
	second[0].Class = "second"
	e.put(second...)
	got := e.batch(webhook.Claim{Now: e.base, Lanes: asked(many, laneOf(a), laneOf(idle), second[0].Lane(), laneOf(b))})
	e.want("webhooks", e.listed(sorted([]string{a.ID, b.ID})), e.listed(sorted(hookIDs(got.Webhooks))))
	got = e.batch(webhook.Claim{Now: e.base})
	e.want("webhooks of the next claim", e.listed([]string{late.ID}), e.listed(hookIDs(got.Webhooks)))
}

// testWebhooksCurrent changes a webhook's URL, headers and secrets between a read, an Enqueue and two claims.
func testWebhooksCurrent(e *env) {
	w := e.hook()
	_, err := e.store.Webhooks(e.ctx, w.Scope)
	e.ok(err, "Webhooks")
	e.queue(w, 3)
	for i := range 3 {
		w.URL = fmt.Sprintf("https://example.com/moved/%d", i)
		w.Secrets = []webhook.Secret{webhook.NewSecret(fmt.Sprintf("rotated %d", i)), w.Secrets[0]}
		w.Headers, w.Attributes = map[string]string{"X-Turn": fmt.Sprint(i)}, map[string]string{"turn": fmt.Sprint(i)}
		w.Timeout = time.Duration(i+1) * time.Second
		w = e.change(w)
		b := e.batch(webhook.Claim{Now: e.base, Lanes: asked(1, laneOf(w))})
		e.one("claim of one", b.Deliveries)
		e.wantHook(fmt.Sprintf("webhook of claim %d", i+1), w, b.Webhooks)
		ws, err := e.store.Webhooks(e.ctx, w.Scope)
		e.ok(err, "Webhooks")
		e.wantHook(fmt.Sprintf("webhook after change %d", i+1), w, ws)
	}
}

func testWebhooksWhole(e *env) {
	w := e.whole()
	e.queue(w, 1)
	e.wantHook("webhook of a claim", w, e.batch(webhook.Claim{Now: e.base}).Webhooks)
}

func shortCases() []testCase {
	return []testCase{
		{"claim/max-bytes", "MaxBytes bounds the bodies of an answer over all lanes, without a gap in a lane", testMaxBytes},
		{"claim/one-fits", "the first delivery fits into any MaxBytes", testOneFits},
		{"claim/short", "Short names exactly the lanes with deliveries that MaxBytes left out", testShort},
	}
}

// sized makes deliveries with bodies of the given sizes.
func (e *env) sized(w webhook.Webhook, sizes ...int) []webhook.Delivery {
	ds := e.fresh(w, len(sizes))
	for i, n := range sizes {
		ds[i].Body = bytes.Repeat([]byte("x"), n)
	}
	e.put(ds...)
	return ds
}

func testMaxBytes(e *env) {
	a, b := e.hook(), e.hook()
	want := map[string][]webhook.Delivery{a.ID: e.sized(a, 300, 500, 400, 100, 100), b.ID: e.sized(b, 700, 200, 100)}
	for range 10 {
		got := e.batch(webhook.Claim{Now: e.base, Lanes: asked(4, laneOf(a), laneOf(b)), MaxBytes: 1000})
		bytes := 0
		for _, d := range got.Deliveries {
			bytes += len(d.Body)
			left := want[d.WebhookID]
			if len(left) == 0 || left[0].ID != d.ID {
				e.fatalf("delivery %s was claimed out of the order of its lane", d.ID)
			}
			want[d.WebhookID] = left[1:]
		}
		if bytes > 1000 {
			e.errorf("a claim with MaxBytes 1000 returned bodies of %d", bytes)
		}
		if len(got.Deliveries) == 0 {
			break
		}
	}
	if left := len(want[a.ID]) + len(want[b.ID]); left != 0 {
		e.errorf("%d deliveries were not claimed", left)
	}
}

func testOneFits(e *env) {
	w := e.hook()
	ds := e.sized(w, 2000, 3000, 10)
	for i := range 2 {
		got := e.batch(webhook.Claim{Now: e.base, Lanes: asked(3, laneOf(w)), MaxBytes: 1000})
		e.wantOrder("claim of one that is larger than MaxBytes", got.Deliveries, ds[i].ID)
		e.want("short lanes", []webhook.Lane{laneOf(w)}, got.Short)
	}
	got := e.batch(webhook.Claim{Now: e.base, Lanes: asked(3, laneOf(w)), MaxBytes: 1})
	e.wantOrder("claim of the last", got.Deliveries, ds[2].ID)
}

func testShort(e *env) {
	full, part, none, empty, later := e.hook(), e.hook(), e.hook(), e.hook(), e.hook()
	e.sized(full, 400, 400)
	e.sized(part, 150, 150, 150)
	e.sized(none, 200)
	d := e.fresh(later, 1)
	d[0].Due = e.at(time.Hour)
	e.put(d...)
	lanes := asked(3, laneOf(full), laneOf(part), laneOf(none), laneOf(empty), laneOf(later))
	lanes[0].Most = 2
	got := e.batch(webhook.Claim{Now: e.base, Lanes: lanes, MaxBytes: 1000})
	e.wantLanes("short lanes", got.Short, laneOf(part), laneOf(none))
	got = e.batch(webhook.Claim{Now: e.base, Lanes: lanes, MaxBytes: 1000})
	e.wantLanes("short lanes of the next claim", got.Short)
	e.want("deliveries of the next claim", 3, len(got.Deliveries))
	e.sized(empty, 10, 10)
	got = e.batch(webhook.Claim{Now: e.base, Lanes: asked(3, laneOf(empty))})
	e.want("deliveries and short lanes without MaxBytes", []int{2, 0}, []int{len(got.Deliveries), len(got.Short)})
}
