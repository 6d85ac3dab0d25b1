package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook/inspector"
)

// start runs the application and returns it with its address.
func start(t *testing.T, file string) (*app, string) {
	t.Helper()
	a, err := newApp(t.Context(), file, false)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.hooks.Run(ctx) }()
	server := httptest.NewServer(localOnly(a.routes()))
	t.Cleanup(func() {
		server.Close()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := a.close(); err != nil {
			t.Error(err)
		}
	})
	return a, server.URL
}

// post sends a form and returns the status of the page that follows, and its text.
func post(t *testing.T, address string, form url.Values, header ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// Rule: with the values that the page shows, the end of every run arrives, signed, at the real host
// name.
func TestTaskapp(t *testing.T) {
	t.Parallel()
	a, address := start(t, filepath.Join(t.TempDir(), "tasks.db"))
	form := url.Values{"name": {"Ops"}, "url": {ruleURL}, "secret": {a.rule.Secret().Reveal()}, "trigger": {"taskSuccess", "taskFailure"}, "active": {"on"}}
	if status, text := post(t, address+"/settings/notifications/add", form); status != 200 {
		t.Fatalf("status %d:\n%s", status, text)
	}
	if status, text := post(t, address+"/tasks/licenses/run", nil); status != 200 || !strings.Contains(text, "Succeeded") {
		t.Errorf("status %d:\n%s", status, text)
	}
	if status, text := post(t, address+"/tasks/deactivate/run", url.Values{"fail": {"yes"}}); status != 200 || !strings.Contains(text, errDirectory.Error()) {
		t.Errorf("status %d:\n%s", status, text)
	}
	if status, text := post(t, address+"/operators/pause", url.Values{"to": {"off"}}); status != 200 || !strings.Contains(text, "<dt>Webhooks</dt><dd>1, 0 of them inactive</dd>") {
		t.Errorf("the operators' page: status %d:\n%s", status, text)
	}
	seen := map[string]bool{}
	for began := time.Now(); len(seen) < 2 && time.Since(began) < 30*time.Second; time.Sleep(10 * time.Millisecond) {
		for _, r := range a.inspect.Requests() {
			seen[r.Event] = r.Verdict() == inspector.Verified
		}
	}
	if !seen["taskSuccess"] || !seen["taskFailure"] {
		t.Errorf("arrived and verified: %v", seen)
	}
}

// Rule: a run whose webhooks cannot be queued is not recorded as ended, and a run whose end cannot
// be recorded queues nothing: both are in one transaction.
func TestEnd_oneTransaction(t *testing.T) {
	t.Parallel()
	for name, table := range map[string]string{"queue fails": "INSERT ON postrider_delivery", "record fails": "UPDATE ON run"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, address := start(t, filepath.Join(t.TempDir(), "tasks.db"))
			form := url.Values{"name": {"Ops"}, "url": {ruleURL}, "secret": {a.rule.Secret().Reveal()}, "trigger": {"taskSuccess"}, "active": {"on"}}
			if status, text := post(t, address+"/settings/notifications/add", form); status != 200 {
				t.Fatalf("status %d:\n%s", status, text)
			}
			if _, err := a.db.ExecContext(t.Context(), `CREATE TRIGGER refuse BEFORE `+table+` BEGIN SELECT RAISE(ABORT, 'refused'); END`); err != nil {
				t.Fatal(err)
			}
			if err := a.run(t.Context(), tasks[0], nil); err == nil {
				t.Fatal("the end of the run was recorded")
			}
			var ended, queued int
			err := a.db.QueryRowContext(t.Context(), `SELECT (SELECT count(*) FROM run WHERE ended IS NOT NULL), (SELECT count(*) FROM postrider_delivery)`).Scan(&ended, &queued)
			if err != nil || ended != 0 || queued != 0 {
				t.Errorf("%d runs ended, %d deliveries queued (%v)", ended, queued, err)
			}
			if _, err := a.db.ExecContext(t.Context(), `DROP TRIGGER refuse`); err != nil {
				t.Fatal(err)
			}
			if err := a.run(t.Context(), tasks[0], nil); err != nil {
				t.Error(err)
			}
		})
	}
}

// Rule: the application answers only its own pages on this machine.
func TestRefuses(t *testing.T) {
	t.Parallel()
	a, address := start(t, filepath.Join(t.TempDir(), "tasks.db"))
	if status, _ := post(t, address+"/tasks/licenses/run", nil, "Sec-Fetch-Site", "cross-site"); status != http.StatusForbidden {
		t.Errorf("cross-site: status %d", status)
	}
	if status, _ := post(t, address+"/tasks/unknown/run", nil); status != http.StatusNotFound {
		t.Errorf("unknown task: status %d", status)
	}
	w := httptest.NewRecorder()
	localOnly(a.routes()).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://evil.example/", nil))
	if w.Code != http.StatusMisdirectedRequest {
		t.Errorf("foreign host: status %d", w.Code)
	}
	if runs, err := a.runs(t.Context()); err != nil || len(runs) != 0 {
		t.Errorf("%d runs (%v)", len(runs), err)
	}
}

// Rule: the stand-in's secret is the same after a restart with the same database, so that webhooks
// keep working.
func TestRuleSecret(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "tasks.db")
	first, _ := start(t, file)
	second, _ := start(t, file)
	if a, b := first.rule.Secret().Reveal(), second.rule.Secret().Reveal(); a != b || len(a) != 40 {
		t.Errorf("secrets of %d and %d characters, equal: %v", len(a), len(b), a == b)
	}
}
