package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/postrider/postrider/webhook"
)

func contentCases() []testCase {
	return []testCase{
		{"enqueue/round-trip", "a claimed delivery equals the enqueued one, byte for byte", testRoundTrip},
		{"enqueue/body-sizes", "an empty body and a body of a megabyte are returned unchanged", testBodySizes},
		{"enqueue/nanoseconds", "times may be cut to microseconds and are never rounded up", testNanoseconds},
		{"enqueue/keeps-no-reference", "a later change of Enqueue's argument does not change the stored delivery", testKeepsNoReference},
		{"enqueue/hands-out-copies", "a change of a returned map does not change the stored delivery", testHandsOutCopies},
	}
}

// odd is text that incorrect encodings damage.
const odd = "ä€𝄞 '\"`\\ %s ${x} <&> \u2028 \t\r\n \u202e \U0010FFFF"

// ignoreClaim ignores the fields that a claim sets, and the Sequence that the Store assigns.
var ignoreClaim = cmpopts.IgnoreFields(webhook.Delivery{}, "Lease", "Held", "Due", "Sequence")

func testRoundTrip(e *env) {
	w := e.hook()
	d := e.fresh(w, 1)[0]
	d.Body = make([]byte, 512)
	for i := range d.Body {
		d.Body[i] = byte(i)
	}
	d.Type, d.Class = "kind/"+odd, "class "+odd
	d.Key, d.ExpiresAt = "key "+odd, e.at(time.Hour+654321*time.Microsecond)
	d.Vars = map[string]string{"plain": "value", "": "empty key", odd: odd, "empty": ""}
	d.Carry = map[string]string{"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", odd: odd}
	d.CreatedAt = e.at(-time.Hour + 123456*time.Microsecond)
	d.QueuedAt = d.CreatedAt
	plain := e.fresh(w, 1)[0]
	e.put(d, plain)
	got := e.claim(e.base)
	e.wantIDs("claim", got, d.ID, plain.ID)
	for _, got := range got {
		want := d
		if got.ID == plain.ID {
			want = plain
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), ignoreClaim); diff != "" {
			e.errorf("claimed delivery: (-want +got)\n%s", diff)
		}
		if h, _, ok := e.stored(d.Scope, got.ID); ok {
			if diff := cmp.Diff(want, h, cmpopts.EquateEmpty(), ignoreClaim); diff != "" {
				e.errorf("delivery in the history: (-want +got)\n%s", diff)
			}
		}
	}
}

func testBodySizes(e *env) {
	ds := e.fresh(e.hook(), 4)
	ds[0].Body, ds[1].Body, ds[2].Body = nil, []byte{}, []byte{0}
	ds[3].Body = bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	e.put(ds...)
	got := e.claim(e.base)
	e.wantIDs("claim", got, ids(ds)...)
	for i, d := range ds {
		at := slices.IndexFunc(got, func(g webhook.Delivery) bool { return g.ID == d.ID })
		if !bytes.Equal(got[at].Body, d.Body) {
			e.errorf("body %d of %d bytes came back with %d, or with other content", i, len(d.Body), len(got[at].Body))
		}
	}
}

// testNanoseconds: a Dispatcher uses the times of time.Now. A delivery whose time is rounded up is not due yet.
func testNanoseconds(e *env) {
	w := e.hook()
	now := e.at(1999 * time.Nanosecond)
	ds := e.freshAt(now, w, 1)
	e.put(ds...)
	due := e.walk(webhook.DueQuery{Now: now})
	e.wantLanes("Due at the due time", due.Lanes, laneOf(w))
	d := e.one("claim at the due time", e.claim(now))
	if early := now.Sub(d.CreatedAt); early < 0 || early >= time.Microsecond {
		e.errorf("CreatedAt came back %v too early, want less than a microsecond", early)
	}
	again := e.at(time.Minute + 2999*time.Nanosecond)
	e.settle(retried(d, again, again))
	e.one("claim at the time of the retry", e.claim(again))
}

func testKeepsNoReference(e *env) {
	ds := e.fresh(e.hook(), 1)
	ds[0].Vars, ds[0].Carry = map[string]string{"k": "v"}, map[string]string{"k": "v"}
	e.put(ds...)
	id, body := ds[0].ID, string(ds[0].Body)
	copy(ds[0].Body, "scribble")
	ds[0].Vars["k"], ds[0].Carry["k"], ds[0].ID = "scribble", "scribble", "scribble"
	got := e.one("claim", e.claim(e.base))
	e.want("claimed", []string{id, body, "v", "v"}, []string{got.ID, string(got.Body), got.Vars["k"], got.Carry["k"]})
}

func testHandsOutCopies(e *env) {
	w := e.draft("a")
	w.Headers, w.Attributes = map[string]string{"X-Test": "v"}, map[string]string{"k": "v"}
	w = e.keep(w)
	d := e.fresh(w, 1)[0]
	d.Vars, d.Carry = map[string]string{"k": "v"}, map[string]string{"k": "v"}
	e.put(d)
	for i := range 3 {
		b := e.batch(webhook.Claim{Now: e.at(time.Duration(i) * lease)})
		got := e.one("claim", b.Deliveries)
		if len(b.Webhooks) != 1 || len(b.Webhooks[0].Events) != 1 || len(b.Webhooks[0].Secrets) != 1 {
			e.fatalf("claim %d: want the delivery's webhook with its event and secret", i+1)
		}
		hook := b.Webhooks[0]
		e.want(fmt.Sprintf("maps of claim %d", i+1), []string{"v", "v", "v", "v", "taskSuccess"},
			[]string{got.Vars["k"], got.Carry["k"], hook.Headers["X-Test"], hook.Attributes["k"], hook.Events[0]})
		if !hook.Secrets[0].Equal(w.Secrets[0]) {
			e.errorf("claim %d: the secret has changed", i+1)
		}
		for _, m := range []map[string]string{got.Vars, got.Carry, hook.Headers, hook.Attributes} {
			if m != nil {
				m["k"], m["X-Test"] = "scribble", "scribble"
			}
		}
		hook.Events[0], hook.Secrets[0] = "scribble", webhook.NewSecret("scribble")
	}
	ws, err := e.store.Webhooks(e.ctx, w.Scope)
	e.ok(err, "Webhooks")
	for _, got := range ws {
		got.Events = append(got.Events[:0], "scribble")
	}
	if ws, err := e.store.Webhooks(e.ctx, w.Scope); err != nil || len(ws) != 1 || !slices.Equal(ws[0].Events, []string{"taskSuccess"}) {
		e.errorf("writing into the Events of Webhooks changed the stored webhook")
	}
}

func webhookCases() []testCase {
	return []testCase{
		{"webhooks/of-scope", "Webhooks returns all webhooks of the scope, also inactive and expired ones, and no others", testWebhooksOfScope},
		{"webhooks/oldest-first", "Webhooks returns the oldest first", testWebhooksOldestFirst},
		{"webhooks/whole", "Webhooks returns URL, secrets and all other fields, with any characters", testWebhooksListed},
	}
}

func testWebhooksOfScope(e *env) {
	off, expired := e.draft("a"), e.draft("a")
	off.Active = false
	expired.ExpiresAt = e.at(-time.Hour)
	want := []string{e.keep(e.draft("a")).ID, e.keep(off).ID, e.keep(expired).ID}
	e.keep(e.draft("b"))
	ws, err := e.store.Webhooks(e.ctx, e.scope("a"))
	e.ok(err, "Webhooks")
	e.want("webhooks of the scope", e.listed(sorted(want)), e.listed(sorted(hookIDs(ws))))
	ws, err = e.store.Webhooks(e.ctx, e.scope("unknown"))
	if err != nil || len(ws) != 0 {
		e.errorf("Webhooks of an unknown scope = %d webhooks, %v; want none and no error", len(ws), err)
	}
}

func testWebhooksOldestFirst(e *env) {
	var want []string
	for i := range 5 {
		w := e.draft("a")
		w.CreatedAt = e.at(time.Duration(i) * time.Second)
		w.ID = e.name(fmt.Sprintf("wh_%s_order_%c", e.id, "cadbe"[i]), fmt.Sprintf("w%c", "cadbe"[i]))
		want = append(want, e.keep(w).ID)
	}
	ws, err := e.store.Webhooks(e.ctx, e.scope("a"))
	e.ok(err, "Webhooks")
	for i, w := range ws { // an edit does not change the order
		if w.Seen, w.UpdatedAt = 0, e.at(time.Hour); i == 1 {
			e.change(w)
		}
	}
	ws, err = e.store.Webhooks(e.ctx, e.scope("a"))
	e.ok(err, "Webhooks")
	e.want("order", e.listed(want), e.listed(hookIDs(ws)))
}

// whole is a webhook with every field set.
func (e *env) whole() webhook.Webhook {
	w := e.draft("a")
	w.Group, w.Name, w.URL, w.Filter, w.Notes = "group "+odd, odd, "https://example.com/a?b=%20&c=${x}", "project = \"A\" AND x != 'ü'", odd+odd
	w.Secrets = []webhook.Secret{webhook.NewSecret("newest " + odd), webhook.NewSecret(""),
		webhook.NewSecret("older").WithLife("sec_older", e.at(-time.Hour), e.at(time.Hour))}
	w.Events = []string{"taskSuccess", "taskFailure", "*", odd}
	w.Headers = map[string]string{"X-One": "1", "Authorization": "Bearer " + odd, "X-Empty": ""}
	w.Attributes = map[string]string{webhook.AttrSecretIn: webhook.SecretInPath, odd: odd}
	w.Auth = webhook.Auth{Scheme: webhook.AuthOAuth, Username: "user " + odd, Secret: webhook.NewSecret("client " + odd),
		OAuth: webhook.OAuth{TokenURL: "https://example.com/token?a=b", ClientID: "id " + odd, Scopes: []string{"one", "two"},
			Audience: "audience " + odd, Resource: "urn:" + odd, ClientAuth: webhook.ClientPost}}
	w.TLS = webhook.ClientTLS{Certificate: "certificate " + odd, Key: webhook.NewSecret("key " + odd), RootCAs: "roots " + odd, Pending: webhook.NewSecret("pending " + odd)}
	w.Timeout, w.ExcludeBody, w.DisabledReason = 7*time.Second+5*time.Millisecond, true, odd
	w.ExpiresAt, w.UpdatedAt = e.at(time.Hour), e.at(-time.Second)
	return e.keep(w)
}

// wantHook checks a webhook that a Store returned.
func (e *env) wantHook(what string, want webhook.Webhook, got []webhook.Webhook) {
	if len(got) != 1 {
		e.fatalf("%s: got %d webhooks, want 1", what, len(got))
	}
	if e.seed != nil {
		want.Version = got[0].Version // a Store without Registry numbers versions as it likes
	}
	want.Seen = got[0].Seen
	if err := got[0].Unreadable; err != nil {
		e.errorf("%s: it is unreadable: %v", what, err)
	}
	e.want(what, want, got[0])
}

func testWebhooksListed(e *env) {
	w := e.whole()
	ws, err := e.store.Webhooks(e.ctx, w.Scope)
	e.ok(err, "Webhooks")
	e.wantHook("webhook", w, ws)
}
