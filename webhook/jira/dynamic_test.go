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

	"github.com/postrider/postrider/webhook/jira"
	"github.com/postrider/postrider/webhook/jira/jql"
)

// byHeader takes the app from the header "App", as "tenant/app".
func byHeader(r *http.Request) (jira.App, error) {
	switch name := r.Header.Get("App"); name {
	case "":
		return jira.App{}, jira.ErrUnauthenticated
	case "a person":
		return jira.App{}, jira.ErrNotApp
	case "broken":
		return jira.App{}, errors.New("database of users: password=canary")
	default:
		tenant, app, _ := strings.Cut(name, "/")
		a := jira.App{Owner: jira.Owner{Tenant: tenant, App: app}}
		if app == "based" {
			a.BaseURL = "https://one.example.com/app/"
		}
		return a, nil
	}
}

func newAPI(t *testing.T, rs jira.Registrations, o *jira.DynamicOptions) http.Handler {
	t.Helper()
	api, err := jira.NewDynamic(rs, byHeader, o)
	if err != nil {
		t.Fatal(err)
	}
	return api
}

// call makes a request as "tenant/app" and returns status and body.
func call(t *testing.T, api http.Handler, app, method, path, body string) (int, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	if app != "" {
		r.Header.Set("App", app)
	}
	w := httptest.NewRecorder()
	api.ServeHTTP(w, r)
	if got := w.Body.String(); got != "" && w.Header().Get("Content-Type") == "application/json" && !json.Valid([]byte(got)) {
		t.Errorf("%s %s answers with %q, which is no JSON", method, path, got)
	}
	return w.Code, strings.TrimSpace(w.Body.String())
}

func expect(t *testing.T, api http.Handler, app, method, path, body string, status int, want string) {
	t.Helper()
	code, got := call(t, api, app, method, path, body)
	if code != status {
		t.Errorf("%s %s: status %d, want %d: %s", method, path, code, status, got)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s %s (-want +got):\n%s", method, path, diff)
	}
}

const (
	path2 = "/rest/api/2/webhook"
	path3 = "/rest/api/3/webhook"
	three = `{"url":"https://your-app-base-url.com/webhook-received","webhooks":[
		{"jqlFilter":"project = PRJ AND status = Done","events":["jira:issue_created","jira:issue_updated"]},
		{"jqlFilter":"status = Done","events":["jira:issue_updated"]},
		{"jqlFilter":"myClause = something","events":["jira:issue_deleted"]}]}`
)

// items makes a registration of n webhooks.
func items(n int) string {
	one := `{"jqlFilter":"status = Done","events":["jira:issue_updated"]}`
	return `{"url":"https://one.example.com/app/in","webhooks":[` + strings.Repeat(one+",", n-1) + one + `]}`
}

func TestDynamic_registerDialects(t *testing.T) {
	t.Parallel()
	const results = `[{"createdWebhookId":1000},{"createdWebhookId":1001},{"errors":["The clause myClause is unsupported"]}]`
	expect(t, newAPI(t, new(jira.Memory), nil), "acme/one", "POST", path2, three, 200, results)
	expect(t, newAPI(t, new(jira.Memory), nil), "acme/one", "POST", path3, three, 200, `{"webhookRegistrationResult":`+results+`}`)
}

func TestDynamic_registerItems(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ rule, item, want string }{
		{"every refused clause", `{"jqlFilter":"a = 1 AND b = 2","events":["jira:issue_updated"]}`, `{"errors":["The clause a is unsupported","The clause b is unsupported"]}`},
		{"unsupported event", `{"jqlFilter":"","events":["sprint_started","jira:issue_created","nope"]}`, `{"errors":["The event sprint_started is unsupported","The event nope is unsupported"]}`},
		{"clause and event", `{"jqlFilter":"a = 1","events":["nope"]}`, `{"errors":["The clause a is unsupported","The event nope is unsupported"]}`},
		{"no events", `{"jqlFilter":"","events":[]}`, `{"errors":["At least one event is required"]}`},
		{"no filter", `{"events":["jira:issue_updated"]}`, `{"errors":["The jqlFilter is required"]}`},
		{"all events", `{"jqlFilter":"","events":["*"]}`, `{"errors":["The event * is unsupported"]}`},
		{"all of the six", `{"jqlFilter":"issueKey = A-1","events":["jira:issue_created","jira:issue_updated","jira:issue_deleted","comment_created","comment_updated","comment_deleted"]}`, `{"createdWebhookId":1000}`},
		{"further filters", `{"jqlFilter":"","events":["jira:issue_updated"],"fieldIdsFilter":["summary"],"issuePropertyKeysFilter":["k"]}`, `{"createdWebhookId":1000}`},
		{"admin clauses", `{"jqlFilter":"resolution = Fixed","events":["jira:issue_updated"]}`, `{"errors":["The clause resolution is unsupported"]}`},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			t.Parallel()
			api := newAPI(t, new(jira.Memory), nil)
			expect(t, api, "acme/one", "POST", path2, `{"url":"https://one.example.com/","webhooks":[`+tc.item+`]}`, 200, "["+tc.want+"]")
		})
	}
	t.Run("the events of today, by option", func(t *testing.T) {
		t.Parallel()
		if n := len(jira.SeedEvents()); n != 6 {
			t.Errorf("%d seed events, want 6", n)
		}
		api := newAPI(t, new(jira.Memory), &jira.DynamicOptions{Events: jira.CurrentEvents()})
		expect(t, api, "acme/one", "POST", path2,
			`{"url":"https://one.example.com/{sprint.id}","webhooks":[{"jqlFilter":"","events":["sprint_started","version_created","jira:version_merged"]},{"jqlFilter":"","events":["jira:issue_created"]}]}`, 200,
			`[{"createdWebhookId":1000},{"errors":["The variable sprint.id has no value for the events selected."]}]`)
	})
}

func errorBody(message string) string {
	return `{"errorMessages":["` + message + `"],"errors":{}}`
}

func TestDynamic_wholeRequestRefused(t *testing.T) {
	t.Parallel()
	const shape = "The body must be one JSON object of the documented shape."
	const url = "The url is not allowed: it must be an https URL of a public host, on a port that webhooks may use."
	hook := `"webhooks":[{"jqlFilter":"","events":["jira:issue_updated"]}]`
	for _, tc := range []struct {
		rule, app, method, body string
		status                  int
		want                    string
	}{
		{"nobody", "", "POST", three, 401, "Authentication is required."},
		{"no app", "a person", "POST", three, 403, "Only apps may use this resource."},
		{"no app may list", "a person", "GET", "", 403, "Only apps may use this resource."},
		{"broken authentication tells nothing", "broken", "POST", three, 500, "Something went wrong. Try again."},
		{"an app without a name", "acme/", "POST", three, 500, "Something went wrong. Try again."},
		{"no JSON", "acme/one", "POST", "{", 400, shape},
		{"two values", "acme/one", "POST", "{}{}", 400, shape},
		{"another shape", "acme/one", "POST", `{"url":1}`, 400, shape},
		{"no url", "acme/one", "POST", `{` + hook + `}`, 400, "The url is required."},
		{"no webhooks", "acme/one", "POST", `{"url":"https://a.example.com/"}`, 400, "At least one webhook is required."},
		{"http", "acme/one", "POST", `{"url":"http://a.example.com/",` + hook + `}`, 400, url},
		{"a private address", "acme/one", "POST", `{"url":"https://10.0.0.1/",` + hook + `}`, 400, url},
		{"outside the base URL", "acme/based", "POST", `{"url":"https://one.example.com/application",` + hook + `}`, 400, "The url must begin with the base URL of the app."},
		{"too long", "acme/one", "POST", `{"url":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "The body is larger than 1 MiB."},
		{"delete nothing", "acme/one", "DELETE", `{}`, 400, "The webhookIds are required."},
		{"refresh nothing", "acme/one", "PUT", `{"webhookIds":[]}`, 400, "The webhookIds are required."},
		{"refresh text", "acme/one", "PUT", `{"webhookIds":["a"]}`, 400, shape},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			t.Parallel()
			expect(t, newAPI(t, new(jira.Memory), nil), tc.app, tc.method, path3, tc.body, tc.status, errorBody(tc.want))
		})
	}
	api := newAPI(t, new(jira.Memory), nil)
	for path, status := range map[string]int{"/rest/api/1/webhook": 404, "/rest/api/latest/webhook": 404, path2 + "/1000": 404} {
		if code, _ := call(t, api, "acme/one", "GET", path, ""); code != status {
			t.Errorf("GET %s: %d, want %d", path, code, status)
		}
	}
	if code, _ := call(t, api, "acme/one", "PATCH", path2, ""); code != 405 {
		t.Errorf("PATCH: %d, want 405", code)
	}
}

func TestDynamic_oneURL(t *testing.T) {
	t.Parallel()
	api := newAPI(t, new(jira.Memory), nil)
	expect(t, api, "acme/based", "POST", path2, items(1), 200, `[{"createdWebhookId":1000}]`)
	second := strings.Replace(items(1), "/app/in", "/app/other", 1)
	expect(t, api, "acme/based", "POST", path2, second, 400, errorBody("Only one callback URL per app is allowed, and registered webhooks have another one."))
	expect(t, api, "acme/other", "POST", path2, second, 200, `[{"createdWebhookId":1001}]`)
	expect(t, api, "acme/based", "DELETE", path2, `{"webhookIds":[1000]}`, 202, "")
	expect(t, api, "acme/based", "POST", path2, second, 200, `[{"createdWebhookId":1002}]`)
}

func TestDynamic_limit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := newAPI(t, new(jira.Memory), nil)
		_, got := call(t, api, "acme/one", "POST", path2, items(101))
		if !strings.HasSuffix(got, `{"createdWebhookId":1099},{"errors":["The limit of 100 webhooks is reached"]}]`) || strings.Count(got, "createdWebhookId") != 100 {
			t.Errorf("101 webhooks: %s", got)
		}
		expect(t, api, "acme/one", "POST", path2, items(1), 200, `[{"errors":["The limit of 100 webhooks is reached"]}]`)
		time.Sleep(jira.RegistrationLife) // expired ones do not count
		expect(t, api, "acme/one", "POST", path2, items(1), 200, `[{"createdWebhookId":1100}]`)
		_, got = call(t, api, "acme/one", "PUT", path2, `{"webhookIds":[1100,`+strings.Join(ids(1000, 1100), ",")+`]}`)
		if !strings.Contains(got, `"refused":[{"webhookId":1099,"errors":["The limit of 100 webhooks is reached`) || strings.Count(got, "webhookId") != 1 {
			t.Errorf("refresh past the limit: %s", got)
		}
	})
}

func ids(from, to int) (out []string) {
	for i := from; i < to; i++ {
		out = append(out, fmt.Sprint(i))
	}
	return out
}

func TestDynamic_tenantsAndAppsAreApart(t *testing.T) {
	t.Parallel()
	api := newAPI(t, new(jira.Memory), nil)
	expect(t, api, "acme/one", "POST", path2, items(1), 200, `[{"createdWebhookId":1000}]`)
	for _, app := range []string{"acme/two", "beta/one"} {
		_, page := call(t, api, app, "GET", path2, "")
		if !strings.Contains(page, `"total":0,"isLast":true,"values":[]`) {
			t.Errorf("%s lists %s", app, page)
		}
		expect(t, api, app, "DELETE", path2, `{"webhookIds":[1000]}`, 202, "")
		if code, _ := call(t, api, app, "PUT", path2, `{"webhookIds":[1000]}`); code != 200 {
			t.Errorf("%s: refresh of a foreign ID answers %d", app, code)
		}
	}
	if _, page := call(t, api, "acme/one", "GET", path2, ""); !strings.Contains(page, `"total":1`) {
		t.Errorf("the registration of acme/one is gone: %s", page)
	}
}

func TestDynamic_pages(t *testing.T) {
	t.Parallel()
	api := newAPI(t, new(jira.Memory), &jira.DynamicOptions{Max: 250})
	call(t, api, "acme/one", "POST", path2, items(205))
	for _, tc := range []struct {
		query              string
		start, size, count int
		first              int64
		last               bool
	}{
		{"", 0, 100, 100, 1000, false},
		{"?startAt=&maxResults=", 0, 100, 100, 1000, false},
		{"?startAt=100", 100, 100, 100, 1100, false},
		{"?startAt=200&maxResults=100", 200, 100, 5, 1200, true},
		{"?startAt=195&maxResults=10", 195, 10, 10, 1195, true},
		{"?maxResults=1000", 0, 100, 100, 1000, false},
		{"?maxResults=3", 0, 3, 3, 1000, false},
		{"?startAt=205", 205, 100, 0, 0, true},
		{"?startAt=100000", 100000, 100, 0, 0, true},
	} {
		code, body := call(t, api, "acme/one", "GET", path3+tc.query, "")
		var page struct {
			StartAt, MaxResults, Total int
			IsLast                     bool
			Values                     []struct{ ID int64 }
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil || code != 200 || page.Values == nil {
			t.Fatalf("%s: %d %s", tc.query, code, body)
		}
		if page.StartAt != tc.start || page.MaxResults != tc.size || page.Total != 205 || page.IsLast != tc.last || len(page.Values) != tc.count {
			t.Errorf("%s: %+v", tc.query, page)
		}
		if tc.count > 0 && page.Values[0].ID != tc.first {
			t.Errorf("%s: begins with %d, want %d", tc.query, page.Values[0].ID, tc.first)
		}
	}
	for _, query := range []string{"?startAt=-1", "?maxResults=-1", "?startAt=x", "?maxResults=1.5", "?startAt=99999999999999999999"} {
		if code, body := call(t, api, "acme/one", "GET", path2+query, ""); code != 400 {
			t.Errorf("%s: %d %s, want 400", query, code, body)
		}
	}
}

func TestDynamic_life(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // a bubble begins at 2000-01-01T00:00:00Z
		api := newAPI(t, new(jira.Memory), nil)
		call(t, api, "acme/one", "POST", path2, three)
		const record = `{"id":1000,"jqlFilter":"project = PRJ AND status = Done","events":["jira:issue_created","jira:issue_updated"],"url":"https://your-app-base-url.com/webhook-received","expirationDate":"2000-01-31T00:00:00.000+0000"}`
		expect(t, api, "acme/one", "GET", path2+"?maxResults=1", "", 200, `{"startAt":0,"maxResults":1,"total":2,"isLast":false,"values":[`+record+`]}`)

		const day = 24 * time.Hour
		time.Sleep(day)
		expect(t, api, "acme/one", "PUT", path2, `{"webhookIds":[1001,7]}`, 200, `{"expirationDate":"2000-02-01T00:00:00.000+0000"}`)
		time.Sleep(29*day + 91*day) // 1000 expired 90 days ago, 1001 one day later
		_, page := call(t, api, "acme/one", "GET", path2, "")
		if !strings.Contains(page, `"total":2`) {
			t.Errorf("expired registrations are not listed: %s", page)
		}
		expect(t, api, "acme/one", "PUT", path3+"/refresh", `{"webhookIds":[1001]}`, 200, `{"expirationDate":"2000-05-31T00:00:00.000+0000"}`)
		time.Sleep(2*day + time.Second)
		_, page = call(t, api, "acme/one", "GET", path2, "")
		if !strings.Contains(page, `"total":1`) || !strings.Contains(page, `"id":1001`) {
			t.Errorf("what expired 92 days ago is still listed, or what was refreshed is not: %s", page)
		}
		call(t, api, "acme/one", "PUT", path3+"/refresh", `{"webhookIds":[1000]}`)
		if _, page = call(t, api, "acme/one", "GET", path2, ""); !strings.Contains(page, `"total":1`) {
			t.Errorf("what is not listed was refreshed: %s", page)
		}
	})
}

func TestNewDynamic_refused(t *testing.T) {
	t.Parallel()
	grammar := jql.Admin()
	for name, err := range map[string]error{
		"no store":           second(jira.NewDynamic(nil, byHeader, nil)),
		"no authentication":  second(jira.NewDynamic(new(jira.Memory), nil, nil)),
		"a negative maximum": second(jira.NewDynamic(new(jira.Memory), byHeader, &jira.DynamicOptions{Max: -1})),
		"a negative life":    second(jira.NewDynamic(new(jira.Memory), byHeader, &jira.DynamicOptions{Life: -1})),
		"an unknown event":   second(jira.NewDynamic(new(jira.Memory), byHeader, &jira.DynamicOptions{Events: []string{"x"}})),
	} {
		if err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	api := newAPI(t, new(jira.Memory), &jira.DynamicOptions{Grammar: &grammar})
	expect(t, api, "acme/one", "POST", path2, `{"url":"https://a.example.com/","webhooks":[{"jqlFilter":"resolution = Fixed","events":["jira:issue_updated"]}]}`, 200, `[{"createdWebhookId":1000}]`)
}

func second(_ http.Handler, err error) error { return err }

// failing is a store whose database is away.
type failing struct{ jira.Memory }

var errAway = errors.New("dial 10.0.0.7: password=canary")

func (*failing) Register(context.Context, jira.Owner, []jira.Registration, time.Time, int) ([]int64, error) {
	return nil, errAway
}
func (*failing) Registrations(context.Context, jira.Owner) ([]jira.Registration, error) {
	return nil, errAway
}
func (*failing) Delete(context.Context, jira.Owner, []int64) error { return errAway }

func TestDynamic_storeFails(t *testing.T) {
	t.Parallel()
	api := newAPI(t, new(failing), nil)
	for method, body := range map[string]string{"POST": three, "GET": "", "DELETE": `{"webhookIds":[1]}`, "PUT": `{"webhookIds":[1]}`} {
		expect(t, api, "acme/one", method, path2, body, 500, errorBody("Something went wrong. Try again."))
	}
}

func TestDynamic_tellsOfChanges(t *testing.T) {
	t.Parallel()
	var changed []jira.Owner
	api := newAPI(t, new(jira.Memory), &jira.DynamicOptions{Changed: func(_ *http.Request, o jira.Owner) { changed = append(changed, o) }})
	call(t, api, "acme/one", "POST", path2, items(1))
	call(t, api, "acme/one", "POST", path2, `{"url":"https://a.example.com/","webhooks":[{}]}`) // registers nothing
	call(t, api, "acme/one", "GET", path2, "")
	call(t, api, "acme/one", "PUT", path2, `{"webhookIds":[1000]}`)
	call(t, api, "acme/one", "DELETE", path2, `{"webhookIds":[1000]}`)
	one := jira.Owner{Tenant: "acme", App: "one"}
	if diff := cmp.Diff([]jira.Owner{one, one, one}, changed); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
