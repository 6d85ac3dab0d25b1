package connect_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/confluenceevent"
	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/connect"
	"github.com/postrider/postrider/webhook/sign"
	"github.com/postrider/postrider/webhook/webhooktest"
)

// One event from descriptor to add-on: variables filled in, user appended, then
// signed, with the headers of Connect.
func TestDelivery(t *testing.T) {
	t.Parallel()
	h := newHost(t, connect.Profile(connect.WithVersion("1.3.2")), webhook.Options{})
	h.install(descriptor(t, `[{"event":"jira:issue_updated","url":"/issue/${issue.key}/{project.key}?k={issue.key}"}]`))
	stop := h.run()
	defer stop()
	e, err := issueUpdated(t)
	h.dispatch(e, err)
	r := h.arrived(1)[0]
	key, project := e.Vars["issue.key"], e.Vars["project.key"]
	if key == "" || project == "" {
		t.Fatal("the sample has neither issue nor project")
	}
	if want := "/addon/issue/" + key + "/" + project; r.Method != "POST" || r.Path != want {
		t.Errorf("%s %s, want POST %s", r.Method, r.Path, want)
	}
	if want := "k=" + key + "&user_id=%C3%86%20%C3%A6&user_key=admin%2B1"; r.Query != want {
		t.Errorf("query %s, want %s", r.Query, want)
	}
	claims, err := verify(r, time.Now())
	if err != nil || claims.ClientKey != clientKey || claims.Expires.Sub(claims.IssuedAt) != 180*time.Second || claims.Subject != "" {
		t.Errorf("VerifyConnectJWT = %+v, %v", claims, err)
	}
	got := []string{r.Header.Get("Atlassian-Connect-Version"), r.Header.Get("Content-Type"), string(r.Body)}
	if diff := cmp.Diff([]string{"1.3.2", "application/json", string(e.Body)}, got); diff != "" {
		t.Errorf("version, type and body (-want +got):\n%s", diff)
	}
	if !strings.HasPrefix(r.Header.Get("Authorization"), "JWT ") {
		t.Errorf("Authorization = %q", r.Header.Get("Authorization"))
	}
}

// Confluence's events are delivered in the same way; an excluded body is not sent.
func TestDeliveryOfConfluence(t *testing.T) {
	t.Parallel()
	h := newHost(t, connect.Profile(), webhook.Options{})
	h.install(descriptor(t, `[{"event":"page_created","url":"page-created","excludeBody":true}]`))
	stop := h.run()
	defer stop()
	h.dispatch(confluenceevent.New(scope, confluenceevent.Callback{Event: "page_created", Page: &confluenceevent.Content{ID: 1, Title: "Notes"}}))
	r := h.arrived(1)[0]
	if _, err := verify(r, time.Now()); err != nil {
		t.Errorf("VerifyConnectJWT = %v", err)
	}
	if r.Path != "/addon/page-created" || r.Query != "user_id=&user_key=" || len(r.Body) != 0 || r.Header["Content-Type"] != nil {
		t.Errorf("%s?%s with %d bytes of %q; want no body and an anonymous user", r.Path, r.Query, len(r.Body), r.Header["Content-Type"])
	}
	if got := r.Header.Get(connect.VersionHeader); got != connect.DefaultVersion {
		t.Errorf("version %q, want the default", got)
	}
}

// Rule: the same event may be declared twice with different URLs.
func TestTheSameEventTwice(t *testing.T) {
	t.Parallel()
	h := newHost(t, connect.Profile(), webhook.Options{})
	h.install(descriptor(t, `[{"event":"jira:issue_updated","url":"/a"},{"event":"jira:issue_updated","url":"/b"},{"event":"jira:issue_created","url":"/c"}]`))
	stop := h.run()
	defer stop()
	if r := h.dispatch(issueUpdated(t)); r.Matched != 2 {
		t.Fatalf("matched %d webhooks, want 2", r.Matched)
	}
	paths := map[string]int{}
	for _, r := range h.arrived(2) {
		paths[r.Path]++
		if _, err := verify(r, time.Now()); err != nil {
			t.Errorf("%s: %v", r.Path, err)
		}
	}
	if diff := cmp.Diff(map[string]int{"/addon/a": 1, "/addon/b": 1}, paths); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// Rule: each event makes one request for every answer; 200 to 299 is success.
func TestNoRetry(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]webhook.State{200: webhook.StateDelivered, 204: webhook.StateDelivered, 299: webhook.StateDelivered,
		302: webhook.StateFailed, 404: webhook.StateFailed, 429: webhook.StateFailed, 503: webhook.StateFailed} {
		settled := make(chan webhook.Delivery, 1)
		h := newHost(t, connect.Profile(), webhook.Options{Observer: &webhook.Observer{
			Settled: func(_ context.Context, d webhook.Delivery) { settled <- d }}})
		h.addOn.Answer(webhooktest.Response{Status: status})
		h.install(descriptor(t, `[{"event":"jira:issue_updated","url":"/a"}]`))
		stop := h.run()
		h.dispatch(issueUpdated(t))
		if d := <-settled; d.State != want || d.Tries != 1 {
			t.Errorf("status %d: %v after %d attempts, want %v after 1", status, d.State, d.Tries, want)
		}
		stop()
		h.arrived(1)
	}
}

// addOnTransport is an add-on that verifies at the moment of the request.
type addOnTransport struct {
	mu     sync.Mutex
	tokens []string
	errs   []error
	fail   int // this many requests are answered with 503
}

func (a *addOnTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	_, err := sign.VerifyConnectJWT(r, time.Now(), sign.ConnectReceiver{Secrets: sign.ForClient(clientKey, shared), BaseURL: addOnBase})
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tokens, a.errs = append(a.tokens, r.Header.Get("Authorization")), append(a.errs, err)
	status := http.StatusOK
	if len(a.tokens) <= a.fail {
		status = http.StatusServiceUnavailable
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
}

// Rule: every attempt has its own token, so the last of several within half an hour is valid like
// the first. The host gave the profile retries for this.
func TestATokenForEveryAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		addon := &addOnTransport{fail: 5}
		p := connect.Profile()
		p.Retry = retry.Jira()
		h := newHost(t, p, webhook.Options{Transport: addon})
		h.install(descriptor(t, `[{"event":"jira:issue_updated","url":"/a"}]`))
		stop := h.run()
		h.dispatch(issueUpdated(t))
		time.Sleep(time.Hour)
		stop()
		if len(addon.tokens) != 6 {
			t.Fatalf("%d attempts, want 6", len(addon.tokens))
		}
		seen := map[string]bool{}
		for i, token := range addon.tokens {
			if addon.errs[i] != nil || seen[token] {
				t.Errorf("attempt %d: %v, a token seen before: %t", i+1, addon.errs[i], seen[token])
			}
			seen[token] = true
		}
	})
}

func TestOptions(t *testing.T) {
	t.Parallel()
	h := newHost(t, connect.Profile(connect.WithSubject(), connect.WithParams(), connect.WithClientKey(func(s string) string { return clientKey })), webhook.Options{})
	d := descriptor(t, `[{"event":"jira:issue_updated","url":"/a?x=1","params":{"b c":"1&2","a":true,"n":1.50}}]`)
	ws, err := d.Install(connect.Installation{Scope: scope, SharedSecret: shared})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.manager.Add(t.Context(), ws[0]); err != nil {
		t.Fatal(err)
	}
	stop := h.run()
	defer stop()
	h.dispatch(issueUpdated(t))
	r := h.arrived(1)[0]
	if want := "x=1&a=true&b%20c=1%262&n=1.50&user_id=%C3%86%20%C3%A6&user_key=admin%2B1"; r.Query != want {
		t.Errorf("query %s, want %s", r.Query, want)
	}
	claims, err := verify(r, time.Now())
	if err != nil || claims.Subject != "admin+1" || claims.ClientKey != clientKey {
		t.Errorf("VerifyConnectJWT = %+v, %v", claims, err)
	}
}

// A webhook that was added by hand needs no attributes: its own origin is the base URL,
// its scope the client key.
func TestProfileWithoutAttributes(t *testing.T) {
	t.Parallel()
	p := connect.Profile()
	w := webhook.Webhook{Scope: "jira:by-hand", URL: "https://hooks.example.com/in/{issue.key}", Secrets: []webhook.Secret{shared}}
	target, err := p.Prepare.Target(w, webhook.Delivery{Vars: map[string]string{"issue.key": "EXA-1", "user_id": "admin", "user_key": "admin"}})
	if want := "https://hooks.example.com/in/EXA-1?user_id=admin&user_key=admin"; err != nil || target != want {
		t.Fatalf("Target = %s, %v; want %s", target, err, want)
	}
	signer, err := p.Prepare.Sign(w)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_700_000_000, 0)
	if err := signer.Sign(r, sign.Message{Time: now}); err != nil {
		t.Fatal(err)
	}
	if _, err := sign.VerifyConnectJWT(r, now, sign.ConnectReceiver{Secrets: sign.ForClient("jira:by-hand", shared)}); err != nil {
		t.Errorf("VerifyConnectJWT = %v", err)
	}
}

func TestEventsOfBothProducts(t *testing.T) {
	t.Parallel()
	known := connect.Profile().Form.Events
	for _, name := range append(jiraevent.Events(), confluenceevent.Events()...) {
		found := 0
		for _, k := range known {
			if k == name {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%s stands %d times in the profile, want once", name, found)
		}
	}
	for _, name := range known {
		if data, ok := connect.Profile().Form.Sample(name); ok {
			if _, err := payload.New(scope, data); err != nil {
				t.Errorf("sample of %s: %v", name, err)
			}
		}
	}
	if data, ok := connect.Profile().Form.Sample("no_such_event"); ok || data != nil {
		t.Errorf("a sample of an unknown event: %v, %t", data, ok)
	}
	if data, ok := connect.Profile().Form.Sample(connect.Enabled); !ok {
		t.Error("no sample of connect_addon_enabled")
	} else if body, err := json.Marshal(data); err != nil || !strings.Contains(string(body), `"eventType":"enabled"`) {
		t.Errorf("sample %s, %v", body, err)
	}
}
