package jira_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/jira"
)

// appHost is a host with the registration API.
type appHost struct {
	*host
	api http.Handler
	rs  *jira.Memory
}

func newAppHost(t *testing.T, to *receiver) (*appHost, func()) {
	t.Helper()
	rs := new(jira.Memory)
	h, stop := newHost(t, jira.Profile(jira.WithRegistrations(rs)), webhook.Options{}, to)
	a := &appHost{host: h, rs: rs}
	a.api = newAPI(t, rs, &jira.DynamicOptions{Events: jira.CurrentEvents(), Changed: func(r *http.Request, o jira.Owner) {
		if err := jira.Sync(r.Context(), h.manager, rs, o); err != nil {
			t.Errorf("Sync: %v", err)
		}
	}})
	return a, stop
}

// register makes a registration for each "filter" or "filter|event,event|member".
func (a *appHost) register(app string, webhooks ...string) {
	a.t.Helper()
	items := make([]string, len(webhooks))
	for i, w := range webhooks {
		part, more := strings.Split(w, "|"), ""
		switch len(part) {
		case 1:
			part = append(part, "jira:issue_updated")
		case 3:
			more = "," + part[2]
		}
		items[i] = fmt.Sprintf(`{"jqlFilter":%q,"events":["%s"]%s}`, part[0], strings.ReplaceAll(part[1], ",", `","`), more)
	}
	code, got := call(a.t, a.api, app, "POST", path2, `{"url":"https://one.example.com/app/in","webhooks":[`+strings.Join(items, ",")+`]}`)
	if code != 200 || strings.Contains(got, "errors") {
		a.t.Fatalf("register: %d %s", code, got)
	}
}

// received returns the events and matched IDs of all requests, in order.
func (a *appHost) received() (out []string) {
	a.t.Helper()
	for _, r := range a.to.all() {
		c, err := jiraevent.Decode([]byte(r.Body))
		if err != nil {
			a.t.Fatal(err)
		}
		out = append(out, fmt.Sprint(c.Event, " ", c.MatchedWebhookIDs))
	}
	return out
}

func TestApp_oneCallbackForAllThatMatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, stop := newAppHost(t, &receiver{})
		defer stop()
		a.register("acme/one", "project = EX AND status = 'In Progress'", "status = Done", "status = 'In Progress'", "|jira:issue_created,comment_created")
		a.register("beta/one", "project = EX")
		a.host.add(webhook.Webhook{URL: "https://admin.example.com/", Events: []string{"jira:issue_updated"}})
		a.dispatch(event(t, sample(t, "jira:issue_updated")))
		synctest.Wait()
		want := []string{"jira:issue_updated [1000 1002]", "jira:issue_updated []"}
		got := a.received()
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for _, r := range a.to.all() {
			switch admin := strings.HasPrefix(r.URL, "https://admin."); {
			case admin && (strings.Contains(r.Body, "matchedWebhookIds") || !strings.Contains(r.URL, "user_id=")):
				t.Errorf("an administrator's webhook got %s %s", r.URL, r.Body)
			case !admin && r.URL != "https://one.example.com/app/in":
				t.Errorf("the app was called at %s", r.URL)
			}
		}
		hooks, err := a.manager.List(t.Context(), "acme")
		if err != nil || len(hooks) != 2 {
			t.Errorf("%d webhooks, %v; want the administrator's and one of the app", len(hooks), err)
		}
	})
}

func TestApp_gates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, stop := newAppHost(t, &receiver{})
		defer stop()
		a.register("acme/one",
			`|jira:issue_updated|"fieldIdsFilter":["issuetype","x"]`,
			`|jira:issue_updated|"fieldIdsFilter":["summary"]`,
			`|jira:issue_created|"fieldIdsFilter":["summary"]`,
			`|issue_property_set|"issuePropertyKeysFilter":["flags"]`,
			`|issue_property_set|"issuePropertyKeysFilter":["other"]`,
			`|jira:version_merged`,
			`project = OTHER|sprint_started`)
		merge := sample(t, "jira:version_deleted")
		merge.MergedTo = merge.Version
		for _, c := range []jiraevent.Callback{sample(t, "jira:issue_updated"), sample(t, "jira:issue_created"), sample(t, "issue_property_set"),
			merge, sample(t, "jira:version_deleted"), sample(t, "sprint_started")} {
			a.dispatch(event(t, c))
			synctest.Wait()
		}
		want := []string{"jira:issue_updated [1000]", "jira:issue_created [1002]", "issue_property_set [1003]", "jira:version_deleted [1005]", "sprint_started [1006]"}
		if diff := cmp.Diff(want, a.received()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// Rule: fieldIdsFilter holds the IDs of fields, which may differ from their names. Keys of
// properties gate deletions of properties like changes.
func TestApp_gatesByID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, stop := newAppHost(t, &receiver{})
		defer stop()
		a.register("acme/one",
			`|jira:issue_updated|"fieldIdsFilter":["customfield_10020"]`,
			`|jira:issue_updated|"fieldIdsFilter":["Sprint"]`,
			`|jira:issue_updated|"fieldIdsFilter":["customfield_10021","sprint"]`,
			`|issue_property_set,issue_property_deleted|"issuePropertyKeysFilter":["flags"]`,
			`|issue_property_set,issue_property_deleted|"issuePropertyKeysFilter":["Flags","other"]`)
		change := sample(t, "jira:issue_updated")
		change.Changelog.Items = []jiraevent.ChangeItem{{Field: "Sprint", FieldID: "customfield_10020", FieldType: "custom"}}
		for _, c := range []jiraevent.Callback{change, sample(t, "issue_property_set"), sample(t, "issue_property_deleted")} {
			a.dispatch(event(t, c))
			synctest.Wait()
		}
		want := []string{"jira:issue_updated [1000 1001]", "issue_property_set [1003]", "issue_property_deleted [1003]"}
		if diff := cmp.Diff(want, a.received()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// Rule: an app is called at the URL of its live registrations, also among expired ones. Where none
// is live, it is called at the URL of the latest.
func TestSync_url(t *testing.T) {
	t.Parallel()
	const old, live, newer = "https://old.example.com/", "https://live.example.com/", "https://newer.example.com/"
	for _, tc := range []struct {
		rule string
		urls []string // expired ones, except live
		want string
	}{
		{"live alone", []string{live}, live},
		{"live behind expired", []string{old, live}, live},
		{"live before expired", []string{live, newer}, live},
		{"live between expired", []string{old, live, newer}, live},
		{"none is live", []string{old, newer}, newer},
	} {
		rs := new(jira.Memory)
		m := manager(t, jira.Profile(jira.WithRegistrations(rs)))
		now := time.Now()
		for _, url := range tc.urls {
			expires := now.Add(-time.Hour)
			if url == live {
				expires = now.Add(time.Hour)
			}
			// Registered while nothing else was live.
			if _, err := rs.Register(t.Context(), one, []jira.Registration{{URL: url, Events: []string{"jira:issue_updated"}, ExpiresAt: expires}}, now.Add(2*time.Hour), 9); err != nil {
				t.Fatal(err)
			}
		}
		if err := jira.Sync(t.Context(), m, rs, one); err != nil {
			t.Fatal(err)
		}
		hooks, err := m.List(t.Context(), "acme")
		if err != nil || len(hooks) != 1 || hooks[0].URL != tc.want {
			t.Errorf("%s: %v, %v; want the URL %s", tc.rule, hooks, err, tc.want)
		}
	}
}

func TestApp_expiryAndRefresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, stop := newAppHost(t, &receiver{})
		defer stop()
		a.register("acme/one", "", "")
		update := func() {
			a.dispatch(event(t, sample(t, "jira:issue_updated")))
			synctest.Wait()
		}
		time.Sleep(jira.RegistrationLife - time.Second)
		update()
		call(t, a.api, "acme/one", "PUT", path2, `{"webhookIds":[1001]}`)
		time.Sleep(time.Second)
		update()
		time.Sleep(jira.RegistrationLife)
		update()
		call(t, a.api, "acme/one", "PUT", path2, `{"webhookIds":[1000]}`)
		update()
		want := []string{"jira:issue_updated [1000 1001]", "jira:issue_updated [1001]", "jira:issue_updated [1000]"}
		if diff := cmp.Diff(want, a.received()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestApp_deletionWhileRetrying(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		rule, remove string
		want         int // requests
	}{
		{"none: all retries", "7", 6},
		{"one of two: goes on", "1000", 6},
		{"both that matched, another remains", "1000,1001", 1},
		{"all", "1000,1001,1002", 1},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a, stop := newAppHost(t, &receiver{answer: func(int, *http.Request) (int, error) { return 503, nil }})
				defer stop()
				a.register("acme/one", "", "status = 'In Progress'", "status = Done")
				r := a.dispatch(event(t, sample(t, "jira:issue_updated")))
				synctest.Wait()
				call(t, a.api, "acme/one", "DELETE", path2, `{"webhookIds":[`+tc.remove+`]}`)
				time.Sleep(time.Hour)
				synctest.Wait()
				if got := a.received(); len(got) != tc.want || got[len(got)-1] != "jira:issue_updated [1000 1001]" {
					t.Errorf("requests %v, want %d with the same body", got, tc.want)
				}
				d, _, err := a.manager.Delivery(t.Context(), "acme", r.Events[0].Deliveries[0])
				if err != nil || d.State != webhook.StateFailed || (tc.want == 1) != (d.LastCode == webhook.CodeCancelled) {
					t.Errorf("delivery %v %q, %v", d.State, d.LastCode, err)
				}
			})
		})
	}
}

func TestApp_eventWithoutSubject(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, stop := newAppHost(t, &receiver{})
		defer stop()
		a.register("acme/one", "project = EX|jira:issue_updated", "|comment_deleted")
		c := sample(t, "comment_deleted")
		c.Issue = nil
		a.dispatch(event(t, c)) // no webhook with this event has a filter
		synctest.Wait()
		if diff := cmp.Diff([]string{"comment_deleted [1001]"}, a.received()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		a.register("acme/one", "project = EX|comment_deleted")
		if _, err := a.hooks.Dispatch(t.Context(), event(t, c)); err == nil || !strings.Contains(err.Error(), "WithSubject") {
			t.Errorf("Dispatch = %v, want an error that says what to do", err)
		}
	})
}

func TestSync_overlappingCalls(t *testing.T) {
	t.Parallel()
	rs := new(jira.Memory)
	m := manager(t, jira.Profile(jira.WithRegistrations(rs)))
	o := jira.Owner{Tenant: "acme", App: "one"}
	now := time.Now()
	_, err := rs.Register(t.Context(), o, []jira.Registration{{URL: "https://one.example.com/", Events: []string{"jira:issue_created"}, ExpiresAt: now.Add(time.Hour)}}, now, 9)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { _ = jira.Sync(t.Context(), m, rs, o) })
	}
	wg.Wait()
	if err := jira.Sync(t.Context(), m, rs, o); err != nil {
		t.Fatal(err)
	}
	if hooks, err := m.List(t.Context(), "acme"); err != nil || len(hooks) != 1 {
		t.Errorf("%d webhooks, %v; want 1", len(hooks), err)
	}
	if err := rs.Delete(t.Context(), o, []int64{1000}); err != nil {
		t.Fatal(err)
	}
	if err := jira.Sync(t.Context(), m, rs, o); err != nil {
		t.Fatal(err)
	}
	if hooks, err := m.List(t.Context(), "acme"); err != nil || len(hooks) != 0 {
		t.Errorf("%d webhooks, %v; want none", len(hooks), err)
	}
}

func TestApp_needsRegistrations(t *testing.T) {
	t.Parallel()
	w := webhook.Webhook{ID: "whk_1", Scope: "acme", Events: []string{"*"}, Attributes: map[string]string{jira.AttrApp: "one"}}
	_, err := jira.NewMatcher().Match(w, event(t, sample(t, "sprint_started")))
	if err == nil || !strings.Contains(err.Error(), "WithRegistrations") {
		t.Errorf("Match = %v, want an error that says what to do", err)
	}
}
