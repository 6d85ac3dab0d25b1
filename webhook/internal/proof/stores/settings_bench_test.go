package stores_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/settings"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// BenchmarkSettingsList measures the settings page beside a long log: the list, the script's
// requests while nothing has changed, and the page of one webhook. cpu-ms is the CPU time of this
// process, which with SQLite includes the database; bytes is the length of an answer.
func BenchmarkSettingsList(b *testing.B) {
	for _, d := range []struct {
		name string
		open func(testing.TB) database
	}{{"sqlite", newSQLite}, {"postgres", newPostgres}} {
		for _, hooks := range []int{20, 200} {
			b.Run(fmt.Sprintf("%s/webhooks=%d", d.name, hooks), func(b *testing.B) {
				page, first := longLog(b, d.open(b), hooks, 50_000)
				for name, path := range map[string]string{"list": "/", "webhook": "/webhooks/" + first} {
					b.Run(name, func(b *testing.B) { measure(b, page, path, http.StatusOK, "") })
					b.Run(name+"-poll", func(b *testing.B) {
						w := httptest.NewRecorder()
						page.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
						measure(b, page, path, http.StatusNotModified, w.Header().Get("ETag"))
					})
				}
			})
		}
	}
}

// longLog is the page of a tenant with so many webhooks and deliveries.
func longLog(b *testing.B, d database, hooks, deliveries int) (page http.Handler, first string) {
	b.Helper()
	store := d.migrated(b, &sqlstore.Options{Counters: true})
	profile := webhook.Standard()
	profile.Form.MaxPerScope = 0
	dispatcher, err := webhook.New(store, profile, nil)
	if err != nil {
		b.Fatal(err)
	}
	m, err := dispatcher.Manager()
	if err != nil {
		b.Fatal(err)
	}
	ids := make([]string, hooks)
	for i := range ids {
		w, err := m.Add(b.Context(), webhook.Webhook{Scope: "acme", Name: fmt.Sprintf("Webhook %d", i), URL: "https://hooks.example.com/x", Active: true,
			Secrets: []webhook.Secret{webhook.NewSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwY2FuYXJ5")}, Events: []string{"order.paid"}})
		if err != nil {
			b.Fatal(err)
		}
		ids[i] = w.ID
	}
	began := time.Now().Add(-24 * time.Hour)
	for n := 0; n < deliveries; n += 1000 {
		ds := make([]webhook.Delivery, 1000)
		for i := range ds {
			event, at := fmt.Sprintf("evt_%06d", n+i), began.Add(time.Duration(n+i)*time.Second)
			hook := ids[(n+i)%hooks]
			ds[i] = webhook.Delivery{ID: webhook.DeliveryID("acme", event, hook), EventID: event, WebhookID: hook, Scope: "acme", Type: "order.paid",
				Body: make([]byte, 300), CreatedAt: at, QueuedAt: at, Due: at}
		}
		if _, err := store.Enqueue(b.Context(), ds); err != nil {
			b.Fatal(err)
		}
	}
	page, err = settings.New(dispatcher, &settings.Options{Triggers: []string{"order.paid"}, Scope: func(*http.Request) (string, error) { return "acme", nil }})
	if err != nil {
		b.Fatal(err)
	}
	return page, ids[0]
}

func measure(b *testing.B, page http.Handler, path string, status int, etag string) {
	var size int
	began := cpuTime()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		if etag != "" {
			r.Header.Set("X-Postrider-Live", "1")
			r.Header.Set("If-None-Match", etag)
		}
		w := httptest.NewRecorder()
		if page.ServeHTTP(w, r); w.Code != status {
			b.Fatalf("%s: status %d, want %d", path, w.Code, status)
		}
		size = w.Body.Len()
	}
	b.ReportMetric(float64(cpuTime()-began)/float64(b.N)/1e6, "cpu-ms/op")
	b.ReportMetric(float64(size), "bytes")
}
