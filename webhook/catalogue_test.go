package webhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
)

// Rule: "task.*" matches every type that begins with "task.", at any depth, and nothing else. A
// star at any other place matches nothing.
func TestListens(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		event, typ string
		want       bool
	}{
		{"task.done", "task.done", true},
		{"task.done", "task.done.late", false},
		{"*", "task.done", true},
		{"task.*", "task.done", true},
		{"task.*", "task.run.done", true},
		{"task.*", "task", false},
		{"task.*", "tasks.done", false},
		{"task.*", "Task.done", false},
		{"task.*", "my.task.done", false},
		{"task.run.*", "task.run.done", true},
		{"task.run.*", "task.done", false},
		{"task*", "task.done", false},
		{"*.done", "task.done", false},
		{"task.*.done", "task.run.done", false},
		{".*", ".done", false},
		{"**", "task.done", false},
	} {
		w := webhook.Webhook{Events: []string{"other", c.event}}
		if got := w.Listens(c.typ); got != c.want {
			t.Errorf("%s listens to %s: %t, want %t", c.event, c.typ, got, c.want)
		}
	}
}

// buildDone and buildRun are types of a host's catalogue.
type buildDone struct {
	Tag string `json:"tag"`
}

func (buildDone) EventType() string { return "build.done" }

type buildRun struct {
	Tag string `json:"tag"`
}

func (buildRun) EventType() string { return "build.run.started" }

func builds(t *testing.T) *payload.Catalogue {
	t.Helper()
	c, err := payload.NewCatalogue(
		payload.Define[buildDone](payload.Type{Example: buildDone{"v1"}}),
		payload.Define[buildRun](payload.Type{Example: buildRun{"v2"}}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Rule: a wildcard must match a type of the Profile, if that lists any. The types of a catalogue
// are added to those of the Profile.
func TestWildcardsAreJudged(t *testing.T) {
	t.Parallel()
	own := webhook.Automation()
	own.Form.Catalogue = builds(t)
	open := webhook.Automation()
	open.Form.Events = nil
	for _, c := range []struct {
		name, event, known, open string
	}{
		{"a type of the catalogue", "build.done", "<nil>", "<nil>"},
		{"a type of the profile", "taskSuccess", "<nil>", "<nil>"},
		{"all types", "*", "<nil>", "<nil>"},
		{"a family", "build.*", "<nil>", "<nil>"},
		{"a family below another", "build.run.*", "<nil>", "<nil>"},
		{"a family without types", "deploy.*", "events unknown", "<nil>"},
		{"a type as a family", "build.done.*", "events unknown", "<nil>"},
		{"a star within a word", "build*", "events wildcard", "events wildcard"},
		{"a star in front", "*.done", "events wildcard", "events wildcard"},
		{"a star in the middle", "build.*.started", "events wildcard", "events wildcard"},
		{"two stars", "build.*.*", "events wildcard", "events wildcard"},
		{"a family without a name", ".*", "events wildcard", "events wildcard"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for p, want := range map[*webhook.Profile]string{&own: c.known, &open: c.open} {
				h := newHost(t, newStore(t), *p, nil)
				_, err := h.hooks.Add(context.Background(), form(func(w *webhook.Webhook) { w.Events = []string{c.event} }))
				if got := complaint(err); got != want {
					t.Errorf("%s: %s, want %s", c.event, got, want)
				}
			}
		})
	}
}

// Rule: a webhook with a wildcard receives the types that match, and Dispatch accepts only the
// types of the catalogue.
func TestCatalogueIsDispatched(t *testing.T) {
	t.Parallel()
	p := webhook.Automation()
	p.Form.Catalogue, p.Form.Events = builds(t), nil
	h := newHost(t, newStore(t), p, nil)
	if got := h.Profile().Form.Events; !slices.Equal(got, []string{"build.done", "build.run.started"}) {
		t.Errorf("Profile().Form.Events = %v", got)
	}
	h.add("family", func(w *webhook.Webhook) { w.Events = []string{"build.*"} })
	h.add("run", func(w *webhook.Webhook) { w.Events = []string{"build.run.*"} })
	for data, want := range map[payload.Data]int{buildDone{"a"}: 1, buildRun{"b"}: 2} {
		e, err := p.Form.Catalogue.New(scope, data)
		if err != nil {
			t.Fatal(err)
		}
		r, err := h.Dispatch(context.Background(), e)
		if err != nil || r.Events[0].Matched != want {
			t.Errorf("%s: matched %v, %v; want %d", e.Type, r.Events, err, want)
		}
	}
	if _, err := h.Dispatch(context.Background(), success(t)); !errors.Is(err, webhook.ErrInvalid) {
		t.Errorf("a type that the catalogue does not have: %v", err)
	}
}

// Rule: a test with a sample sends the example of the catalogue, in its envelope if it has one.
func TestCatalogueSample(t *testing.T) {
	t.Parallel()
	for _, enveloped := range []bool{false, true} {
		p := webhook.Automation()
		if p.Form.Catalogue = builds(t); enveloped {
			p.Form.Catalogue = p.Form.Catalogue.Enveloped()
		}
		h := newHost(t, newStore(t), p, nil)
		w := h.add("one")
		if a := h.sendTest(w, webhook.WithSample("build.done")); !a.OK() {
			t.Fatalf("%+v", a)
		}
		body := h.to.seen(w.URL)[0].Body
		var got struct {
			Tag, Type string
			Data      struct{ Tag string }
		}
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]any{enveloped, "v1"}, []any{got.Type == "build.done", got.Tag + got.Data.Tag}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
	}
}

// Rule: a star in the names of a Profile's own events is refused.
func TestProfileEventsHoldNoStar(t *testing.T) {
	t.Parallel()
	p := webhook.Automation()
	p.Form.Events = []string{"task.*"}
	if _, err := webhook.New(newStore(t), p, nil); err == nil {
		t.Error("accepted")
	}
}
