package settings_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
	"github.com/postrider/postrider/webhook/settings"
)

// Rule: there is no page without a scope, because every person would see everything.
func TestNew_refuses(t *testing.T) {
	t.Parallel()
	store, err := memstore.New(nil)
	check(t, err)
	hooks, err := webhook.New(store, webhook.Automation(), nil)
	check(t, err)
	other, err := memstore.New(nil)
	check(t, err)
	standard, err := webhook.New(other, webhook.Standard(), nil)
	check(t, err)
	scope := func(*http.Request) (string, error) { return "acme", nil }
	for name, tt := range map[string]struct {
		d    *webhook.Dispatcher
		o    *settings.Options
		want string
	}{
		"no dispatcher":   {nil, &settings.Options{Scope: scope}, "Dispatcher"},
		"nil options":     {hooks, nil, "Options.Scope"},
		"no scope":        {hooks, &settings.Options{}, "Options.Scope"},
		"no triggers":     {standard, &settings.Options{Scope: scope}, "Options.Triggers"},
		"quick refresh":   {hooks, &settings.Options{Scope: scope, Refresh: 1}, "Options.Refresh"},
		"page size":       {hooks, &settings.Options{Scope: scope, PageSize: 101}, "Options.PageSize"},
		"trusted origins": {hooks, &settings.Options{Scope: scope, TrustedOrigins: []string{"example.com"}}, "Options.TrustedOrigins"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := settings.New(tt.d, tt.o); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one that names %s", err, tt.want)
			}
		})
	}
}

// Rule: an empty list explains the use of webhooks.
func TestList_empty(t *testing.T) {
	t.Parallel()
	newSite(t, nil).get("/").wants(t, 200, "No webhooks yet", "0 of 3 used", "Add webhook")
}

// Rule: the list shows name, triggers by their display names, the switch, health and the
// latest delivery, and how many of the limit are used.
func TestList(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.add("acme", "Ops")
	a := s.get("/")
	a.wants(t, 200, "Ops", "Automated task succeeded", "1 of 3 used", "Not used yet", "None yet",
		"https://api-private.atlassian.com", `role=switch aria-checked=true`)
	id := s.dispatch("acme", processID)
	s.get("/").wants(t, 200, "Pending", "<a href=deliveries/"+id+">")
	s.get("/deliveries/"+id).wants(t, 200, processID, `action="../webhooks/`+w.ID+`/deliveries/`+id+`/cancel"`)
	check(t, s.m.SetActive(context.Background(), "acme", w.ID, false))
	s.get("/").wants(t, 200, `role=switch aria-checked=false`)
}

// Rule: a form adds a webhook, and every trigger has a line about when it fires.
func TestAdd(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.get("/add").wants(t, 200, "API key expiring soon", "Automated task failed", "Automated task succeeded",
		"seven days left", "Incoming webhook", "No work items from the webhook", "only after this first save", "<fieldset", "<legend>Triggers</legend>")
	a := s.post("/add", form("notes", "first\r\nsecond"))
	a.wants(t, 200, "“Ops” was added")
	ws := s.list("acme")
	if len(ws) != 1 {
		t.Fatalf("%d webhooks are stored, want 1", len(ws))
	}
	w := ws[0]
	if a.path != "/" || !strings.Contains(a.body, `<li id=`+w.ID+`>`) {
		t.Errorf("the browser is at %s, want the list with the webhook", a.path)
	}
	if w.Name != "Ops" || w.URL != goodURL || w.Secrets[0].Reveal() != canarySecret || !w.Active ||
		strings.Join(w.Events, " ") != "taskSuccess taskFailure" || w.Notes != "first\nsecond" {
		t.Errorf("stored %+v", w)
	}
	if again := s.get("/webhooks/" + w.ID); strings.Contains(again.body, "was added") {
		t.Error("the notice is shown twice")
	}
}

// Rule: a wrong form gets a message beside its field and in a summary that leads there, and changes
// nothing. The input stays, apart from URL and secret.
func TestAdd_wrongForms(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change []string
		field  string
		want   string
	}{
		"no name":         {[]string{"name", ""}, "name", "Give the webhook a name."},
		"blank name":      {[]string{"name", "   "}, "name", "Give the webhook a name."},
		"long name":       {[]string{"name", strings.Repeat("n", 201)}, "name", "up to 200 characters"},
		"no url":          {[]string{"url", ""}, "url", "Enter the webhook URL."},
		"http url":        {[]string{"url", "http://api-private.atlassian.com/automation/webhooks/jira/a/" + canaryPath}, "url", "not allowed"},
		"foreign host":    {[]string{"url", "https://example.com/automation/webhooks/jira/a/" + canaryPath}, "url", "not allowed"},
		"prefix only":     {[]string{"url", "https://api-private.atlassian.com/automation/webhooks/"}, "url", "not allowed"},
		"no secret":       {[]string{"secret", ""}, "secret", "Enter the secret."},
		"no trigger":      {[]string{"trigger", ""}, "events", "Select at least one trigger."},
		"unknown trigger": {[]string{"trigger", "bulkDone"}, "events", "Unknown trigger."},
		"oversized notes": {[]string{"notes", strings.Repeat("é", 4001)}, "notes", "up to 4000 characters"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, nil)
			a := s.post("/add", form(append([]string{"notes", "keep me"}, tt.change...)...))
			a.wants(t, 422, "Please check the form", tt.want, `href="#field-`+tt.field+`"`, `id="field-`+tt.field+`"`, `id="error-`+tt.field+`"`)
			if tt.field != "name" && !strings.Contains(a.body, `value="Ops"`) {
				t.Error("the name that was typed is lost")
			}
			if tt.field != "notes" && !strings.Contains(a.body, "keep me") {
				t.Error("the notes that were typed are lost")
			}
			if ws := s.list("acme"); len(ws) != 0 {
				t.Errorf("%d webhooks were stored", len(ws))
			}
		})
	}
}

// Rule: all mistakes are shown at once, in the order of the form.
func TestAdd_allMistakes(t *testing.T) {
	t.Parallel()
	a := newSite(t, nil).post("/add", nil)
	a.wants(t, 422)
	at := -1
	for _, field := range []string{"name", "url", "secret", "events"} {
		next := strings.Index(a.body, `href="#field-`+field+`"`)
		if next <= at {
			t.Errorf("%s is missing in the summary or out of order", field)
		}
		at = next
	}
}

// Rule: the fourth webhook of a scope is refused with a friendly text, before and after the form.
func TestAdd_limit(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for _, name := range []string{"One", "Two", "Three"} {
		s.add("acme", name)
	}
	list := s.get("/")
	list.wants(t, 200, "3 of 3 used", "All 3 webhooks are in use")
	if strings.Contains(list.body, `href="./add"`) {
		t.Error("the list still offers to add one")
	}
	if a := s.get("/add"); strings.Contains(a.body, "<input") {
		t.Error("there is a form although the limit is reached")
	}
	s.post("/add", form()).wants(t, 409, "All 3 webhooks are in use")
	if n := len(s.list("acme")); n != 3 {
		t.Errorf("%d webhooks", n)
	}
	s.post("/add", form(), "X-Tenant", "other").wants(t, 200, "“Ops” was added")
	if n := len(s.list("other")); n != 1 {
		t.Errorf("%d webhooks of another tenant, want 1: limits are per scope", n)
	}
}

// Rule: forms that are sent at the same moment cannot exceed the limit together.
func TestAdd_concurrent(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			r, err := http.NewRequest(http.MethodPost, s.server.URL+prefix+"/add", strings.NewReader(form().Encode()))
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			resp, err := s.client.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			if err := resp.Body.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := len(s.list("acme")); n != 3 {
		t.Errorf("%d webhooks, want 3", n)
	}
}

// Rule: on edit an empty URL or secret keeps what is stored; everything else is replaced.
func TestEdit(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.add("acme", "Ops")
	s.get("/webhooks/"+w.ID+"/edit").wants(t, 200, "A secret is stored", "A URL at https://api-private.atlassian.com is stored", "ask Kim")
	a := s.post("/webhooks/"+w.ID+"/edit", form("name", "New name", "url", "", "secret", "", "active", "", "version", "1", "trigger", "orgKeyExpiry"))
	a.wants(t, 200, "“New name” was saved")
	got := s.list("acme")[0]
	if got.URL != goodURL || got.Secrets[0].Reveal() != canarySecret {
		t.Error("URL or secret was lost")
	}
	if got.Name != "New name" || got.Active || strings.Join(got.Events, " ") != "orgKeyExpiry" || got.Notes != "" {
		t.Errorf("stored %+v", got)
	}
	const next = "https://api-private.atlassian.com/automation/webhooks/jira/a/other/one"
	s.post("/webhooks/"+w.ID+"/edit", form("version", "2", "url", next, "secret", "another-secret"))
	if got = s.list("acme")[0]; got.URL != next || got.Secrets[0].Reveal() != "another-secret" {
		t.Error("URL and secret were not replaced")
	}
}

// Rule: editing validates like adding, and a refused edit changes nothing.
func TestEdit_wrongForms(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.add("acme", "Ops")
	edit := "/webhooks/" + w.ID + "/edit"
	for name, tt := range map[string]struct {
		change []string
		status int
		want   string
	}{
		"url":        {[]string{"version", "1", "url", "https://example.com/x"}, 422, "not allowed"},
		"triggers":   {[]string{"version", "1", "trigger", ""}, 422, "Select at least one trigger."},
		"name":       {[]string{"version", "1", "name", ""}, 422, "Give the webhook a name."},
		"no version": {nil, 400, "could not be read"},
		"version 0":  {[]string{"version", "0"}, 400, "could not be read"},
		"stale":      {[]string{"version", "7"}, 409, "Somebody else has changed"},
	} {
		t.Run(name, func(t *testing.T) {
			s.post(edit, form(tt.change...)).wants(t, tt.status, tt.want)
			if got := s.list("acme")[0]; got.Version != 1 || got.Name != "Ops" || got.URL != goodURL {
				t.Errorf("something has changed: %+v", got)
			}
		})
	}
}

// Rule: the switch turns a webhook on and off and changes nothing else.
func TestSetActive(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.add("acme", "Ops")
	s.post("/webhooks/"+w.ID+"/active", map[string][]string{"to": {"off"}}).wants(t, 200, "“Ops” is off")
	if s.list("acme")[0].Active {
		t.Error("it is still on")
	}
	s.post("/webhooks/"+w.ID+"/active", map[string][]string{"to": {"on"}}).wants(t, 200, "“Ops” is on")
	if !s.list("acme")[0].Active {
		t.Error("it is still off")
	}
	s.post("/webhooks/"+w.ID+"/active", map[string][]string{"to": {"perhaps"}}).wants(t, 400)
}

// Rule: switching on a webhook that has become invalid leads to the form, which gives the reason.
func TestSetActive_invalid(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	check(t, s.store.Create(t.Context(), webhook.Webhook{ID: "whk_old", Scope: "acme", Name: "Old", URL: "https://old.example.com/" + canaryPath,
		Secrets: []webhook.Secret{webhook.NewSecret(canarySecret)}, Events: []string{"taskSuccess"}}, 0))
	s.post("/webhooks/whk_old/active", map[string][]string{"to": {"on"}}).wants(t, 422, "not allowed", `action="../../webhooks/whk_old/edit"`)
	if s.list("acme")[0].Active {
		t.Error("it is on")
	}
}
