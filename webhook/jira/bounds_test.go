package jira_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook/jira"
)

// list is a JSON list of n entries; # in the layout is the number of the entry.
func list(layout string, n int) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = strings.ReplaceAll(layout, "#", fmt.Sprint(i))
	}
	return "[" + strings.Join(parts, ",") + "]"
}

// Rule: every list of a request has a bound, and so has every name. A longer one is refused, as a
// whole or with its item, and changes nothing.
func TestDynamic_bounds(t *testing.T) {
	t.Parallel()
	request := func(items string) string { return `{"url":"https://one.example.com/","webhooks":` + items + `}` }
	item := func(members string) string {
		return request(`[{"jqlFilter":"","events":["jira:issue_updated"]` + members + `}]`)
	}
	event := func(events string) string { return request(`[{"jqlFilter":"","events":` + events + `}]`) }
	refusedItem := func(problem string) string { return `[{"errors":["` + problem + `"]}]` }
	const ok = `[{"createdWebhookId":1000}]`
	long := strings.Repeat("x", jira.MaxNameLength)
	for _, tc := range []struct {
		rule, method, body string
		status             int
		want               string // "" for any
	}{
		{"webhooks", "POST", request(list(`{"jqlFilter":"a = 1","events":["x"]}`, jira.MaxItems)), 200, ""},
		{"too many webhooks", "POST", request(list(`{"jqlFilter":"","events":["jira:issue_updated"]}`, jira.MaxItems+1)), 400, errorBody("The webhooks may have at most 1000 entries.")},
		{"340,000 empty webhooks", "POST", request(list(`{}`, 340_000)), 400, errorBody("The webhooks may have at most 1000 entries.")},
		{"IDs", "PUT", `{"webhookIds":` + list("#", jira.MaxItems) + `}`, 200, ""},
		{"too many IDs to refresh", "PUT", `{"webhookIds":` + list("#", jira.MaxItems+1) + `}`, 400, errorBody("The webhookIds may have at most 1000 entries.")},
		{"one ID 20,000 times", "PUT", `{"webhookIds":` + list("1000", 20_000) + `}`, 400, errorBody("The webhookIds may have at most 1000 entries.")},
		{"too many IDs to delete", "DELETE", `{"webhookIds":` + list("#", jira.MaxItems+1) + `}`, 400, errorBody("The webhookIds may have at most 1000 entries.")},
		{"IDs that are no numbers", "DELETE", `{"webhookIds":` + list(`"#"`, 2) + `}`, 400, errorBody("The body must be one JSON object of the documented shape.")},
		{"no list of IDs", "DELETE", `{"webhookIds":{"a":1}}`, 400, errorBody("The body must be one JSON object of the documented shape.")},
		{"the same event often", "POST", event(list(`"jira:issue_updated"`, jira.MaxEventNames)), 200, ok},
		{"too many events", "POST", event(list(`"jira:issue_updated"`, jira.MaxEventNames+1)), 200, refusedItem("There may be at most 200 events")},
		{"280 kB of events", "POST", event(list(`"e#"`, 30_000)), 200, refusedItem("There may be at most 200 events")},
		{"the name of an event is long", "POST", event(`["` + long + `x"]`), 200, refusedItem("An event without a name, or with one that is too long or not printable, is unsupported")},
		{"the name of an event is empty", "POST", event(`[""]`), 200, refusedItem("An event without a name, or with one that is too long or not printable, is unsupported")},
		{"fields", "POST", item(`,"fieldIdsFilter":` + list(`"f#"`, jira.MaxNames)), 200, ok},
		{"too many fields", "POST", item(`,"fieldIdsFilter":` + list(`"f#"`, jira.MaxNames+1)), 200, refusedItem("The fieldIdsFilter may have at most 100 entries")},
		{"a long field", "POST", item(`,"fieldIdsFilter":["` + long + `"]`), 200, ok},
		{"a field that is too long", "POST", item(`,"fieldIdsFilter":["` + long + `x"]`), 200, refusedItem("The fieldIdsFilter may hold names of 1 to 255 bytes without control characters")},
		{"an empty field", "POST", item(`,"fieldIdsFilter":[""]`), 200, refusedItem("The fieldIdsFilter may hold names of 1 to 255 bytes without control characters")},
		{"no fields", "POST", item(`,"fieldIdsFilter":[]`), 200, ok},
		{"null fields", "POST", item(`,"fieldIdsFilter":null`), 200, ok},
		{"keys", "POST", item(`,"issuePropertyKeysFilter":` + list(`"k#"`, jira.MaxNames)), 200, ok},
		{"too many keys", "POST", item(`,"issuePropertyKeysFilter":` + list(`"k#"`, 20_000)), 200, refusedItem("The issuePropertyKeysFilter may have at most 100 entries")},
		{"a key with a line end", "POST", item(`,"issuePropertyKeysFilter":["a\nb"]`), 200, refusedItem("The issuePropertyKeysFilter may hold names of 1 to 255 bytes without control characters")},
		{"a URL of variables", "POST", strings.Replace(item(""), "com/", "com/"+strings.Repeat("{issue.key}", 200), 1), 400, errorBody("The url may have at most 2048 bytes.")},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			t.Parallel()
			rs := new(jira.Memory)
			code, got := call(t, newAPI(t, rs, nil), "acme/one", tc.method, path2, tc.body)
			if code != tc.status || tc.want != "" && got != tc.want {
				t.Errorf("%d %.300s, want %d %s", code, got, tc.status, tc.want)
			}
			if len(got) > 200_000 {
				t.Errorf("an answer of %d bytes to a request of %d", len(got), len(tc.body))
			}
			all, err := rs.Registrations(t.Context(), one)
			if err != nil || tc.want != ok && len(all) != 0 {
				t.Errorf("%d registrations, %v, of a request that was refused", len(all), err)
			}
		})
	}
}

// The page of a list is the largest answer of the API that an app can cause.
func TestDynamic_largestPage(t *testing.T) {
	t.Parallel()
	api := newAPI(t, new(jira.Memory), nil)
	name := strings.Repeat("x", jira.MaxNameLength-3)
	names := list(`"`+name+`#"`, jira.MaxNames)
	for range jira.MaxRegistrations {
		call(t, api, "acme/one", "POST", path2, `{"url":"https://one.example.com/","webhooks":[{"jqlFilter":"issueKey in (`+strings.Repeat(`A-1,`, 2490)+`A-1)","events":["jira:issue_updated"],"fieldIdsFilter":`+
			names+`,"issuePropertyKeysFilter":`+names+`}]}`)
	}
	code, got := call(t, api, "acme/one", "GET", path2, "")
	if code != 200 || strings.Count(got, "fieldIdsFilter") != jira.MaxRegistrations || len(got) > 8<<20 {
		t.Errorf("%d, a page of %d bytes with %d registrations", code, len(got), strings.Count(got, "fieldIdsFilter"))
	}
}

// asked records the calls of a store.
type asked struct {
	jira.Memory
	ids [][]int64
}

func (a *asked) Refresh(ctx context.Context, o jira.Owner, ids []int64, now, until time.Time, max int) ([]int64, error) {
	a.ids = append(a.ids, ids)
	return a.Memory.Refresh(ctx, o, ids, now, until, max)
}

func (a *asked) Delete(ctx context.Context, o jira.Owner, ids []int64) error {
	a.ids = append(a.ids, ids)
	return a.Memory.Delete(ctx, o, ids)
}

// Rule: repeated IDs and names reach the Store once, in the order of the first mention.
func TestDynamic_duplicates(t *testing.T) {
	t.Parallel()
	rs := new(asked)
	api := newAPI(t, rs, nil)
	call(t, api, "acme/one", "POST", path2, `{"url":"https://one.example.com/","webhooks":[{"jqlFilter":"","events":["jira:issue_updated","jira:issue_created","jira:issue_updated"],
		"fieldIdsFilter":["b","a","b"],"issuePropertyKeysFilter":["y","x","y","x"]}]}`)
	all, err := rs.Registrations(t.Context(), one)
	if err != nil || len(all) != 1 {
		t.Fatal(len(all), err)
	}
	got := [][]string{all[0].Events, all[0].FieldIDs, all[0].PropertyKeys}
	if diff := cmp.Diff([][]string{{"jira:issue_updated", "jira:issue_created"}, {"b", "a"}, {"y", "x"}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	repeated, err := json.Marshal(map[string]any{"webhookIds": append([]int64{1001, 1000}, make([]int64, 500)...)})
	if err != nil {
		t.Fatal(err)
	}
	call(t, api, "acme/one", "PUT", path2, string(repeated))
	call(t, api, "acme/one", "DELETE", path2, string(repeated))
	if diff := cmp.Diff([][]int64{{1001, 1000, 0}, {1001, 1000, 0}}, rs.ids); diff != "" {
		t.Errorf("IDs (-want +got):\n%s", diff)
	}
}

func TestAdmin_bounds(t *testing.T) {
	t.Parallel()
	const head = `{"name":"n","url":"https://www.example.org/",`
	for _, tc := range []struct {
		rule, rest string
		status     int
	}{
		{"events", `"events":` + list(`"jira:issue_updated"`, jira.MaxEventNames) + `}`, 201},
		{"too many events", `"events":` + list(`"jira:issue_updated"`, jira.MaxEventNames+1) + `}`, 400},
		{"too many names of events", `"events":` + list(`"e#"`, 30_000) + `}`, 400},
		{"no list of events", `"events":"jira:issue_updated"}`, 400},
		{"sections", `"events":[],"filters":{` + strings.Trim(list(`"s#":""`, 10), "[]") + `}}`, 201},
		{"too many sections", `"events":[],"filters":{` + strings.Trim(list(`"s#":""`, 11), "[]") + `}}`, 400},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			t.Parallel()
			api, _ := newAdmin(t, nil)
			if code, got := call(t, api, "acme/ann", "POST", hooksPath, head+tc.rest); code != tc.status {
				t.Errorf("%d %.300s, want %d", code, got, tc.status)
			}
		})
	}
}
