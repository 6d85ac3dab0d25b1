package connect_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/connect"
)

const whole = `{
  "key": "com.example.addon", "name": "Example", "baseUrl": "https://hooks.example.com/addon/", "apiVersion": 2,
  "authentication": {"type": "JWT"}, "scopes": ["read", "ACT_AS_USER"], "lifecycle": {"installed": "/installed"},
  "modules": {
    "generalPages": [{"key": "p", "url": "https://anything.example.com/"}],
    "webhooks": [
      {"event": "jira:issue_created", "url": "/issue-created"},
      {"event": "enabled", "url": "lifecycle/enabled"},
      {"event": "disabled", "url": "/lifecycle/disabled?x={x}"},
      {"event": "version_released", "url": "?version=${version.id}"},
      {"event": "jira:issue_created", "url": "/again", "filter": "project = EXA", "excludeBody": true, "propertyKeys": ["a", "b"],
       "params": {"someOtherProperty": "someValue", "n": 1.50, "big": 12345678901234567890, "t": true, "f": false, "z": null, "e": ""}}
    ]
  }
}`

func TestParseDescriptor(t *testing.T) {
	t.Parallel()
	got, err := connect.ParseDescriptor([]byte(whole))
	want := connect.Descriptor{
		Key: "com.example.addon", Name: "Example", BaseURL: "https://hooks.example.com/addon", Authentication: "jwt",
		Scopes: []string{"READ", "ACT_AS_USER"},
		Webhooks: []connect.Module{
			{Event: "jira:issue_created", URL: "/issue-created"},
			{Event: "connect_addon_enabled", URL: "lifecycle/enabled"},
			{Event: "connect_addon_disabled", URL: "/lifecycle/disabled?x={x}"},
			{Event: "jira:version_released", URL: "?version=${version.id}"},
			{Event: "jira:issue_created", URL: "/again", Filter: "project = EXA", ExcludeBody: true, PropertyKeys: []string{"a", "b"},
				Params: map[string]string{"someOtherProperty": "someValue", "n": "1.50", "big": "12345678901234567890", "t": "true", "f": "false", "z": "null", "e": ""}},
		},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("ParseDescriptor: %v, (-want +got):\n%s", err, diff)
	}
}

func TestParseDescriptorRefuses(t *testing.T) {
	t.Parallel()
	module := func(m string) (old, new string) {
		return `{"event": "jira:issue_created", "url": "/issue-created"}`, m
	}
	url := func(u string) string { return fmt.Sprintf(`{"event": "jira:issue_created", "url": %q}`, u) }
	member := func(m string) string {
		return `{"event": "jira:issue_created", "url": "/a", ` + m + `}`
	}
	const hook = "modules.webhooks[0]"
	tests := []struct{ name, old, new, field string }{
		{"no key", `"key": "com.example.addon",`, ``, "key"},
		{"a key with a slash", `com.example.addon`, `com/canary`, "key"},
		{"a key that is too long", `com.example.addon`, strings.Repeat("k", 81), "key"},
		{"a key that is a number", `"com.example.addon"`, `1`, "key"},
		{"a name in other case", `"key": "com`, `"Key": "com`, "key"},
		{"no base URL", `"baseUrl": "https://hooks.example.com/addon/",`, ``, "baseUrl"},
		{"a base URL with http", `https://hooks.example.com/addon/`, `http://canary.example.com`, "baseUrl"},
		{"a base URL without a host", `https://hooks.example.com/addon/`, `https:///canary`, "baseUrl"},
		{"a base URL with a query", `https://hooks.example.com/addon/`, `https://canary.example.com/?a=b`, "baseUrl"},
		{"a base URL with a fragment", `https://hooks.example.com/addon/`, `https://canary.example.com/#b`, "baseUrl"},
		{"a base URL with a user", `https://hooks.example.com/addon/`, `https://canary@hooks.example.com/`, "baseUrl"},
		{"a base URL with a variable", `https://hooks.example.com/addon/`, `https://hooks.example.com/{canary}`, "baseUrl"},
		{"a base URL with dot segments", `https://hooks.example.com/addon/`, `https://hooks.example.com/canary/../`, "baseUrl"},
		{"no authentication", `"authentication": {"type": "JWT"},`, ``, "authentication"},
		{"authentication that is a string", `{"type": "JWT"}`, `"JWT"`, "authentication"},
		{"no type of authentication", `{"type": "JWT"}`, `{}`, "authentication.type"},
		{"another type of authentication", `{"type": "JWT"}`, `{"type": "oauth"}`, "authentication.type"},
		{"scopes that are a string", `["read", "ACT_AS_USER"]`, `"READ"`, "scopes"},
		{"a scope that is a number", `["read", "ACT_AS_USER"]`, `["READ", 1]`, "scopes[1]"},
		{"modules that are a list", `"generalPages"`, `"x": 1}, "modules": [], "y": {"generalPages"`, "modules"},
		{"webhooks that are an object", `"webhooks": [`, `"webhooks": {}, "x": [`, "modules.webhooks"},
		{"webhooks that are null", `"webhooks": [`, `"webhooks": null, "x": [`, "modules.webhooks"},
		{"a webhook that is a string", "", `"canary"`, hook},
		{"no event", "", `{"url": "/canary"}`, hook + ".event"},
		{"an empty event", "", `{"event": "", "url": "/canary"}`, hook + ".event"},
		{"an event that is a list", "", `{"event": ["jira:issue_created"], "url": "/canary"}`, hook + ".event"},
		{"an event with a space", "", `{"event": "jira:issue canary", "url": "/a"}`, hook + ".event"},
		{"an event that is too long", "", `{"event": "` + strings.Repeat("canary", 17) + `", "url": "/a"}`, hook + ".event"},
		{"an event under another name", "", `{"Event": "jira:issue_created", "url": "/canary"}`, hook + ".event"},
		{"no url", "", `{"event": "jira:issue_created"}`, hook + ".url"},
		{"an empty url", "", url(""), hook + ".url"},
		{"a url that is null", "", `{"event": "jira:issue_created", "url": null}`, hook + ".url"},
		{"an absolute url", "", url("https://canary.example.com/"), hook + ".url"},
		{"an absolute url under the base URL", "", url("https://hooks.example.com/addon/canary"), hook + ".url"},
		{"an absolute url in capitals", "", url("HTTPS://canary.example.com/"), hook + ".url"},
		{"a url with a scheme alone", "", url("mailto:canary@example.com"), hook + ".url"},
		{"a url that keeps the scheme", "", url("//canary.example.com/"), hook + ".url"},
		{"a url with backslashes", "", url(`\\canary.example.com\`), hook + ".url"},
		{"a url with a space", "", url("/canary a"), hook + ".url"},
		{"a url with a line break", "", url("/canary\n"), hook + ".url"},
		{"a url that is not ASCII", "", url("/canary/Æ"), hook + ".url"},
		{"a url with a fragment", "", url("/canary#a"), hook + ".url"},
		{"dot segments", "", url("/../canary"), hook + ".url"},
		{"a single dot", "", url("/./canary"), hook + ".url"},
		{"dot segments at the end", "", url("canary/.."), hook + ".url"},
		{"encoded dot segments", "", url("/%2e%2E/canary"), hook + ".url"},
		{"dot segments behind an encoded slash", "", url("/a%2f..%2fcanary"), hook + ".url"},
		{"dot segments made by empty variables", "", url("/.{issue.key}./canary"), hook + ".url"},
		{"dot segments behind a semicolon", "", url("/a;../canary"), hook + ".url"},
		{"dot segments behind a semicolon alone", "", url("/;../canary"), hook + ".url"},
		{"dot segments with parameters", "", url("/..;canary=1/x"), hook + ".url"},
		{"dot segments with parameters at the beginning", "", url("..;canary/x"), hook + ".url"},
		{"dot segments behind an encoded semicolon", "", url("/canary/x%3b.."), hook + ".url"},
		{"half an escape", "", url("/canary%2"), hook + ".url"},
		{"params that are a list", "", member(`"params": ["canary"]`), hook + ".params"},
		{"params with an object", "", member(`"params": {"a": {"canary": 1}}`), hook + ".params"},
		{"params with a list", "", member(`"params": {"a": [1]}`), hook + ".params"},
		{"params without a name", "", member(`"params": {"": 1}`), hook + ".params"},
		{"params with braces in a name", "", member(`"params": {"{canary}": 1}`), hook + ".params"},
		{"a filter that is an object", "", member(`"filter": {}`), hook + ".filter"},
		{"excludeBody that is text", "", member(`"excludeBody": "true"`), hook + ".excludeBody"},
		{"excludeBody that is null", "", member(`"excludeBody": null`), hook + ".excludeBody"},
		{"propertyKeys that are text", "", member(`"propertyKeys": "canary"`), hook + ".propertyKeys"},
		{"a property key that is a number", "", member(`"propertyKeys": ["a", 1]`), hook + ".propertyKeys[1]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.old == "" {
				tt.old, tt.new = module(tt.new)
			}
			if !strings.Contains(whole, tt.old) {
				t.Fatalf("no %q in the descriptor", tt.old)
			}
			d, err := connect.ParseDescriptor([]byte(strings.Replace(whole, tt.old, tt.new, 1)))
			var bad *connect.DescriptorError
			if !errors.As(err, &bad) || bad.Field != tt.field || !errors.Is(err, connect.ErrDescriptor) {
				t.Fatalf("ParseDescriptor = %v, want a DescriptorError about %s", err, tt.field)
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("the error repeats a value: %v", err)
			}
			if diff := cmp.Diff(connect.Descriptor{}, d); diff != "" {
				t.Errorf("beside the error something came back:\n%s", diff)
			}
		})
	}
}

func TestParseDescriptorIsNoObject(t *testing.T) {
	t.Parallel()
	for _, data := range []string{"", "null", "[]", "{", `{"key":"a"}{}`, "\xff", strings.Repeat(" ", 1<<20) + "{}"} {
		if _, err := connect.ParseDescriptor([]byte(data)); !errors.Is(err, connect.ErrDescriptor) {
			t.Errorf("%.20q: %v, want ErrDescriptor", data, err)
		}
	}
	many := strings.Repeat(`{},`, 1000) + `{}`
	_, err := connect.ParseDescriptor([]byte(`{"modules":{"webhooks":[` + many + `]}}`))
	if err == nil || !strings.Contains(err.Error(), "more than 1000 entries") {
		t.Errorf("1,001 modules: %v", err)
	}
	_, err = connect.ParseDescriptor([]byte(`{"modules":{"webhooks":[` + many[:len(many)-3] + `]}}`))
	if err == nil || strings.Count(err.Error(), "\n") != 20 || !strings.Contains(err.Error(), "problems more") {
		t.Errorf("not 20 problems and the number of others: %v", err)
	}
}

// Rule: every list of a descriptor has a bound.
func TestParseDescriptorBounds(t *testing.T) {
	t.Parallel()
	list := func(layout string, n int) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = strings.ReplaceAll(layout, "#", fmt.Sprint(i))
		}
		return strings.Join(parts, ",")
	}
	for _, tt := range []struct {
		field, old, layout string
		most               int
	}{
		{"scopes", `"read", "ACT_AS_USER"`, `"READ"`, 100},
		{"modules.webhooks[4].params", `"someOtherProperty": "someValue", "n": 1.50, "big": 12345678901234567890, "t": true, "f": false, "z": null, "e": ""`, `"p#":#`, 100},
		{"modules.webhooks[4].propertyKeys", `"a", "b"`, `"k#"`, 100},
	} {
		for _, n := range []int{tt.most, tt.most + 1, 50_000} {
			if !strings.Contains(whole, tt.old) {
				t.Fatalf("no %q in the descriptor", tt.old)
			}
			_, err := connect.ParseDescriptor([]byte(strings.Replace(whole, tt.old, list(tt.layout, n), 1)))
			var bad *connect.DescriptorError
			if n <= tt.most && err != nil {
				t.Errorf("%d entries of %s: %v", n, tt.field, err)
			} else if n > tt.most && (!errors.As(err, &bad) || bad.Field != tt.field || len(err.Error()) > 2000) {
				t.Errorf("%d entries of %s: %.300v, want a DescriptorError about it", n, tt.field, err)
			}
		}
	}
}

// Rule: for any number of slashes at the end of a base URL, one stands between it and the rest, and
// requests to it are signed.
func TestBaseURLSlashes(t *testing.T) {
	t.Parallel()
	for _, slashes := range []string{"", "/", "//", "///"} {
		for _, rel := range []string{"/issue-created", "issue-created"} {
			text := strings.Replace(whole, "https://hooks.example.com/addon/", "https://hooks.example.com/addon"+slashes, 1)
			d, err := connect.ParseDescriptor([]byte(strings.Replace(text, `"/issue-created"`, `"`+rel+`"`, 1)))
			if err != nil || d.BaseURL != "https://hooks.example.com/addon" {
				t.Fatalf("%q: base URL %s, %v", slashes, d.BaseURL, err)
			}
			d.BaseURL += slashes // as a host may have stored it
			ws, err := d.Install(connect.Installation{Scope: scope, ClientKey: clientKey, SharedSecret: shared})
			if err != nil || ws[0].URL != "https://hooks.example.com/addon/issue-created" {
				t.Fatalf("%q: URL %s, %v", slashes, ws[0].URL, err)
			}
			target, err := connect.Profile().Prepare.Target(ws[0], webhook.Delivery{})
			if err != nil || !strings.HasPrefix(target, ws[0].URL+"?") {
				t.Errorf("%q: Target = %s, %v", slashes, target, err)
			}
		}
	}
}

// Rule: webhooks need the scope READ, or a stronger one that implies it.
func TestParseDescriptorScopes(t *testing.T) {
	t.Parallel()
	parse := func(scopes string) error {
		_, err := connect.ParseDescriptor([]byte(strings.Replace(whole, `["read", "ACT_AS_USER"]`, scopes, 1)))
		return err
	}
	for _, ok := range []string{`["READ"]`, `["Write"]`, `["delete"]`, `["PROJECT_ADMIN"]`, `["SPACE_ADMIN"]`, `["ADMIN"]`, `["ACT_AS_USER","WRITE"]`} {
		if err := parse(ok); err != nil {
			t.Errorf("%s: %v", ok, err)
		}
	}
	for _, scopes := range []string{`[]`, `["ACT_AS_USER"]`, `["NONE"]`, `["READ "]`} {
		err := parse(scopes)
		var missing *connect.ScopeError
		if !errors.As(err, &missing) || !errors.Is(err, connect.ErrDescriptor) {
			t.Errorf("%s: %v, want a ScopeError", scopes, err)
			continue
		}
		if diff := cmp.Diff(connect.ScopeError{AddOn: "com.example.addon", Event: "jira:issue_created", Scope: "READ"}, *missing); diff != "" {
			t.Errorf("%s (-want +got):\n%s", scopes, diff)
		}
		for _, part := range []string{"com.example.addon", "jira:issue_created", "connect_addon_enabled", "READ"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v does not name %s", scopes, err, part)
			}
		}
	}
	if _, err := connect.ParseDescriptor([]byte(`{"key":"a","baseUrl":"https://a.example.com","authentication":{"type":"none"}}`)); err != nil {
		t.Errorf("without webhooks no scope is needed: %v", err)
	}
}

func TestGrants(t *testing.T) {
	t.Parallel()
	order := []string{"READ", "WRITE", "DELETE", "PROJECT_ADMIN", "SPACE_ADMIN", "ADMIN"}
	for i, has := range order {
		for j, wanted := range order {
			want := i >= j && !(has == "SPACE_ADMIN" && wanted == "PROJECT_ADMIN")
			if got := connect.Grants([]string{has}, wanted); got != want {
				t.Errorf("%s grants %s: %t, want %t", has, wanted, got, want)
			}
		}
	}
	for _, tt := range []struct {
		scopes []string
		wanted string
		want   bool
	}{
		{nil, "READ", false},
		{[]string{"x", "admin"}, "read", true},
		{[]string{"ADMIN"}, "ACT_AS_USER", false},
		{[]string{"ACT_AS_USER"}, "READ", false},
		{[]string{"ACT_AS_USER"}, "act_as_user", true},
	} {
		if got := connect.Grants(tt.scopes, tt.wanted); got != tt.want {
			t.Errorf("%q grants %s: %t, want %t", tt.scopes, tt.wanted, got, tt.want)
		}
	}
}

func TestInstall(t *testing.T) {
	t.Parallel()
	d, err := connect.ParseDescriptor([]byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	ws, err := d.Install(connect.Installation{Scope: scope, ClientKey: clientKey, SharedSecret: shared})
	if err != nil {
		t.Fatal(err)
	}
	var urls []string
	for _, w := range ws {
		urls = append(urls, w.Events[0]+" "+w.URL)
	}
	want := []string{
		"jira:issue_created https://hooks.example.com/addon/issue-created",
		"connect_addon_enabled https://hooks.example.com/addon/lifecycle/enabled",
		"connect_addon_disabled https://hooks.example.com/addon/lifecycle/disabled?x={x}",
		"jira:version_released https://hooks.example.com/addon/?version=${version.id}",
		"jira:issue_created https://hooks.example.com/addon/again",
	}
	if diff := cmp.Diff(want, urls); diff != "" {
		t.Errorf("joined with the base URL (-want +got):\n%s", diff)
	}
	last := ws[len(ws)-1]
	if diff := cmp.Diff(d.Webhooks[len(d.Webhooks)-1].Params, connect.Params(last)); diff != "" {
		t.Errorf("params (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a", "b"}, connect.PropertyKeys(last)); diff != "" || !last.ExcludeBody || last.Filter != "project = EXA" {
		t.Errorf("excludeBody %t, filter %q, property keys (-want +got):\n%s", last.ExcludeBody, last.Filter, diff)
	}
	if connect.Params(ws[0]) != nil || connect.PropertyKeys(ws[0]) != nil {
		t.Error("params or property keys from nowhere")
	}
	if !last.Active || last.Scope != scope || !last.Secrets[0].Equal(shared) || last.Attributes[connect.AttrClientKey] != clientKey || last.Attributes[connect.AttrAddOn] != addOn {
		t.Errorf("webhook %v", last)
	}

	d.Authentication = connect.AuthNone
	ws, err = d.Install(connect.Installation{Scope: scope, SharedSecret: shared})
	if err != nil || len(ws[0].Secrets) != 0 || ws[0].Attributes[connect.AttrAuth] != connect.AuthNone {
		t.Errorf("without authentication: %v, %v; want no secret", ws, err)
	}
}

func TestInstallRefuses(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*connect.Descriptor, *connect.Installation){
		"key":                 func(d *connect.Descriptor, _ *connect.Installation) { d.Key = "" },
		"baseUrl":             func(d *connect.Descriptor, _ *connect.Installation) { d.BaseURL = "http://a.example.com" },
		"authentication.type": func(_ *connect.Descriptor, in *connect.Installation) { in.SharedSecret = webhook.Secret{} },
		"modules.webhooks":    func(d *connect.Descriptor, _ *connect.Installation) { d.Webhooks[1].URL = "https://evil.example.com/" },
	} {
		d, in := descriptor(t, lifecycleModules), connect.Installation{Scope: scope, SharedSecret: shared}
		edit(&d, &in)
		ws, err := d.Install(in)
		var bad *connect.DescriptorError
		if !errors.As(err, &bad) || bad.Field != name || ws != nil {
			t.Errorf("Install = %v, %v; want a DescriptorError about %s", ws, err, name)
		}
	}
}
