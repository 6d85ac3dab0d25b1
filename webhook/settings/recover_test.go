package settings_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/settings"
)

// failed stores deliveries that failed, the newest an hour ago.
func (s *site) failed(w webhook.Webhook, n int) {
	s.t.Helper()
	for i := range n {
		event, at := "evt_"+string(rune('a'+i)), time.Now().Add(-time.Duration(n-i)*time.Hour)
		d := webhook.Delivery{ID: webhook.DeliveryID(w.Scope, event, w.ID), EventID: event, WebhookID: w.ID, Scope: w.Scope, Type: "taskSuccess",
			Body: []byte("{}"), CreatedAt: at, QueuedAt: at, Due: at}
		if _, err := s.store.Enqueue(s.t.Context(), []webhook.Delivery{d}); err != nil {
			s.t.Fatal(err)
		}
		check(s.t, s.m.Cancel(s.t.Context(), w.Scope, d.ID))
	}
}

// superseded stores a delivery that a later one has superseded just now.
func (s *site) superseded(w webhook.Webhook) {
	s.t.Helper()
	at := time.Now()
	d := webhook.Delivery{ID: webhook.DeliveryID(w.Scope, "evt_old", w.ID), EventID: "evt_old", WebhookID: w.ID, Scope: w.Scope, Type: "taskSuccess",
		Body: []byte("{}"), CreatedAt: at, QueuedAt: at, Due: at.Add(time.Hour), Held: true, Lease: 1}
	_, err := s.store.Enqueue(s.t.Context(), []webhook.Delivery{d})
	check(s.t, err)
	_, err = s.store.Settle(s.t.Context(), []webhook.Settlement{{ID: d.ID, Scope: w.Scope, Lease: 1, State: webhook.StateFailed, Code: webhook.CodeSuperseded, Due: at}})
	check(s.t, err)
}

// Rule: deliveries that failed since a time are counted, without superseded ones, and go out again
// at the chosen rate.
func TestResend(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.add("acme", "Ops")
	s.failed(w, 5)
	s.superseded(w)
	page := "/webhooks/" + w.ID
	s.get(page).wants(t, 200, "Send failed ones again", `action="../webhooks/`+w.ID+`/resend"`)
	since := time.Now().UTC().Add(-150 * time.Minute).Format("2006-01-02T15:04")
	s.get(page+"/resend?since="+since).wants(t, 200, "2 failed since", "5 a second")
	s.get(page+"/resend?since="+time.Now().UTC().Add(time.Hour).Format("2006-01-02T15:04")).wants(t, 200, "Nothing has failed since then")
	s.get(page+"/resend?since=yesterday").wants(t, 400)
	f := url.Values{"since": {since}, "rate": {"1"}}
	for _, wrong := range []url.Values{{"since": {since}}, {"rate": {"1"}}, {"since": {since}, "rate": {"1000000"}}, {"since": {"x"}, "rate": {"1"}}} {
		s.post(page+"/resend", wrong).wants(t, 400)
	}
	s.post(page+"/resend", f, "X-Tenant", "rival").wants(t, 404)
	s.post(page+"/resend", f).wants(t, 200, "Queued to be sent again: 2.")
	ds, _, err := s.m.Deliveries(t.Context(), webhook.Query{Scope: "acme", States: []webhook.State{webhook.StatePending}, OldestFirst: true})
	check(t, err)
	if len(ds) != 2 || ds[1].Due.Sub(ds[0].Due) < time.Second {
		t.Errorf("%d deliveries are pending, want 2 a second apart", len(ds))
	}
	s.get(page+"/resend?since="+since, "X-Tenant", "rival").wants(t, 404)
}

// Rule: an accepted "Try now" ends the pause of a webhook and makes its waiting deliveries due. A
// refused one changes nothing.
func TestTryNow(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.add("acme", "Ops")
	id := s.dispatch("acme", processID)
	open := webhook.Health{Scope: "acme", WebhookID: w.ID, Failures: 9, FailingSince: time.Now().Add(-time.Hour), OpenUntil: time.Now().Add(time.Hour), Opened: 2}
	check(t, s.store.SetHealth(t.Context(), "acme", w.ID, webhook.Health{}, open))
	check(t, s.store.Requeue(t.Context(), "acme", id, time.Now().Add(3*time.Hour)))
	page := "/webhooks/" + w.ID
	s.get(page).wants(t, 200, "Held back", "Try now")
	due := func() time.Time {
		d, _, err := s.m.Delivery(t.Context(), "acme", id)
		check(t, err)
		return d.Due
	}
	s.status.Store(503)
	s.post(page+"/try", nil).wants(t, 200, "failed after", "Held back")
	if due().Before(time.Now().Add(2 * time.Hour)) {
		t.Error("a refused test made a delivery due")
	}
	s.status.Store(200)
	s.post(page+"/try", nil).wants(t, 200, "accepted with status 200", "Queued to be sent again: 1.")
	if due().After(time.Now()) {
		t.Error("what waits is not due")
	}
	if a := s.get(page); strings.Contains(a.text(), "Held back") || strings.Contains(a.text(), "Try now") {
		t.Errorf("it is still held back:\n%s", a.text())
	}
}

// Rule: the reason why a delivery waits and the time of its next try come from one source.
func TestNextTry(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.add("acme", "Ops")
	id := s.dispatch("acme", processID)
	open := webhook.Health{Scope: "acme", WebhookID: w.ID, Failures: 9, FailingSince: time.Now().Add(-time.Hour), OpenUntil: time.Now().Add(2 * time.Hour), Opened: 2}
	check(t, s.store.SetHealth(t.Context(), "acme", w.ID, webhook.Health{}, open))
	detail := "/webhooks/" + w.ID + "/deliveries/" + id
	for _, path := range []string{detail, "/webhooks/" + w.ID, "/deliveries"} {
		a := s.get(path)
		a.wants(t, 200, "The endpoint failed 9 times in a row")
		if strings.Contains(a.text(), "Next try now") || strings.Contains(a.body, ">now<") {
			t.Errorf("%s says that it is tried now:\n%s", path, a.text())
		}
	}
	check(t, s.m.SetActive(t.Context(), "acme", w.ID, false))
	s.post(detail+"/redeliver", nil).wants(t, 200, "Queued, but it waits: Its webhook is switched off.", "Next try not known")
}

// Rule: the attempts of a redelivery continue the count. Each shows its stored details and the time
// since the one before.
func TestTimeline(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.add("acme", "Ops")
	id := s.dispatch("acme", processID)
	began := time.Now().Add(-time.Hour)
	for i := range 3 {
		check(t, s.store.Requeue(t.Context(), "acme", id, time.Now()))
		lease := int64(i + 1)
		now := time.Now()
		b, err := s.store.Claim(t.Context(), webhook.Claim{Now: now, Until: now.Add(time.Minute), Lease: lease, Lanes: []webhook.LaneClaim{{Lane: webhook.Lane{Scope: "acme", WebhookID: w.ID}, Most: 1}}})
		check(t, err)
		a := webhook.Attempt{Number: i + 1, Code: webhook.CodeConnect, Detail: webhook.DetailRefused, Start: began.Add(time.Duration(i) * 10 * time.Minute), Duration: time.Second}
		_, err = s.store.Settle(t.Context(), []webhook.Settlement{{ID: id, Scope: "acme", Lease: b.Deliveries[0].Lease, State: webhook.StateFailed, Code: a.Code, Result: &a}})
		check(t, err)
	}
	detail := "/webhooks/" + w.ID + "/deliveries/" + id
	s.get(detail).wants(t, 200, "Attempt 1", "Attempt 2", "Attempt 3", "Attempts 3", "The server refused the connection.", "10 min later")
	s.post(detail+"/redeliver", nil)
	if a := s.get(detail); strings.Contains(a.text(), "Not tried yet") || !strings.Contains(a.text(), "Attempts 3") {
		t.Errorf("after a redelivery:\n%s", a.text())
	}
}

// Rule: a webhook that Postrider switched off shows the time, the reason and the missed deliveries,
// and can be switched on there.
func TestSwitchedOff(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.add("acme", "Ops")
	s.failed(w, 3)
	s.dispatch("acme", processID)
	now, err := s.store.Webhook(t.Context(), "acme", w.ID)
	check(t, err)
	now.Active, now.DisabledReason, now.DisabledAt = false, webhook.DisabledGone, time.Now().Add(-150*time.Minute)
	check(t, s.store.Update(t.Context(), now))
	page := "/webhooks/" + w.ID
	a := s.get(page)
	a.wants(t, 200, "Switched off automatically", "is gone for good", "Since ", "3 h ago", "failed meanwhile: 2", "wait for it: 1", "Switch on", "/resend?since=")
	s.get("/").wants(t, 200, "Switched off automatically", "is gone for good")
	s.post(page+"/active", url.Values{"to": {"on"}, "at": {"webhook"}}).wants(t, 200, "“Ops” is on")
	if a := s.get(page); strings.Contains(a.text(), "Switched off automatically") {
		t.Error("it is still said to be off")
	}
}

// Rule: the page draws the attempts of the last day and week as a chart and gives the numbers, from
// counts. Without counts it has neither.
func TestCharts(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.add("acme", "Ops")
	page := "/webhooks/" + w.ID
	s.get(page).wants(t, 200, "Last 24 hours", "Last 7 days", "No attempts in this time.")
	id := s.dispatch("acme", processID)
	s.status.Store(503)
	s.run(1, func() bool {
		d, _, err := s.m.Delivery(t.Context(), "acme", id)
		check(t, err)
		return d.Tries == 1
	})
	a := s.get(page)
	a.wants(t, 200, "0.0 % of 1 attempts accepted", "on average", "<svg", `class="bad"`, "<polyline")
	if strings.Count(a.body, "<rect") != 2 {
		t.Errorf("%d bars, want one in each of two charts", strings.Count(a.body, "<rect"))
	}
	store, m := pageOver(t, plain{s: s.store})
	_ = m
	if got := serve(store, page); strings.Contains(got.Body.String(), "<svg") || got.Code != 200 {
		t.Errorf("without counts: status %d, a chart is drawn", got.Code)
	}
}

// Rule: the request is shown as it would be sent, without its secrets, also as curl.
func TestRequestAsSent(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.add("acme", "Ops")
	id := s.dispatch("acme", processID)
	detail := "/webhooks/" + w.ID + "/deliveries/" + id
	s.get(detail).wants(t, 200, "POST https://api-private.atlassian.com/[redacted]", "X-Automation-Webhook-Token: [redacted]", "Content-Type: application/json",
		"Webhook-Id: "+processID, "curl -X POST", "--data-binary")
	check(t, s.m.Delete(t.Context(), "acme", w.ID))
	s.get(detail).wants(t, 200, "No request can be made of it")
}

// Rule: a conflict shows the stored values of the other person beside the input, and the next press
// stores the input.
func TestConflict(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.add("acme", "Ops")
	edit := "/webhooks/" + w.ID + "/edit"
	f := form("version", "1", "name", "Mine", "url", "", "secret", "", "notes", "my notes")
	theirs := w.Clone()
	theirs.Name, theirs.Events, theirs.Secrets, theirs.URL = "Theirs", []string{"orgKeyExpiry"}, nil, ""
	_, err := s.m.Edit(t.Context(), theirs)
	check(t, err)
	a := s.post(edit, f)
	a.wants(t, 409, "Somebody else has changed", "Yours", "Theirs", "Mine", "my notes", "ask Kim", "API key expiring soon", `name="version" value="2"`)
	f.Set("version", "2")
	s.post(edit, f).wants(t, 200, "“Mine” was saved")
	if got := s.list("acme")[0]; got.Name != "Mine" || got.Notes != "my notes" {
		t.Errorf("stored %+v", got)
	}
}

// Rule: after a mistake the whole input except the secret is there again.
func TestInputIsKept(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	a := s.post("/add", form("name", "", "notes", "keep me"))
	a.wants(t, 422, `value="`+goodURL+`"`, "keep me", `value="taskSuccess" checked`, "For safety it was not kept")
	if strings.Contains(a.body, canarySecret) {
		t.Error("the secret is shown")
	}
	for path, want := range map[string]int{"/": 0, "/add": 0} {
		if strings.Count(s.get(path).body, "canary-in-the-url") != want {
			t.Errorf("%s holds the URL", path)
		}
	}
}

// Rule: a person whose session has ended is redirected to sign in. The input of a form waits there,
// apart from secrets.
func TestSignIn(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *settings.Options) { o.SignIn = func(_ *http.Request) string { return "/login?next=x" } })
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if a := s.get("/add", "X-Tenant", "nobody"); a.status != 303 || a.header.Get("Location") != "/login?next=x" {
		t.Errorf("status %d to %q", a.status, a.header.Get("Location"))
	}
	if a := s.get("/", "X-Tenant", "nobody", "X-Postrider-Live", "1"); a.status != 403 {
		t.Errorf("the script is answered %d", a.status)
	}
	a := s.post("/add", form("notes", "keep me", "secret", canarySecret, "auth.username", "kim", "auth.secret", canarySecret, "tls.key", canarySecret), "X-Tenant", "nobody")
	a.wants(t, 403, "Please sign in", `name="auth.username" value="kim"`, `href="/login?next=x"`, `value="Ops"`, "keep me", `value="taskFailure"`, "the secret was not kept", `action="./add"`)
	if strings.Contains(a.body, canarySecret) {
		t.Error("the secret is written into the page")
	}
	s.post("/add", form(), "X-Tenant", "nobody", "Sec-Fetch-Site", "cross-site").wants(t, 403, "You have no access")
	if n := len(s.list("acme")); n != 0 {
		t.Errorf("%d webhooks", n)
	}
}
