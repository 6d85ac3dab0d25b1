package jira_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/webhook/jira"
)

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

// Rule: a callback URL begins with the base URL of its app up to the end of a segment, for any
// number of slashes behind it and any spelling of its host, and leads nowhere else.
func TestDynamic_baseURL(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		base, url string
		want      bool
	}{
		{"https://one.example.com/app", "https://one.example.com/app/in", true},
		{"https://one.example.com/app/", "https://one.example.com/app/in", true},
		{"https://one.example.com/app//", "https://one.example.com/app/in", true},
		{"https://one.example.com/app///", "https://one.example.com/app", true},
		{"https://one.example.com/", "https://one.example.com/in", true},
		{"https://one.example.com", "https://one.example.com/in?a={issue.key}", true},
		{"https://one.example.com/app", "https://one.example.com/app/{issue.key}", true},
		{"https://One.Example.com/app", "https://one.example.com/app/in", true},
		{"https://one.example.com:443/app", "https://ONE.example.com/app/in", true},
		{"https://one.example.com/app", "https://one.example.com:443/app/{issue.key}", true},
		{"HTTPS://One.Example.com", "https://one.example.com?a={issue.key}", true},
		{"https://one.example.com/äpp", "https://one.example.com/%C3%A4pp/in", true},
		{"https://one.example.com:8443/app", "https://one.example.com/app/in", false},
		{"https://One.Example.com/App", "https://one.example.com/app/in", false},
		{"https://one.example.com/x", "https://ONE.example.com/{issue.key}/in", false},
		{"https://one.example.com/app", "https://one.example.com/application", false},
		{"https://one.example.com/app", "https://one.example.com/app{issue.key}", false},
		{"https://one.example.com/x", "https://one.example.com/{issue.key}/in", false},
		{"https://one.example.com/app", "https://one.example.com/app/../other", false},
		{"https://one.example.com/app", "https://one.example.com/app/..;a/other", false},
		{"https://one.example.com/app", "https://one.example.com/app/a;/../../other/{issue.key}", false},
		{"https://one.example.com/app", "https://one.example.com/app/%2e%2e/other/{issue.key}", false},
		{"https://one.example.com/app", "https://two.example.com/app/in", false},
		{"https://one.example.com/app", "https://one.example.com.evil.example.org/app", false},
		{"no base", "https://one.example.com/app", false},
	} {
		api, err := jira.NewDynamic(new(jira.Memory), func(*http.Request) (jira.App, error) {
			return jira.App{Owner: jira.Owner{Tenant: "acme", App: "one"}, BaseURL: tc.base}, nil
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		code, got := call(t, api, "acme/one", "POST", path2, fmt.Sprintf(`{"url":%q,"webhooks":[{"jqlFilter":"","events":["jira:issue_updated"]}]}`, tc.url))
		if (code == 200) != tc.want {
			t.Errorf("%s under %s: %d %s", tc.url, tc.base, code, got)
		}
	}
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
	synctest.Test(t, func(t *testing.T) { // a bubble starts at 2000-01-01T00:00:00Z
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
