package settings_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// long is a Store in which one delivery has many attempts, as after many redeliveries.
type long struct {
	*memstore.Store
	attempts int
}

func (s long) Delivery(ctx context.Context, scope, id string) (webhook.Delivery, []webhook.Attempt, error) {
	d, attempts, err := s.Store.Delivery(ctx, scope, id)
	for i := range s.attempts {
		attempts = append(attempts, webhook.Attempt{Number: i + 1, Code: webhook.CodeStatus, Status: 503,
			Start: time.Unix(int64(i), 0), Snippet: strings.Repeat("<", 4096),
			Header: slices.Repeat([]webhook.HeaderField{{Name: "X-Amzn-Errortype", Value: strings.Repeat("<", 200)}}, 10)})
	}
	return d, attempts, err
}

// Rule: the size of a page is bounded for every event body, history and tenant.
func TestPageBounds(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	for name, tt := range map[string]struct {
		body     string
		attempts int
		most     int
		want     string
	}{
		"5,000 levels":     {strings.Repeat(`{"a":[`, 2500) + "1" + strings.Repeat("]}", 2500), 0, 256 << 10, "{&#34;a&#34;:[{&#34;a&#34;:["},
		"nesting":          {strings.Repeat("[", 30_000) + strings.Repeat("]", 30_000), 0, 256 << 10, "[[[["},
		"60 levels, broad": {strings.Repeat("[", 60) + strings.Repeat("0,", 30_000) + "0" + strings.Repeat("]", 60), 0, 512 << 10, "[[[["},
		"quotes":           {`"` + strings.Repeat(`\"`, 30_000) + `"`, 0, mib, ""},
		"a long body":      {`"` + strings.Repeat("x", 90<<10) + `"`, 0, 256 << 10, "x…"},
		"many attempts":    {`{}`, 5000, 3 * mib, "Earlier attempts that are not shown: 4900."},
		"as many":          {`{}`, 100, 3 * mib, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			memory, err := memstore.New(nil)
			check(t, err)
			page, m := pageOver(t, long{memory, tt.attempts})
			w, err := m.Add(t.Context(), webhook.Webhook{Scope: "acme", Name: "Ops", URL: goodURL,
				Secrets: []webhook.Secret{webhook.NewSecret(canarySecret)}, Events: []string{"taskSuccess"}, Active: true})
			check(t, err)
			d := webhook.Delivery{ID: "dlv_1", EventID: "evt_1", WebhookID: w.ID, Scope: "acme", Type: "taskSuccess",
				Body: []byte(tt.body), CreatedAt: time.Now(), QueuedAt: time.Now(), Due: time.Now().Add(time.Hour)}
			if _, err := memory.Enqueue(t.Context(), []webhook.Delivery{d}); err != nil {
				t.Fatal(err)
			}
			got := httptest.NewRecorder()
			page.ServeHTTP(got, httptest.NewRequest(http.MethodGet, "/webhooks/"+w.ID+"/deliveries/dlv_1", nil))
			if text := got.Body.String(); got.Code != 200 || len(text) > tt.most || !strings.Contains(text, tt.want) {
				t.Errorf("status %d, %d bytes, want at most %d and %q", got.Code, len(text), tt.most, tt.want)
			}
			if tt.attempts > 0 && strings.Count(got.Body.String(), "</strong>: Refused: 503 Service") != 100 {
				t.Errorf("%d attempts are shown, want 100", strings.Count(got.Body.String(), "</strong>: Refused: 503 Service"))
			}
			if tt.attempts == 100 && strings.Contains(got.Body.String(), "Earlier attempts") {
				t.Error("attempts are said to be missing")
			}
		})
	}
}

// Rule: a long list of webhooks comes in pages; each webhook stands on exactly one.
func TestList_pages(t *testing.T) {
	t.Parallel()
	store, err := memstore.New(nil)
	check(t, err)
	page, _ := pageOver(t, store)
	for i := range 120 {
		check(t, store.Create(t.Context(), webhook.Webhook{ID: fmt.Sprintf("whk_%03d", i), Scope: "acme", Name: "Ops", URL: goodURL, Version: 1,
			Events: []string{"taskSuccess"}, CreatedAt: time.Unix(int64(i), 0)}, 0))
	}
	get := func(query string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		page.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/"+query, nil))
		return w
	}
	link, next := regexp.MustCompile(`<h2><a href=webhooks/(whk_\d+)>`), regexp.MustCompile(`href="(\?from=\d+)" rel="next"`)
	n, pages, query := 0, 0, ""
	for more := true; more; pages++ {
		text := get(query).Body.String()
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if want := fmt.Sprintf("whk_%03d", n); m[1] != want {
				t.Fatalf("page %d: %s where %s is next", pages+1, m[1], want)
			}
			n++
		}
		if strings.Contains(text, "First webhooks") != (query != "") {
			t.Errorf("page %d: the link to the first page", pages+1)
		}
		m := next.FindStringSubmatch(text)
		if more = m != nil; more {
			query = m[1]
		}
	}
	if n != 120 || pages != 3 {
		t.Errorf("%d webhooks on %d pages, want 120 on 3", n, pages)
	}
	for _, query := range []string{"?from=-1", "?from=120", "?from=x", "?from=99999999999999999999"} {
		if w := get(query); w.Code != 404 {
			t.Errorf("%s: status %d, want 404", query, w.Code)
		}
	}
	if w := get("?from=0"); w.Code != 200 {
		t.Errorf("?from=0: status %d", w.Code)
	}
}

// Rule: every input of a browser is bounded where it is read.
func TestInputBounds(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.add("acme", "Ops")
	id := s.dispatch("acme", processID)
	long := strings.Repeat("x", 5000)
	for page, inputs := range map[string][]string{
		"/": {"q", "from"}, "/deliveries": {"after", "event", "type", "code", "state", "since", "until"},
		"/webhooks/" + w.ID:             {"after", "event", "type", "code", "state", "since", "until"},
		"/webhooks/" + w.ID + "/resend": {"since"},
	} {
		s.get(page).wants(t, 200)
		for _, input := range inputs {
			if a := s.get(page + "?" + input + "=" + long); a.status != 404 && a.status != 400 || strings.Contains(a.body, long) {
				t.Errorf("%s with 5,000 bytes of %s: status %d, want a refusal without them", page, input, a.status)
			}
		}
	}
	before := s.state("acme", id)
	for path := range changes(w.ID, id) {
		s.post(path, form("notes", strings.Repeat("x", 200<<10))).wants(t, 413)
	}
	if after := s.state("acme", id); after != before {
		t.Errorf("something has changed:\n%s\n%s", before, after)
	}
}
