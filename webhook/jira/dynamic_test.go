package jira_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
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
		switch app {
		case "based":
			a.BaseURL = "https://one.example.com/app/"
		case "oauth":
			a.OAuth = true
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
		{"a filter whose quote is not closed", `{"jqlFilter":"\"project = PRJ","events":["jira:issue_updated"]}`, `{"errors":["The filter cannot be read at character 1: a quote is not closed"]}`},
		{"a filter that begins with what JQL does not know", `{"jqlFilter":"{project} = PRJ","events":["jira:issue_updated"]}`, `{"errors":["The filter cannot be read at character 1: the character '{' must stand in quotes"]}`},
		{"a filter of control characters", `{"jqlFilter":"\u0000","events":["jira:issue_updated"]}`, `{"errors":["The filter cannot be read at character 1: the character '\\x00' must stand in quotes"]}`},
		{"a filter of no characters at all", `{"jqlFilter":null,"events":["jira:issue_updated"]}`, `{"errors":["The jqlFilter is required"]}`},
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
		if n := len(jira.Events2019()); n != 6 {
			t.Errorf("%d events of 2019, want 6", n)
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

// failing is a store whose database cannot be reached.
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

// Rule: what was stored reaches the webhook of the app although the caller left meanwhile.
func TestDynamic_callerLeaves(t *testing.T) {
	t.Parallel()
	m := manager(t, jira.Profile())
	for _, tc := range []struct{ method, path, body string }{
		{"POST", path2, `{"url":"https://one.example.com/one","webhooks":[{"jqlFilter":"","events":["jira:issue_updated"]}]}`},
		{"PUT", path3 + "/refresh", `{"webhookIds":[1000]}`},
		{"DELETE", path3, `{"webhookIds":[1000]}`},
	} {
		ctx, leave := context.WithCancel(t.Context())
		rs, changed := leaving{new(jira.Memory), leave}, false
		put(t, rs.Memory, one, "")
		api := newAPI(t, rs, &jira.DynamicOptions{Changed: func(r *http.Request, o jira.Owner) {
			changed = true
			deadline, bounded := r.Context().Deadline()
			if err := jira.Sync(r.Context(), m, rs.Memory, o); err != nil || !bounded || time.Until(deadline) > time.Minute {
				t.Errorf("%s: Sync: %v; bounded %t", tc.method, err, bounded)
			}
		}})
		r := httptest.NewRequestWithContext(ctx, tc.method, tc.path, strings.NewReader(tc.body))
		r.Header.Set("App", "acme/one")
		api.ServeHTTP(httptest.NewRecorder(), r)
		if !changed {
			t.Errorf("%s: the host was not told", tc.method)
		}
	}
}

// leaving stores a change, and then its caller leaves.
type leaving struct {
	*jira.Memory
	leave func()
}

func (l leaving) Register(ctx context.Context, o jira.Owner, rs []jira.Registration, now time.Time, max int) ([]int64, error) {
	defer l.leave()
	return l.Memory.Register(ctx, o, rs, now, max)
}

func (l leaving) Refresh(ctx context.Context, o jira.Owner, ids []int64, now, until time.Time, max int) ([]int64, error) {
	defer l.leave()
	return l.Memory.Refresh(ctx, o, ids, now, until, max)
}

func (l leaving) Delete(ctx context.Context, o jira.Owner, ids []int64) error {
	defer l.leave()
	return l.Memory.Delete(ctx, o, ids)
}
