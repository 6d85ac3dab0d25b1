package jira_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/jira"
)

// byName takes the administrator from the header "App", as "tenant/name".
func byName(r *http.Request) (jira.Administrator, error) {
	tenant, name, ok := strings.Cut(r.Header.Get("App"), "/")
	if !ok {
		return jira.Administrator{}, jira.ErrUnauthenticated
	}
	return jira.Administrator{Tenant: tenant, Name: name, DisplayName: "Name of " + name}, nil
}

const hooksPath = "/rest/webhooks/1.0/webhook"

// newAdmin returns the API over a fresh store, and the store's manager.
func newAdmin(t *testing.T, o *jira.AdminOptions) (http.Handler, *webhook.Manager) {
	t.Helper()
	m := manager(t, jira.Profile())
	api, err := jira.NewAdmin(m, byName, o)
	if err != nil {
		t.Fatal(err)
	}
	return api, m
}

// create makes a webhook and returns its record and its path.
func create(t *testing.T, api http.Handler, by, body string) (record map[string]any, path string) {
	t.Helper()
	code, got := call(t, api, by, "POST", hooksPath, body)
	if code != 201 {
		t.Fatalf("POST: %d %s", code, got)
	}
	if err := json.Unmarshal([]byte(got), &record); err != nil {
		t.Fatal(err)
	}
	self := record["self"].(string)
	return record, self[strings.Index(self, hooksPath):]
}

const (
	body2019 = `{"name":"my first webhook via rest","url":"https://www.example.org/webhooks","events":["jira:issue_created","jira:issue_updated"],
		"jqlFilter":"Project = JRA AND resolution = Fixed","excludeIssueDetails":false}`
	currentBody = `{"name":"hook","description":"for the team","url":"https://www.example.org/webhooks","events":["*"],
		"filters":{"issue-related-events-section":"project = TEST and fixVersion = future"},"excludeBody":true,"secret":"canary-secret","enabled":true}`
)

func TestAdmin_createdRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // a bubble starts at 2000-01-01T00:00:00Z
		api, m := newAdmin(t, &jira.AdminOptions{BaseURL: "https://your-domain.atlassian.net/"})
		got, path := create(t, api, "acme/ann", currentBody)
		hooks, err := m.List(t.Context(), "acme")
		if err != nil || len(hooks) != 1 {
			t.Fatalf("%d webhooks, %v", len(hooks), err)
		}
		number := fmt.Sprint(jira.AdminID(hooks[0].ID))
		want := map[string]any{
			"name": "hook", "description": "for the team", "url": "https://www.example.org/webhooks", "events": []any{"*"},
			"filters": map[string]any{"issue-related-events-section": "project = TEST and fixVersion = future"}, "excludeBody": true, "enabled": true,
			"self": "https://your-domain.atlassian.net/rest/webhooks/1.0/webhook/" + number, "isSigned": true,
			"createdBy": "ann", "created": 946684800000.0, "lastUpdatedUser": "ann", "lastUpdatedDisplayName": "Name of ann", "lastUpdated": 946684800000.0,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for _, p := range []string{hooksPath, path} {
			if _, body := call(t, api, "acme/ann", "GET", p, ""); strings.Contains(body, "canary") || !strings.Contains(body, `"isSigned":true`) {
				t.Errorf("GET %s shows the secret or hides that there is one: %s", p, body)
			}
		}
		if w := hooks[0]; w.Secrets[0].Reveal() != "canary-secret" || !w.Active || !w.ExcludeBody || w.Filter != "project = TEST and fixVersion = future" || w.Notes != "for the team" {
			t.Errorf("stored %+v", w)
		}
	})
}

func TestAdmin_shapeOf2019(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api, _ := newAdmin(t, &jira.AdminOptions{Shape2019: true})
		got, path := create(t, api, "acme/ann", body2019)
		want := map[string]any{
			"name": "my first webhook via rest", "url": "https://www.example.org/webhooks", "events": []any{"jira:issue_created", "jira:issue_updated"},
			"jqlFilter": "Project = JRA AND resolution = Fixed", "excludeIssueDetails": false, "enabled": true, "isSigned": false,
			"self": "https://example.com" + path, "createdBy": "ann", "created": "2000-01-01T00:00:00.000+0000",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestAdmin_bothShapes(t *testing.T) {
	t.Parallel()
	const head = `{"name":"n","url":"https://www.example.org/","events":[],`
	for _, tc := range []struct {
		rule, rest string
		status     int
	}{
		{"the same filter twice", `"jqlFilter":"project = A","filters":{"issue-related-events-section":"project = A"}}`, 201},
		{"two filters", `"jqlFilter":"project = A","filters":{"issue-related-events-section":"project = B"}}`, 400},
		{"a filter and none", `"jqlFilter":"project = A","filters":{"issue-related-events-section":""}}`, 400},
		{"a filter that cannot be read", `"jqlFilter":"'project = A"}`, 400},
		{"a section that is not heeded", `"filters":{"issue-related-event-section":"project = A"}}`, 400},
		{"a blank section that is not heeded", `"filters":{"other-section":" "}}`, 201},
		{"the same choice twice", `"excludeBody":true,"excludeIssueDetails":true}`, 201},
		{"two choices", `"excludeBody":true,"excludeIssueDetails":false}`, 400},
		{"an unsupported clause", `"jqlFilter":"myClause = x"}`, 400},
		{"http", `"url":"http://www.example.org/"}`, 400},
		{"unknown event", `"events":["nope"]}`, 400},
		{"wrong kind", `"events":"*"}`, 400},
	} {
		api, _ := newAdmin(t, nil)
		code, got := call(t, api, "acme/ann", "POST", hooksPath, head+tc.rest)
		if code != tc.status {
			t.Errorf("%s: %d %s, want %d", tc.rule, code, got, tc.status)
		}
		if tc.rule == "an unsupported clause" && !strings.Contains(got, "The clause myClause is unsupported") {
			t.Errorf("%s: %s", tc.rule, got)
		}
	}
}

func TestAdmin_getListDelete(t *testing.T) {
	t.Parallel()
	api, _ := newAdmin(t, nil)
	expect(t, api, "acme/ann", "GET", hooksPath, "", 200, "[]")
	_, one := create(t, api, "acme/ann", body2019)
	_, two := create(t, api, "acme/ann", currentBody)
	_, list := call(t, api, "acme/ann", "GET", hooksPath, "")
	var records []map[string]any
	if err := json.Unmarshal([]byte(list), &records); err != nil || len(records) != 2 || records[0]["name"] != "my first webhook via rest" {
		t.Errorf("list: %s", list)
	}
	if code, got := call(t, api, "acme/ann", "GET", one, ""); code != 200 || !strings.Contains(got, `"my first webhook via rest"`) {
		t.Errorf("get: %d %s", code, got)
	}
	unknown := errorBody("There is no webhook with this number.")
	for _, path := range []string{hooksPath + "/70", hooksPath + "/x", hooksPath + "/-1"} {
		expect(t, api, "acme/ann", "GET", path, "", 404, unknown)
		expect(t, api, "acme/ann", "DELETE", path, "", 404, unknown)
		expect(t, api, "acme/ann", "PUT", path, "{}", 404, unknown)
	}
	expect(t, api, "beta/bob", "GET", one, "", 404, unknown)
	expect(t, api, "beta/bob", "DELETE", one, "", 404, unknown)
	expect(t, api, "acme/ann", "DELETE", one, "", 204, "")
	expect(t, api, "acme/ann", "GET", one, "", 404, unknown)
	if code, _ := call(t, api, "acme/ann", "GET", two, ""); code != 200 {
		t.Errorf("the other webhook answers %d", code)
	}
	expect(t, api, "nobody", "GET", hooksPath, "", 401, errorBody("Authentication is required."))
}

func TestAdmin_update(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api, m := newAdmin(t, nil)
		_, path := create(t, api, "acme/ann", currentBody)
		time.Sleep(time.Second)
		code, got := call(t, api, "acme/bob", "PUT", path, `{"name":"renamed","enabled":false}`)
		if code != 200 || !strings.Contains(got, `"isSigned":true`) || !strings.Contains(got, `"createdBy":"ann","created":946684800000,"lastUpdatedUser":"bob","lastUpdatedDisplayName":"Name of bob","lastUpdated":946684801000`) {
			t.Errorf("PUT: %d %s", code, got)
		}
		hooks, _ := m.List(t.Context(), "acme")
		if w := hooks[0]; w.Name != "renamed" || w.Active || w.Secrets[0].Reveal() != "canary-secret" || w.Filter == "" || !w.ExcludeBody {
			t.Errorf("an update without them changed the secret, the filter or the body: %+v", w)
		}
		if code, _ := call(t, api, "acme/bob", "PUT", path, `{"secret":"next"}`); code != 200 {
			t.Errorf("PUT of a secret: %d", code)
		}
		if hooks, _ = m.List(t.Context(), "acme"); hooks[0].Secrets[0].Reveal() != "next" {
			t.Error("the secret was not replaced")
		}
		if code, _ := call(t, api, "acme/bob", "PUT", path, `{"url":"https://a.example.com/{sprint.id}","events":["jira:issue_created"]}`); code != 400 {
			t.Errorf("PUT of an impossible variable: %d, want 400", code)
		}
	})
}

func TestAdmin_attachedIsNotDeleted(t *testing.T) {
	t.Parallel()
	post := &brokenPostFunctions{PostFunctions: new(jira.Memory)}
	api, m := newAdmin(t, &jira.AdminOptions{PostFunctions: post})
	_, path := create(t, api, "acme/ann", body2019)
	hooks, err := m.List(t.Context(), "acme")
	if err != nil || len(hooks) != 1 {
		t.Fatalf("%d webhooks, %v", len(hooks), err)
	}
	done := jira.Transition{Workflow: "bugs", ID: "31"}
	if err := post.Attach(t.Context(), "acme", done, hooks[0].ID); err != nil {
		t.Fatal(err)
	}
	expect(t, api, "acme/ann", "DELETE", path, "", 409, errorBody("The webhook is a post function of a workflow transition. Remove it there first."))
	post.fails = errors.New("canary")
	expect(t, api, "acme/ann", "DELETE", path, "", 500, errorBody("Something went wrong. Try again."))
	post.fails = nil
	if err := post.Detach(t.Context(), "acme", done, hooks[0].ID); err != nil {
		t.Fatal(err)
	}
	expect(t, api, "acme/ann", "DELETE", path, "", 204, "")
}

// brokenPostFunctions returns its error, if it has one.
type brokenPostFunctions struct {
	jira.PostFunctions
	fails error
}

func (b *brokenPostFunctions) Transitions(ctx context.Context, tenant, webhook string) ([]jira.Transition, error) {
	if b.fails != nil {
		return nil, b.fails
	}
	return b.PostFunctions.Transitions(ctx, tenant, webhook)
}

func (b *brokenPostFunctions) Attached(ctx context.Context, tenant string, t jira.Transition) ([]string, error) {
	if b.fails != nil {
		return nil, b.fails
	}
	return b.PostFunctions.Attached(ctx, tenant, t)
}

func TestNewAdmin_refused(t *testing.T) {
	t.Parallel()
	m := manager(t, jira.Profile())
	if _, err := jira.NewAdmin(nil, byName, nil); err == nil {
		t.Error("no Manager is accepted")
	}
	if _, err := jira.NewAdmin(m, nil, nil); err == nil {
		t.Error("no authentication is accepted")
	}
}

// Rule: a page of another site changes nothing in the browser of an administrator, who is signed in
// there. Programs send none of these header fields.
func TestAdmin_crossSite(t *testing.T) {
	t.Parallel()
	api, m := newAdmin(t, nil)
	_, path := create(t, api, "acme/ann", body2019)
	send := func(method, path string, header ...string) int {
		r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body2019))
		r.Header.Set("App", "acme/ann")
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		if w.Code == 403 && !strings.Contains(w.Body.String(), "XSRF check failed") {
			t.Errorf("%s: %s", method, w.Body)
		}
		return w.Code
	}
	for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example.org"}, {"Origin", "null"}} {
		for method, path := range map[string]string{"POST": hooksPath, "PUT": path, "DELETE": path} {
			if code := send(method, path, header...); code != 403 {
				t.Errorf("%s with %v: %d, want 403", method, header, code)
			}
		}
	}
	if hooks, err := m.List(t.Context(), "acme"); err != nil || len(hooks) != 1 || hooks[0].Version != 1 {
		t.Errorf("%d webhooks, %v; want the one as it was", len(hooks), err)
	}
	for _, header := range [][]string{nil, {"Sec-Fetch-Site", "same-origin"}, {"Origin", "https://example.com"}} {
		if code := send("POST", hooksPath, header...); code != 201 {
			t.Errorf("POST with %v: %d, want 201", header, code)
		}
	}
	if code := send("GET", path, "Sec-Fetch-Site", "cross-site"); code != 200 {
		t.Errorf("GET: %d, want 200", code)
	}
}
