package settings_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
	"github.com/postrider/postrider/webhook/settings"
)

var once = regexp.MustCompile(`name="once" value="([^"]+)"`)

// token returns the random text that makes the forms of a page work once.
func token(t *testing.T, a answer) string {
	t.Helper()
	m := once.FindStringSubmatch(a.body)
	if m == nil {
		t.Fatalf("%s: no form that works once in:\n%s", a.path, a.text())
	}
	return m[1]
}

// twice sends a form two times at once, like a double click, and returns both answers.
func (s *site) twice(path string, f url.Values) [2]answer {
	var out [2]answer
	var group sync.WaitGroup
	for i := range out {
		group.Go(func() { out[i] = s.post(path, f) })
	}
	group.Wait()
	return out
}

// Rule: a form that is sent twice is carried out once, and both answers report its outcome.
func TestOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *settings.Options) {})
	f := form("once", token(t, s.get("/add")))
	for _, a := range s.twice("/add", f) {
		if a.status != 200 || a.path != "/" {
			t.Errorf("add: status %d at %s", a.status, a.path)
		}
	}
	s.post("/add", f).wants(t, 200, "“Ops” was added")
	ws := s.list("acme")
	if len(ws) != 1 {
		t.Fatalf("%d webhooks after three presses, want 1", len(ws))
	}
	page := "/webhooks/" + ws[0].ID
	f = url.Values{"once": {token(t, s.get(page))}}
	s.twice(page+"/test", f)
	s.post(page+"/test", f).wants(t, 200, "accepted with status 200")
	if n := s.sent.Load(); n != 1 {
		t.Errorf("%d requests after three presses of Test, want 1", n)
	}
	f = url.Values{"once": {token(t, s.get(page))}}
	for _, a := range s.twice(page+"/delete", f) {
		a.wants(t, 200, "No webhooks yet")
	}
	s.post(page+"/delete", f).wants(t, 200, "“Ops” was deleted")
}

// Rule: a form that was refused, or was changed after "back", counts as another form.
func TestOnce_again(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	nonce := token(t, s.get("/add"))
	s.post("/add", form("once", nonce, "secret", "")).wants(t, 422, "Enter the secret.")
	s.post("/add", form("once", nonce, "secret", "")).wants(t, 422, "Enter the secret.")
	s.post("/add", form("once", nonce)).wants(t, 200, "“Ops” was added")
	s.post("/add", form("once", nonce, "name", "Two")).wants(t, 200, "“Two” was added")
	if n := len(s.list("acme")); n != 2 {
		t.Errorf("%d webhooks, want 2", n)
	}
	s.post("/add", form("once", nonce), "X-Tenant", "other").wants(t, 200, "“Ops” was added")
	if n := len(s.list("other")); n != 1 {
		t.Errorf("another tenant has %d webhooks, want 1", n)
	}
}

// Rule: two hosts over one Store carry out a form once between them.
func TestOnce_hosts(t *testing.T) {
	t.Parallel()
	store, err := memstore.New(nil)
	check(t, err)
	var hosts []http.Handler
	for range 2 {
		page, _ := pageOver(t, store)
		hosts = append(hosts, page)
	}
	for i, want := range []string{"./#whk_", "./"} {
		r := httptest.NewRequest(http.MethodPost, "/add", strings.NewReader(form("once", "ABCDEFGH").Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		hosts[i].ServeHTTP(w, r)
		if to := w.Header().Get("Location"); w.Code != http.StatusSeeOther || !strings.HasPrefix(to, want) || len(to) > len(want) != (i == 0) {
			t.Errorf("host %d: status %d to %q", i, w.Code, to)
		}
	}
	ws, err := store.Webhooks(t.Context(), "acme")
	check(t, err)
	if len(ws) != 1 {
		t.Errorf("%d webhooks, want 1", len(ws))
	}
}

// Rule: a delivery that was just queued cannot be queued again.
func TestRedeliver_fresh(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.add("acme", "Ops")
	id := s.dispatch("acme", processID)
	read := func() webhook.Delivery {
		d, _, err := s.m.Delivery(t.Context(), "acme", id)
		check(t, err)
		return d
	}
	before := read()
	s.post("/webhooks/"+w.ID+"/deliveries/"+id+"/redeliver", nil).wants(t, 200, "Queued")
	if after := read(); !after.QueuedAt.Equal(before.QueuedAt) || !after.Due.Equal(before.Due) {
		t.Errorf("queued at %v and due at %v, before %v and %v", after.QueuedAt, after.Due, before.QueuedAt, before.Due)
	}
}
