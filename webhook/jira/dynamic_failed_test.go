package jira_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/jira"
)

type failedList struct {
	Values []struct {
		ID          string  `json:"id"`
		Body        *string `json:"body"`
		URL         string  `json:"url"`
		FailureTime int64   `json:"failureTime"`
	} `json:"values"`
	MaxResults int    `json:"maxResults"`
	Next       string `json:"next"`
}

func failedOf(t *testing.T, api http.Handler, app, target string) (page failedList, ids []string) {
	t.Helper()
	code, got := call(t, api, app, "GET", target, "")
	if err := json.Unmarshal([]byte(got), &page); err != nil || code != 200 {
		t.Fatalf("GET %s: %d %s", target, code, got)
	}
	for _, v := range page.Values {
		ids = append(ids, v.ID)
	}
	return page, ids
}

// fill gives acme/one one failure for each age.
func fill(t *testing.T, fs jira.Failures, ago ...time.Duration) {
	t.Helper()
	now := time.Now()
	for i, d := range ago {
		f := jira.Failure{ID: fmt.Sprint("dlv_", i), URL: "https://one.example.com/in", Body: []byte(`{"a":"<&>"}`), At: now.Add(-d)}
		if err := fs.AddFailure(t.Context(), jira.Owner{Tenant: "acme", App: "one"}, f); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFailed_pages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, path := range []string{path2, path3} {
			m := new(jira.Memory)
			api := newAPI(t, m, &jira.DynamicOptions{Failures: m})
			fill(t, m, time.Minute, jira.FailureLife+time.Second, 3*time.Minute, jira.FailureLife-time.Second, time.Minute)
			page, ids := failedOf(t, api, "acme/one", path+"/failed?maxResults=1")
			if diff := cmp.Diff([]string{"dlv_3"}, ids); diff != "" || page.MaxResults != 1 {
				t.Errorf("first page of %d (-want +got):\n%s", page.MaxResults, diff)
			}
			var all []string
			for next := path + "/failed?maxResults=1"; next != ""; {
				page, ids := failedOf(t, api, "acme/one", next)
				all = append(all, strings.Join(ids, " "))
				if next = page.Next; next != "" && !strings.HasPrefix(next, "https://example.com"+path+"/failed?") {
					t.Fatalf("next is %q", next)
				}
				next = strings.TrimPrefix(next, "https://example.com")
			}
			if diff := cmp.Diff([]string{"dlv_3", "dlv_2", "dlv_0 dlv_4"}, all); diff != "" {
				t.Errorf("pages (-want +got):\n%s", diff)
			}
			cursor := time.Now().Add(-3 * time.Minute).UnixMilli()
			for _, name := range []string{"after", "failedAfter"} {
				page, ids := failedOf(t, api, "acme/one", fmt.Sprintf("%s/failed?%s=%d", path, name, cursor))
				if diff := cmp.Diff([]string{"dlv_0", "dlv_4"}, ids); diff != "" || page.Next != "" || page.MaxResults != 100 {
					t.Errorf("%s: next %q, %d (-want +got):\n%s", name, page.Next, page.MaxResults, diff)
				}
			}
		}
	})
}

func TestFailed_refuses(t *testing.T) {
	t.Parallel()
	m := new(jira.Memory)
	api := newAPI(t, m, &jira.DynamicOptions{Failures: m, BaseURL: "https://jira.example.net/"})
	for query, message := range map[string]string{
		"?maxResults=0":  "The parameter maxResults must be a number from 1.",
		"?maxResults=-1": "The parameter maxResults must be a number from 0.",
		"?maxResults=x":  "The parameter maxResults must be a number from 0.",
		"?after=x":       "The parameter after must be a time in milliseconds since 1970.",
		"?failedAfter=-": "The parameter failedAfter must be a time in milliseconds since 1970.",
	} {
		expect(t, api, "acme/one", "GET", path2+"/failed"+query, "", 400, errorBody(message))
	}
	expect(t, api, "acme/oauth", "GET", path2+"/failed", "", 403, errorBody("Only Connect apps may use this resource."))
	expect(t, api, "a person", "GET", path2+"/failed", "", 403, errorBody("Only apps may use this resource."))
	expect(t, api, "", "GET", path2+"/failed", "", 401, errorBody("Authentication is required."))
	expect(t, api, "acme/one", "GET", path2+"/failed", "", 200, `{"values":[],"maxResults":100}`)
	fill(t, m, time.Minute, time.Second)
	page, _ := failedOf(t, api, "acme/one", path2+"/failed?maxResults=1")
	if !strings.HasPrefix(page.Next, "https://jira.example.net"+path2+"/failed?maxResults=1&after=") {
		t.Errorf("next is %q", page.Next)
	}
	for _, app := range []string{"acme/two", "beta/one"} {
		if _, ids := failedOf(t, api, app, path2+"/failed"); len(ids) != 0 {
			t.Errorf("%s sees %v", app, ids)
		}
	}
	if code, _ := call(t, newAPI(t, m, nil), "acme/one", "GET", path2+"/failed", ""); code != 404 {
		t.Errorf("without Failures: %d, want 404", code)
	}
}

// Rule: a callback enters the list after its last attempt, with the identifier of its requests.
func TestFailed_recordsWhatIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := new(jira.Memory)
		h, stop := newHost(t, jira.Profile(jira.WithRegistrations(m)),
			webhook.Options{Observer: &webhook.Observer{Settled: jira.RecordFailures(m, m, nil)}},
			&receiver{answer: func(_ int, r *http.Request) (int, error) {
				if strings.Contains(r.URL.Path, "bad") {
					return 400, nil
				}
				return 503, nil
			}})
		defer stop()
		a := &appHost{host: h, rs: m}
		a.api = newAPI(t, m, &jira.DynamicOptions{Failures: m, Changed: func(r *http.Request, o jira.Owner) {
			if err := jira.Sync(r.Context(), h.manager, m, o); err != nil {
				t.Errorf("Sync: %v", err)
			}
		}})
		a.register("acme/one", "")
		a.register("beta/one", "")
		h.add(webhook.Webhook{}) // an administrator's webhook causes no failure
		h.dispatch(event(t, sample(t, "jira:issue_updated")))
		time.Sleep(14 * time.Minute)
		if _, ids := failedOf(t, a.api, "acme/one", path2+"/failed"); len(ids) != 0 {
			t.Errorf("%v are listed before the last retry", ids)
		}
		time.Sleep(time.Hour)
		page, _ := failedOf(t, a.api, "acme/one", path2+"/failed")
		if len(page.Values) != 1 {
			t.Fatalf("%d failures, want 1", len(page.Values))
		}
		got := page.Values[0]
		var last request
		for _, r := range h.to.all() {
			if strings.HasPrefix(r.URL, "https://one.") {
				last = r
			}
		}
		if got.ID != last.Header.Get(jira.IdentifierHeader) || got.URL != last.URL || got.Body == nil || *got.Body != last.Body ||
			got.FailureTime != last.At.UnixMilli() {
			t.Errorf("the list says %+v of %+v", got, last)
		}
		if _, ids := failedOf(t, a.api, "beta/one", path2+"/failed"); len(ids) != 0 {
			t.Errorf("beta is told of %v", ids)
		}

		h.dispatch(event(t, sample(t, "jira:issue_updated")))
		synctest.Wait()
		call(t, a.api, "acme/one", "DELETE", path2, `{"webhookIds":[1000]}`)
		time.Sleep(time.Hour)
		if _, ids := failedOf(t, a.api, "acme/one", path2+"/failed"); len(ids) != 1 {
			t.Errorf("%v are listed, want no callback that was cancelled", ids)
		}
	})
}

func TestRecordFailures_bounds(t *testing.T) {
	t.Parallel()
	m := new(jira.Memory)
	o := jira.Owner{Tenant: "acme", App: "one"}
	now := time.Now()
	if _, err := m.Register(t.Context(), o, []jira.Registration{{URL: "https://one.example.com/", ExpiresAt: now.Add(time.Hour)}}, now, 9); err != nil {
		t.Fatal(err)
	}
	var told error
	record := jira.RecordFailures(brokenFailures{m}, m, func(_ context.Context, err error) { told = err })
	d := webhook.Delivery{ID: "dlv_big", Scope: "acme", State: webhook.StateFailed, FinishedAt: now, Body: make([]byte, jira.MaxFailureBody+1),
		Vars: map[string]string{"registered_by": "one", "matched_webhook_ids": "7,1000"}}
	record(t.Context(), d)
	if got, err := m.Failures(t.Context(), o, time.Time{}, 9); err != nil || len(got) != 1 || got[0].Body != nil {
		t.Errorf("Failures = %v, %v; want one without its large body", got, err)
	}
	for _, code := range []webhook.Code{webhook.CodeCancelled, webhook.CodeSuperseded} { // a person, or a newer callback, took its place
		d.ID, d.LastCode = "dlv_"+string(code), code
		record(t.Context(), d)
	}
	if got, err := m.Failures(t.Context(), o, time.Time{}, 9); err != nil || len(got) != 1 {
		t.Errorf("Failures = %v, %v; want nothing that did not fail", got, err)
	}
	d.ID, d.LastCode = "dlv_broken", webhook.CodeStatus
	record(t.Context(), d)
	if told == nil || !strings.Contains(told.Error(), "dlv_broken") {
		t.Errorf("told %v", told)
	}
	d.ID, d.Vars["matched_webhook_ids"] = "dlv_gone", "7"
	record(t.Context(), d)
	if got, err := m.Failures(t.Context(), o, time.Time{}, 9); err != nil || len(got) != 1 {
		t.Errorf("Failures = %v, %v; want nothing of registrations that are gone", got, err)
	}
}

// brokenFailures refuses the ID dlv_broken.
type brokenFailures struct{ *jira.Memory }

func (b brokenFailures) AddFailure(ctx context.Context, o jira.Owner, f jira.Failure) error {
	if f.ID == "dlv_broken" {
		return errors.New("disk is full")
	}
	return b.Memory.AddFailure(ctx, o, f)
}
