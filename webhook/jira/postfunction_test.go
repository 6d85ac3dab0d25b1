package jira_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/jira"
)

var resolve = jira.Transition{Workflow: "bugs", ID: "31"}

// Rule: a post function fires on its transition with any filter. A webhook that listens to the
// event as well gets both; no other webhook gets the transition.
func TestPostFunction_fires(t *testing.T) {
	t.Parallel()
	for _, selects := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			p := jira.Profile()
			if !selects {
				p.Route = webhook.Each(jira.NewMatcher().Match) // equivalent to Route
			}
			h, stop := newHost(t, p, webhook.Options{}, &receiver{})
			defer stop()
			m := new(jira.Memory)
			attach := func(w webhook.Webhook) webhook.Webhook {
				w = h.add(w)
				if err := m.Attach(t.Context(), "acme", resolve, w.ID); err != nil {
					t.Fatal(err)
				}
				return w
			}
			attach(webhook.Webhook{URL: "https://only.example.com/${issue.key}", Events: []string{}, Filter: "project = OTHER"})
			attach(webhook.Webhook{URL: "https://both.example.com/", Events: []string{"jira:issue_updated"}})
			off := attach(webhook.Webhook{URL: "https://off.example.com/"})
			if err := h.manager.SetActive(t.Context(), "acme", off.ID, false); err != nil {
				t.Fatal(err)
			}
			h.add(webhook.Webhook{URL: "https://listens.example.com/"})

			c := sample(t, "jira:issue_updated")
			c.Comment = nil
			transition := c
			transition.Event = ""
			e, ok, err := jira.Transitioned(t.Context(), m, "acme", resolve, transition)
			if err != nil || !ok {
				t.Fatalf("Transitioned = %v, %v", ok, err)
			}
			h.dispatch(event(t, c), e)
			synctest.Wait()
			var got []string
			for _, r := range h.to.all() {
				b, err := jiraevent.Decode([]byte(r.Body))
				if err != nil || b.Issue == nil || b.Issue.Key != "EX-1" || b.Changelog == nil {
					t.Errorf("body %s: %v", r.Body, err)
				}
				url, _, _ := strings.Cut(r.URL, "?")
				got = append(got, url+" "+b.Event)
			}
			slices.Sort(got)
			want := []string{
				"https://both.example.com/ jira:issue_updated", "https://both.example.com/ jira:issue_updated",
				"https://listens.example.com/ jira:issue_updated", "https://only.example.com/EX-1 jira:issue_updated",
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("with Select %v (-want +got):\n%s", selects, diff)
			}
		})
	}
}

func TestTransitioned(t *testing.T) {
	t.Parallel()
	m := new(jira.Memory)
	if err := m.Attach(t.Context(), "acme", resolve, "whk_1"); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		rule, event string
		tenant      string
		at          jira.Transition
		fires       bool
		body        string // its webhookEvent
	}{
		{"the usual name", "jira:issue_updated", "acme", resolve, true, `"webhookEvent":"jira:issue_updated"`},
		{"the older name", "jira-webhook-post-function", "acme", resolve, true, `"webhookEvent":"jira-webhook-post-function"`},
		{"not on Create", "jira:issue_created", "acme", resolve, false, ""},
		{"another transition", "", "acme", jira.Transition{Workflow: "bugs", ID: "11"}, false, ""},
		{"another tenant", "", "beta", resolve, false, ""},
	} {
		c := sample(t, "jira:issue_updated")
		c.Event = tc.event
		e, ok, err := jira.Transitioned(t.Context(), m, tc.tenant, tc.at, c, payload.WithID("evt_7"))
		if err != nil || ok != tc.fires || ok != strings.Contains(string(e.Body), `"key":"EX-1"`) || !strings.Contains(string(e.Body), tc.body) || ok && e.ID != "evt_7" {
			t.Errorf("%s: fires %v, %v, %s", tc.rule, ok, err, e.Body)
		}
	}
	if _, _, err := jira.Transitioned(t.Context(), m, "acme", resolve, sample(t, "comment_created")); err == nil || !strings.Contains(err.Error(), "Event empty") {
		t.Errorf("a comment of a transition: %v", err)
	}
	if _, ok, err := jira.Transitioned(t.Context(), m, "acme", resolve, jiraevent.Callback{}); ok || !errors.Is(err, payload.ErrInvalid) {
		t.Errorf("a transition of no issue: %v, %v", ok, err)
	}
	broken := &brokenPostFunctions{PostFunctions: m, fails: errors.New("canary")}
	if _, _, err := jira.Transitioned(t.Context(), broken, "acme", resolve, sample(t, "jira:issue_updated")); !errors.Is(err, broken.fails) {
		t.Errorf("a store that fails: %v", err)
	}
}

// Rule: a webhook that a transition triggers is not deleted by any way. The answer is a readable
// text.
func TestPostFunction_attachedIsNotDeleted(t *testing.T) {
	t.Parallel()
	post := new(jira.Memory)
	m := manager(t, jira.Profile(jira.WithPostFunctions(post)))
	api, err := jira.NewAdmin(m, byName, nil) // needs no PostFunctions
	if err != nil {
		t.Fatal(err)
	}
	_, path := create(t, api, "acme/ann", body2019)
	hooks, err := m.List(t.Context(), "acme")
	if err != nil || len(hooks) != 1 {
		t.Fatal(len(hooks), err)
	}
	id := hooks[0].ID
	if err := post.Attach(t.Context(), "acme", resolve, id); err != nil {
		t.Fatal(err)
	}
	err = m.Delete(t.Context(), "acme", id)
	var bad *webhook.ValidationError
	if !errors.Is(err, jira.ErrAttached) || !errors.As(err, &bad) || bad.Fields[0].Rule != "attached" || bad.Fields[0].Message == "" {
		t.Errorf("Manager.Delete = %v, want ErrAttached and a ValidationError", err)
	}
	expect(t, api, "acme/ann", "DELETE", path, "", 409, errorBody("The webhook is a post function of a workflow transition. Remove it there first."))
	if _, err := m.Webhook(t.Context(), "acme", id); err != nil {
		t.Errorf("the webhook is gone: %v", err)
	}
	if err := post.Attach(t.Context(), "acme", jira.Transition{Workflow: "bugs", ID: "41"}, id); err != nil {
		t.Errorf("a refused deletion left a mark: %v", err)
	}
	for _, id41 := range []string{"31", "41"} {
		if err := post.Detach(t.Context(), "acme", jira.Transition{Workflow: "bugs", ID: id41}, id); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Delete(t.Context(), "acme", id); err != nil {
		t.Errorf("Delete once nothing is attached: %v", err)
	}
	if err := m.Delete(t.Context(), "acme", id); !errors.Is(err, webhook.ErrNotFound) {
		t.Errorf("Delete of what is gone: %v, want ErrNotFound", err)
	}
	if err := post.Attach(t.Context(), "acme", resolve, id); err != nil {
		t.Errorf("the mark outlives the deletion: %v", err)
	}
}

// pausing lets a test act between the check for transitions and the deletion.
type pausing struct {
	*jira.Memory
	retired func()
}

func (p *pausing) Retire(ctx context.Context, tenant, id string) error {
	err := p.Memory.Retire(ctx, tenant, id)
	p.retired()
	return err
}

// Rule: the check for transitions and the deletion are one step. Attaching a transition in between
// is refused, and possible again where the deletion failed.
func TestPostFunction_deletionIsAtomic(t *testing.T) {
	t.Parallel()
	post := &pausing{Memory: new(jira.Memory)}
	m := manager(t, jira.Profile(jira.WithPostFunctions(post)))
	w, err := m.Add(t.Context(), webhook.Webhook{Scope: "acme", Name: "n", URL: "https://a.example.com/", Events: []string{"*"}})
	if err != nil {
		t.Fatal(err)
	}
	post.retired = func() {
		if err := post.Attach(t.Context(), "acme", resolve, w.ID); !errors.Is(err, jira.ErrRetired) {
			t.Errorf("Attach during the deletion = %v, want ErrRetired", err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	fails := post.retired
	post.retired = func() { fails(); cancel() } // the deletion fails
	if err := m.Delete(ctx, "acme", w.ID); !errors.Is(err, context.Canceled) {
		t.Fatalf("Delete = %v, want the error of its context", err)
	}
	if err := post.Attach(t.Context(), "acme", resolve, w.ID); err != nil {
		t.Errorf("Attach after a deletion that failed: %v", err)
	}
	if err := post.Detach(t.Context(), "acme", resolve, w.ID); err != nil {
		t.Fatal(err)
	}
	post.retired = fails
	if err := m.Delete(t.Context(), "acme", w.ID); err != nil {
		t.Errorf("Delete: %v", err)
	}
}

// Rule: transitions fire webhooks of people. One that is attached to the webhook of an app does not
// fire it.
func TestPostFunction_notForApps(t *testing.T) {
	t.Parallel()
	rs := new(jira.Memory)
	m := manager(t, jira.Profile(jira.WithRegistrations(rs)))
	put(t, rs, one, "")
	if err := jira.Sync(t.Context(), m, rs, one); err != nil {
		t.Fatal(err)
	}
	hooks, err := m.List(t.Context(), "acme")
	if err != nil || len(hooks) != 1 {
		t.Fatal(len(hooks), err)
	}
	if err := rs.Attach(t.Context(), "acme", resolve, hooks[0].ID); err != nil {
		t.Fatal(err)
	}
	e, ok, err := jira.Transitioned(t.Context(), rs, "acme", resolve, sample(t, "jira:issue_updated"))
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if matches(t, jira.NewMatcher(jira.WithRegistrations(rs)), hooks[0], e) {
		t.Error("the webhook of an app gets the transition")
	}
}

// forgetful cannot undo Retire.
type forgetful struct{ *jira.Memory }

func (forgetful) Restore(context.Context, string, string) error {
	return errors.New("database is away")
}

// Rule: a successful deletion returns no error, even if its mark stays.
func TestPostFunction_deletedAlthoughMarked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, stop := newHost(t, jira.Profile(jira.WithPostFunctions(forgetful{new(jira.Memory)})), webhook.Options{}, &receiver{})
		defer stop()
		w := h.add(webhook.Webhook{})
		if err := h.manager.Delete(t.Context(), "acme", w.ID); err != nil {
			t.Errorf("Delete of a webhook that is gone: %v", err)
		}
		if _, err := h.manager.Webhook(t.Context(), "acme", w.ID); !errors.Is(err, webhook.ErrNotFound) {
			t.Errorf("Webhook: %v, want ErrNotFound", err)
		}
		if err := h.manager.Delete(t.Context(), "acme", w.ID); !errors.Is(err, webhook.ErrNotFound) || !strings.Contains(err.Error(), "away") {
			t.Errorf("Delete of an unknown webhook: %v, want ErrNotFound and what went wrong beside it", err)
		}
	})
}
