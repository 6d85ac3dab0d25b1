package jira_test

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/jira"
	"github.com/postrider/postrider/webhook/jira/jql"
	"github.com/postrider/postrider/webhook/memstore"
)

// counted counts the reads of registrations.
type counted struct {
	*jira.Memory
	looks atomic.Int64
}

func (c *counted) Registrations(ctx context.Context, o jira.Owner) ([]jira.Registration, error) {
	c.looks.Add(1)
	return c.Memory.Registrations(ctx, o)
}

// longFilters are filters of 10 kB of the highest cost: long lists of different values, chains of
// clauses that cannot be joined, and paths into properties.
func longFilters() map[string]func(n int) string {
	fill := func(head, tail string, next func(i int) string) string {
		var b strings.Builder
		b.WriteString(head)
		for i := 0; ; i++ {
			part := next(i)
			if b.Len()+len(part)+len(tail) > 10_000 || strings.HasPrefix(part, "|") && i == jql.MaxClauses-1 {
				return b.String() + tail
			}
			b.WriteString(part)
		}
	}
	return map[string]func(n int) string{
		"keys": func(n int) string {
			return fill("issueKey in (X-1", ")", func(i int) string { return fmt.Sprintf(",PRJ-%d", n*1000+i) })
		},
		"short": func(n int) string {
			return fill("status not in (x1", ")", func(i int) string { return fmt.Sprintf(",q%d", (n+7*i)%997) })
		},
		"chain": func(n int) string {
			return fill("assignee = x1", "", func(i int) string { return fmt.Sprintf("|status!='%s%d'", strings.Repeat("x", 30+n%2), i) })
		},
		"paths": func(n int) string {
			return fill("project = XX", "", func(i int) string {
				return fmt.Sprintf("|issue.property[big].%sq%d=z", strings.Repeat("x", 16), n*300+i)
			})
		},
		"fields": func(n int) string {
			return fill("project = XX", "", func(i int) string { return fmt.Sprintf("|issue.property[%sq%d]!=z", strings.Repeat("x", 16), n*300+i) })
		},
	}
}

// Rule: an app's registrations slow down the app, not the tenant. With a hundred filters of 10 kB,
// and after each refresh of one, an event of the tenant is dispatched within 10 ms. A registration
// takes at most 50 ms. All of them together hold less than 32 MiB. Times are the best of many, and
// of more on a busy machine; allocations and calls of the Store are counted. The test is not
// parallel, because it measures the bytes of the whole process.
func TestHostileApp(t *testing.T) {
	for name, filter := range longFilters() {
		t.Run(name, func(t *testing.T) { hostileApp(t, filter) })
	}
}

func hostileApp(t *testing.T, filter func(n int) string) {
	rs := &counted{Memory: new(jira.Memory)}
	store, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	hooks, err := webhook.New(store, jira.Profile(jira.WithRegistrations(rs)), nil)
	if err != nil {
		t.Fatal(err)
	}
	manager, err := hooks.Manager()
	if err != nil {
		t.Fatal(err)
	}
	api := newAPI(t, rs, &jira.DynamicOptions{Events: jira.CurrentEvents(), Changed: func(r *http.Request, o jira.Owner) {
		if err := jira.Sync(r.Context(), manager, rs, o); err != nil {
			t.Errorf("Sync: %v", err)
		}
	}})
	issue := sample(t, "jira:issue_updated")
	big := map[string]any{}
	for i := range 1000 {
		big[fmt.Sprint("member", i)] = strings.Repeat("x", 20)
	}
	issue.Issue.Properties = map[string]any{"big": big}
	e := func() time.Duration {
		event := event(t, issue)
		began := time.Now()
		if _, err := hooks.Dispatch(t.Context(), event); err != nil {
			t.Fatalf("Dispatch: %v", err)
		}
		return time.Since(began)
	}
	e() // the fixed cost of a first event
	before := heap()
	events := `"` + strings.Join(jira.CurrentEvents(), `","`) + `"`
	var registering []time.Duration
	for n := range jira.MaxRegistrations {
		body := fmt.Sprintf(`{"url":"https://one.example.com/","webhooks":[{"jqlFilter":%q,"events":[%s]}]}`, filter(n), events)
		began := time.Now()
		code, got := call(t, api, "acme/one", "POST", path2, body)
		registering = append(registering, time.Since(began))
		if code != 200 || strings.Contains(got, "errors") {
			t.Fatalf("register: %d %.200s", code, got)
		}
	}
	held := heap() - before

	looks, allocated := rs.looks.Load(), total()
	var dispatching []time.Duration
	const rounds, moreRounds, quick = 20, 300, 10 * time.Millisecond * slower
	for range rounds {
		dispatching = append(dispatching, e())
	}
	each := (total() - allocated) / rounds
	for n := 0; n < moreRounds && slices.Min(dispatching) > quick; n++ {
		dispatching = append(dispatching, e())
	}
	if rs.looks.Load() != looks {
		t.Error("an event looks at registrations that have not changed")
	}
	var refreshed []time.Duration
	for n := 0; n < rounds || n < moreRounds && slices.Min(refreshed) > quick; n++ {
		if code, got := call(t, api, "acme/one", "PUT", path2, fmt.Sprintf(`{"webhookIds":[%d]}`, 1000+n%jira.MaxRegistrations)); code != 200 {
			t.Fatalf("refresh: %d %s", code, got)
		}
		looks = rs.looks.Load()
		refreshed = append(refreshed, e())
		if rs.looks.Load() != looks {
			t.Error("the event after a refresh looks at the registrations: the refresh should have done so")
		}
	}
	slices.Sort(registering)
	slices.Sort(dispatching)
	slices.Sort(refreshed)
	t.Logf("registering %v to %v, dispatching %v to %v, after a refresh %v to %v; %d KiB held, %d KiB allocated for an event",
		registering[0], registering[len(registering)-1], dispatching[0], dispatching[len(dispatching)-1], refreshed[0], refreshed[len(refreshed)-1], held>>10, each>>10)
	if got := registering[len(registering)/2]; got > 50*time.Millisecond*slower {
		t.Errorf("registering takes %v", got)
	}
	if got := max(dispatching[0], refreshed[0]); got > quick {
		t.Errorf("dispatching takes %v", got)
	}
	if held > 32<<20 {
		t.Errorf("100 registrations hold %d MiB", held>>20)
	}
	if each > 2<<20 {
		t.Errorf("an event allocates %d KiB", each>>10)
	}
	runtime.KeepAlive(hooks)
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func total() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.TotalAlloc)
}
