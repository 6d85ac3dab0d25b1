package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sign"
)

type (
	signer     = sign.Signer
	httpHeader = http.Header
)

type panicSigner struct{}

func (panicSigner) Sign(*http.Request, sign.Message) error { panic("signer") }

// tracker is a profile unlike the ready ones: webhooks of a group share a delivery that names them,
// bulk events have a lane of their own, all webhooks of a host share one limit, and the URL holds
// variables.
func tracker() webhook.Profile {
	return webhook.Profile{
		Name:  "tracker",
		Retry: retry.Policy{Slots: []retry.Slot{{Min: time.Second, Max: time.Second}}, MaxAfter: time.Hour},
		Judge: func(a webhook.Attempt) webhook.Verdict {
			if a.Status == 418 {
				return webhook.VerdictRetry
			}
			return webhook.DefaultJudge(a)
		},
		Route: webhook.Grouped(func(w webhook.Webhook, e payload.Event) (bool, error) {
			if w.Filter == "broken" {
				return false, errors.New("filter does not parse")
			}
			return w.Listens(e.Type) && (w.Filter == "" || w.Filter == e.Vars["project"]), nil
		}, func(e payload.Event, group []webhook.Webhook) (webhook.Routed, error) {
			var ids []string
			for _, w := range group {
				ids = append(ids, `"`+w.Name+`"`)
			}
			slices.Sort(ids)
			c := webhook.Routed{Body: []byte(`{"matched":[` + strings.Join(ids, ",") + `]}`)}
			if e.Vars["bulk"] != "" {
				c.Class = "bulk"
			}
			if group[0].ExcludeBody {
				c.NoBody = true
			}
			return c, nil
		}),
		Prepare: webhook.Prepare{
			Target: func(w webhook.Webhook, d webhook.Delivery) (string, error) {
				return webhook.Expand(w.URL, d.Vars), nil
			},
			Header: func(_ webhook.Webhook, d webhook.Delivery, h http.Header) {
				h.Set("X-Delivery", d.ID)
				if d.Tries > 0 {
					h.Set("X-Retry", fmt.Sprint(d.Tries))
				}
			},
			Sign: func(w webhook.Webhook) (sign.Signer, error) {
				return sign.Func(func(r *http.Request, m sign.Message) error {
					r.Header.Set("X-Signed", fmt.Sprint(r.Method, " ", r.URL.RequestURI(), " ", m.Attempt, " ", len(m.Body)))
					return nil
				}), nil
			},
		},
		Limits: func(w webhook.Webhook, class string) []webhook.Limit {
			u, err := url.Parse(w.URL)
			if err != nil {
				return nil
			}
			return []webhook.Limit{{Key: "host:" + u.Hostname(), Max: 3}}
		},
	}
}

func track(t *testing.T, id string, vars map[string]string) payload.Event {
	t.Helper()
	return payload.Event{ID: id, Scope: scope, Type: "changed", Time: time.Now(), Body: []byte(`{"key":"EXA-1"}`), Vars: vars}
}

func (h *host) addTracker(name, group, url string, change ...func(*webhook.Webhook)) webhook.Webhook {
	h.t.Helper()
	w := webhook.Webhook{Scope: scope, Name: name, Group: group, URL: url, Events: []string{"*"}, Active: true}
	for _, f := range change {
		f(&w)
	}
	w, err := h.hooks.Add(context.Background(), w)
	if err != nil {
		h.t.Fatal(err)
	}
	return w
}

// Rule: every hook of a Profile has its effect.
func TestProfileHooks(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: func(n int, r request) answer {
		if strings.Contains(r.URL, "teapot") && n == 1 {
			return answer{status: 418}
		}
		return answer{status: 200}
	}}
	inBubble(t, tracker(), &webhook.Options{Transport: to}, func(h *host) {
		const hooks = "https://hooks.example.com/"
		h.addTracker("a", "app", hooks+"app/${issue.key}?q={project}")
		h.addTracker("b", "app", hooks+"app/${issue.key}?q={project}")
		h.addTracker("other project", "app", hooks+"app/", func(w *webhook.Webhook) { w.Filter = "OTHER" })
		h.addTracker("alone", "", hooks+"teapot/{issue.key}{nothing}")
		h.addTracker("bare", "", hooks+"bare", func(w *webhook.Webhook) { w.ExcludeBody = true })
		r, err := h.Dispatch(context.Background(), track(t, "evt_1", map[string]string{"issue.key": "EXA/1 ö", "project": "A&B"}))
		if err != nil {
			t.Fatal(err)
		}
		if r.Events[0].Matched != 3 {
			t.Errorf("%d deliveries, want the group's one and two more", r.Events[0].Matched)
		}
		settled(10 * time.Second)
		got := map[string]string{}
		for _, r := range h.to.seen() {
			got[strings.TrimPrefix(r.URL, hooks)] += fmt.Sprint(r.Body, " signed ", r.Header.Get("X-Signed"), " retry ", r.Header.Get("X-Retry"), " type ", r.Header.Get("Content-Type"), "; ")
		}
		want := map[string]string{
			"app/EXA%2F1%20%C3%B6?q=A%26B": `{"matched":["a","b"]} signed POST /app/EXA%2F1%20%C3%B6?q=A%26B 1 21 retry  type application/json; `,
			"teapot/EXA%2F1%20%C3%B6": `{"matched":["alone"]} signed POST /teapot/EXA%2F1%20%C3%B6 1 21 retry  type application/json; ` +
				`{"matched":["alone"]} signed POST /teapot/EXA%2F1%20%C3%B6 2 21 retry 1 type application/json; `,
			"bare": " signed POST /bare 1 0 retry  type ; ",
		}
		for url, w := range want {
			if w = strings.ReplaceAll(w, " 21 ", fmt.Sprint(" ", len(w[:strings.Index(w+" signed", " signed")]), " ")); got[url] != w {
				t.Errorf("%s:\n got %s\nwant %s", url, got[url], w)
			}
		}
		if len(got) != len(want) {
			t.Errorf("requests to %v", got)
		}
	})
}

// Rule: a key that lanes share limits them together, and the end of a request wakes the other
// lanes.
func TestProfileSharedKey(t *testing.T) {
	t.Parallel()
	var running, most atomic.Int64
	to := &receiver{answer: func(int, request) answer {
		raise(&most, running.Add(1))
		time.Sleep(10 * time.Millisecond)
		running.Add(-1)
		return answer{status: 200}
	}}
	inBubble(t, tracker(), &webhook.Options{Transport: to, Poll: time.Hour}, func(h *host) {
		for i := range 4 {
			h.addTracker(fmt.Sprint("hook", i), "", fmt.Sprint("https://hooks.example.com/", i))
		}
		for i := range 6 {
			vars := map[string]string{}
			if i%2 == 0 {
				vars["bulk"] = "yes"
			}
			if _, err := h.Dispatch(context.Background(), track(t, fmt.Sprint("evt_", i), vars)); err != nil {
				t.Fatal(err)
			}
		}
		settled(time.Second)
		if n := len(h.to.seen()); n != 24 {
			t.Errorf("%d of 24 arrived", n)
		}
		if n := most.Load(); n != 3 {
			t.Errorf("%d requests to one host at once, want its limit of 3", n)
		}
	})
}

// Rule: classes of a webhook take turns, and a pause holds all of them.
func TestProfileTwoLanes(t *testing.T) {
	t.Parallel()
	to := &receiver{answer: func(_ int, r request) answer {
		if strings.Contains(r.URL, "busy") {
			return answer{status: 503, after: "100"}
		}
		return answer{status: 200, delay: time.Second}
	}}
	inBubble(t, tracker(), &webhook.Options{Transport: to, Poll: time.Hour}, func(h *host) {
		w := h.addTracker("one", "", "https://hooks.example.com/{where}")
		send := func(id, bulk, where string) {
			if _, err := h.Dispatch(context.Background(), track(t, id, map[string]string{"bulk": bulk, "where": where})); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 3 {
			send(fmt.Sprint("bulk_", i), "yes", "slow")
		}
		settled(100 * time.Millisecond)
		if n := len(h.to.seen()); n != 1 {
			t.Errorf("%d requests in flight, want 1", n)
		}
		first := h.dispatchTracked(track(t, "first", map[string]string{"where": "slow"}))
		settled(time.Second)
		if rs := h.to.seen(); len(rs) < 2 || rs[1].Header.Get("X-Delivery") != first && rs[2].Header.Get("X-Delivery") != first {
			t.Errorf("of %d requests none of the first two after the backlog's is of the other class", len(rs))
		}
		settled(10 * time.Second)
		send("pause", "", "busy")
		settled(100 * time.Millisecond)
		h.to.reset()
		send("b", "yes", "slow")
		send("p", "", "slow")
		settled(50 * time.Second)
		if n := len(h.to.seen()); n != 0 {
			t.Errorf("%d requests to a paused webhook", n)
		}
		x, err := h.Health(w)
		if err != nil || x.Status(time.Now()) != webhook.HealthPaused {
			t.Errorf("health %+v, %v", x, err)
		}
		settled(100 * time.Second)
		if n := len(h.to.seen()); n < 2 {
			t.Errorf("%d requests after the pause", n)
		}
	})
}

// dispatchTracked dispatches an event and returns the ID of its only delivery.
func (h *host) dispatchTracked(e payload.Event) string {
	h.t.Helper()
	r, err := h.Dispatch(context.Background(), e)
	if err != nil || len(r.Events[0].Deliveries) != 1 {
		h.t.Fatalf("receipt %+v, %v, want one delivery", r, err)
	}
	return r.Events[0].Deliveries[0]
}

func (h *host) Health(w webhook.Webhook) (webhook.Health, error) {
	return h.hooks.Health(context.Background(), w.Scope, w.ID)
}
