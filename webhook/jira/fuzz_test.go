package jira_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook/jira"
	"github.com/postrider/postrider/webhook/jira/jql"
)

// FuzzDynamic sends bodies to the registration API. Each answer has a status below 500 and a
// bounded length. A stored filter can be read and has clauses unless it is blank.
func FuzzDynamic(f *testing.F) {
	for _, seed := range []string{three, `{"webhookIds":[1000,1000,-1]}`, `{"webhookIds":[1e3]}`, `{"webhookIds":{"a":[1]}}`,
		`{"url":"https://a.example.com/{issue.key}","webhooks":[{"jqlFilter":"","events":["jira:issue_updated","x"],"fieldIdsFilter":["a",""],"issuePropertyKeysFilter":null}]}`,
		`{"url":"https://a.example.com/","webhooks":[{"jqlFilter":"\"project = A","events":["jira:issue_updated"]}]}`, `{"webhooks":[[]]}`, `[`, `null`, ``} {
		for _, method := range []string{"POST", "PUT", "DELETE"} {
			f.Add(method, seed)
		}
	}
	f.Fuzz(func(t *testing.T, method, body string) {
		if method != "POST" && method != "PUT" && method != "DELETE" {
			return
		}
		rs := new(jira.Memory)
		api, err := jira.NewDynamic(rs, func(*http.Request) (jira.App, error) { return jira.App{Owner: one}, nil }, nil)
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		api.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path2, strings.NewReader(body)))
		if w.Code >= 500 || w.Code < 200 || w.Body.Len() > 1<<16+100*len(body) {
			t.Fatalf("%d and %d bytes for %q", w.Code, w.Body.Len(), body)
		}
		all, err := rs.Registrations(t.Context(), one)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range all {
			filter, err := jql.Any().Parse(r.Filter)
			if err != nil || filter.All() != jql.Blank(r.Filter) || len(r.Events) == 0 || len(r.FieldIDs) > jira.MaxNames || len(r.PropertyKeys) > jira.MaxNames {
				t.Fatalf("stored %#v, %v", r, err)
			}
		}
	})
}
