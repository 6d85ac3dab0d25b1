package connect_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/connect"
	"github.com/postrider/postrider/webhook/sign"
)

func lifecycle(event, key string) connect.Lifecycle {
	return connect.Lifecycle{Event: event, Key: key, ClientKey: clientKey, BaseURL: "https://acme.example.net", ProductType: "jira", Description: "R&D"}
}

const lifecycleModules = `[{"event":"enabled","url":"/enabled"},{"event":"connect_addon_disabled","url":"/disabled"},{"event":"jira:issue_updated","url":"/issue"}]`

// other is a second add-on of the same tenant, with the same modules.
func other(t testing.TB) connect.Descriptor {
	t.Helper()
	d := descriptor(t, lifecycleModules)
	d.Key, d.BaseURL = "com.example.other", "https://hooks.example.com/other"
	return d
}

// Rule: events about an add-on reach that add-on alone, other events both.
func TestLifecycleReachesTheAffectedAddOn(t *testing.T) {
	t.Parallel()
	h := newHost(t, connect.Profile(), webhook.Options{})
	h.install(descriptor(t, lifecycleModules))
	h.install(other(t))
	stop := h.run()
	defer stop()
	for _, tt := range []struct{ event, key, path, body string }{
		{connect.Enabled, addOn, "/addon/enabled", `"eventType":"enabled"}`},
		{connect.Disabled, "com.example.other", "/other/disabled", `"eventType":"disabled"}`},
	} {
		before := len(h.addOn.Requests())
		e, err := connect.NewLifecycle(scope, lifecycle(tt.event, tt.key))
		if r := h.dispatch(e, err); r.Matched != 1 {
			t.Fatalf("%s of %s matched %d webhooks, want 1", tt.event, tt.key, r.Matched)
		}
		r := h.arrived(before + 1)[before]
		want := `{"key":"` + tt.key + `","clientKey":"` + clientKey + `","baseUrl":"https://acme.example.net","productType":"jira","description":"R&D",` + tt.body
		if diff := cmp.Diff([]string{tt.path, want}, []string{r.Path, string(r.Body)}); diff != "" {
			t.Errorf("%s of %s (-want +got):\n%s", tt.event, tt.key, diff)
		}
	}
	if r := h.dispatch(connect.NewLifecycle(scope, lifecycle(connect.Enabled, "com.example.third"))); r.Matched != 0 {
		t.Errorf("an add-on that is not installed: %d webhooks, want none", r.Matched)
	}
	if r := h.dispatch(issueUpdated(t)); r.Matched != 2 {
		t.Errorf("an issue event: %d webhooks, want both add-ons", r.Matched)
	}
	h.arrived(4)
}

// Rule: connect_addon_disabled is sent without a token only after the add-on was uninstalled, and
// nothing else is sent then.
func TestDisabledIsUnsignedOnlyAfterUninstall(t *testing.T) {
	t.Parallel()
	h := newHost(t, connect.Profile(), webhook.Options{})
	ws := h.install(descriptor(t, lifecycleModules))
	stop := h.run()
	defer stop()

	h.dispatch(connect.NewLifecycle(scope, lifecycle(connect.Disabled, addOn)))
	if _, err := verify(h.arrived(1)[0], time.Now()); err != nil {
		t.Errorf("disabled, still installed: %v, want a token", err)
	}

	h.hooks.SetPaused(true)
	waiting := h.dispatch(issueUpdated(t)).Deliveries[0]
	for _, w := range ws {
		if _, err := h.manager.Edit(t.Context(), connect.Uninstalled(w)); err != nil {
			t.Fatal(err)
		}
	}
	if r := h.dispatch(issueUpdated(t)); r.Matched != 0 {
		t.Errorf("uninstalled, an issue event: %d webhooks, want none", r.Matched)
	}
	if r := h.dispatch(connect.NewLifecycle(scope, lifecycle(connect.Enabled, addOn))); r.Matched != 0 {
		t.Errorf("uninstalled, enabled: %d webhooks, want none", r.Matched)
	}
	h.dispatch(connect.NewLifecycle(scope, lifecycle(connect.Disabled, addOn)))
	h.hooks.SetPaused(false)
	r := h.arrived(2)[1]
	if _, err := verify(r, time.Now()); r.Path != "/addon/disabled" || !errors.Is(err, sign.ErrMissingHeader) {
		t.Errorf("uninstalled: %s with %v, want /addon/disabled without a token", r.Path, err)
	}
	if d := h.settled(waiting); d.State != webhook.StateFailed || d.LastCode != webhook.CodeURLRejected {
		t.Errorf("what was waiting: %v, %s; want it ended unsent", d.State, d.LastCode)
	}
	h.arrived(2)
}

func TestMatchNeedsToKnowTheAddOn(t *testing.T) {
	t.Parallel()
	match := match(connect.Profile())
	w := webhook.Webhook{Scope: scope, Events: []string{"*"}, Attributes: map[string]string{connect.AttrAddOn: addOn}}
	tests := []struct {
		name string
		e    payload.Event
		want bool
		err  error
	}{
		{"in Vars", payload.Event{Type: connect.Enabled, Vars: map[string]string{connect.VarAddOn: addOn}}, true, nil},
		{"in Vars, another", payload.Event{Type: connect.Enabled, Vars: map[string]string{connect.VarAddOn: "x"}, Body: []byte(`{"key":"` + addOn + `"}`)}, false, nil},
		{"in the body", payload.Event{Type: connect.Disabled, Body: []byte(`{"key":"` + addOn + `"}`)}, true, nil},
		{"in the body, another", payload.Event{Type: connect.Disabled, Body: []byte(`{"key":"x"}`)}, false, nil},
		{"nowhere", payload.Event{Type: connect.Disabled, Body: []byte(`{"KEY":"` + addOn + `"}`)}, false, connect.ErrNoAddOn},
		{"in a body that is none", payload.Event{Type: connect.Disabled, Body: []byte(`[`)}, false, connect.ErrNoAddOn},
		{"a post function, in Vars", payload.Event{Type: "remote_workflow_post_function", Vars: map[string]string{connect.VarAddOn: addOn}}, true, nil},
		{"a post function, in its own data", payload.Event{Type: "remote_workflow_post_function", Body: []byte(`{"key":"` + addOn + `"}`)}, false, connect.ErrNoAddOn},
		{"any other event about one add-on", payload.Event{Type: "jira:issue_updated", Vars: map[string]string{connect.VarAddOn: "x"}}, false, nil},
		{"an event about nothing of the kind", payload.Event{Type: "jira:issue_updated", Body: []byte(`{"key":"x"}`)}, true, nil},
	}
	for _, tt := range tests {
		if got, err := match(w, tt.e); got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: Match = %t, %v; want %t, %v", tt.name, got, err, tt.want, tt.err)
		}
	}
}

// Rule: a merge of versions has two names; listening to either is enough.
func TestMatchKnowsBothNamesOfAMerge(t *testing.T) {
	t.Parallel()
	match := match(connect.Profile())
	merge := payload.Event{Type: "jira:version_deleted", Vars: map[string]string{"mergedVersion.id": "2"}}
	for _, tt := range []struct {
		listens string
		e       payload.Event
		want    bool
	}{
		{"jira:version_merged", merge, true},
		{"jira:version_deleted", merge, true},
		{"jira:version_deleted", payload.Event{Type: "jira:version_merged"}, true},
		{"jira:version_merged", payload.Event{Type: "jira:version_deleted"}, false},
		{"jira:version_moved", merge, false},
	} {
		if got, err := match(webhook.Webhook{Events: []string{tt.listens}}, tt.e); got != tt.want || err != nil {
			t.Errorf("%s listening to %s: %t, %v; want %t", tt.listens, tt.e.Type, got, err, tt.want)
		}
	}
}

func TestLifecycleRefuses(t *testing.T) {
	t.Parallel()
	for field, l := range map[string]connect.Lifecycle{
		"Event":     lifecycle("jira:issue_updated", addOn),
		"key":       lifecycle(connect.Enabled, ""),
		"clientKey": {Event: connect.Disabled, Key: addOn},
	} {
		if _, err := connect.NewLifecycle(scope, l); !errors.Is(err, payload.ErrInvalid) || !strings.Contains(err.Error(), field) {
			t.Errorf("NewLifecycle = %v, want ErrInvalid about %s", err, field)
		}
	}
}
