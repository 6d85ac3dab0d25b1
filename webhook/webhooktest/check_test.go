package webhooktest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook/sign"
	"github.com/postrider/postrider/webhook/webhooktest"
)

type answer struct {
	Status int
	Body   string
}

// newPost returns a request as a sender makes it.
func newPost(t *testing.T, e *webhooktest.Endpoint, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, e.URL(), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if err := sign.Token(sign.TokenHeader, e.Secret()).Sign(r, sign.Message{}); err != nil {
		t.Fatal(err)
	}
	return r
}

func send(t *testing.T, e *webhooktest.Endpoint, r *http.Request) answer {
	t.Helper()
	resp, err := e.Transport().RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, string(body)}
}

func TestChecksOfAutomation(t *testing.T) {
	t.Parallel()
	const base = "https://api-private.atlassian.com/automation/webhooks/"
	const token = "t0ken-A_b~1."
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	drop := func(name string) func(*http.Request) { return func(r *http.Request) { r.Header.Del(name) } }
	at := func(t *testing.T, raw string, edits ...func(*http.Request)) func(*http.Request) {
		return func(r *http.Request) {
			u, err := r.URL.Parse(raw)
			if err != nil {
				t.Fatal(err)
			}
			r.URL = u
			for _, edit := range edits {
				edit(r)
			}
		}
	}
	tests := []struct {
		name, body string
		items      bool
		edit       func(*http.Request)
		want       answer
	}{
		{"a good request", `{"trigger":"taskSuccess"}`, false, nil, answer{200, ""}},
		{"the empty payload of a Test", `{}`, false, nil, answer{200, ""}},
		{"charset in Content-Type", `{}`, false, header("Content-Type", "application/json; charset=utf-8"), answer{200, ""}},
		{"other product and identifiers", `{}`, false, at(t, base+"confluence/a/cloud_1/rule-2"), answer{200, ""}},
		{"one trailing slash", `{}`, false, at(t, base+"jira/a/x/y/"), answer{200, ""}},
		{"a query", `{}`, false, at(t, base+"jira/a/x/y?z=1"), answer{200, ""}},
		{"secret in the path, no header", `{}`, false, at(t, base+"jira/a/x/y/"+token, drop(sign.TokenHeader)), answer{200, ""}},
		{"secret in the path, escaped", `{}`, false, at(t, base+"jira/a/x/y/%740ken-A_b~1.", drop(sign.TokenHeader)), answer{200, ""}},
		{"wrong secret in the path", `{}`, false, at(t, base+"jira/a/x/y/guess", drop(sign.TokenHeader)), answer{401, "Wrong token"}},
		{"wrong secret in the path, right header", `{}`, false, at(t, base+"jira/a/x/y/guess"), answer{401, "Wrong token"}},
		{"no token", `{}`, false, drop(sign.TokenHeader), answer{400, "Missing token"}},
		{"token in the query does not count", `{}`, false, at(t, base+"jira/a/x/y?token="+token, drop(sign.TokenHeader)), answer{400, "Missing token"}},
		{"wrong token", `{}`, false, header(sign.TokenHeader, "guess"), answer{401, "Wrong token"}},
		{"GET", ``, false, func(r *http.Request) { r.Method = http.MethodGet }, answer{405, "Use POST"}},
		{"PUT", `{}`, false, func(r *http.Request) { r.Method = http.MethodPut }, answer{405, "Use POST"}},
		{"no rule in the path", `{}`, false, at(t, base+"jira/a/x"), answer{404, "No such webhook"}},
		{"too many segments", `{}`, false, at(t, base+"jira/a/x/y/"+token+"/z"), answer{404, "No such webhook"}},
		{"empty segment", `{}`, false, at(t, base+"jira/a//x/y"), answer{404, "No such webhook"}},
		{"other prefix", `{}`, false, at(t, "https://api-private.atlassian.com/automation/webhook/jira/a/x/y"), answer{404, "No such webhook"}},
		{"other Host header", `{}`, false, func(r *http.Request) { r.Host = "example.com" }, answer{421, "Not a host of this endpoint"}},
		{"Host header with the port", `{}`, false, func(r *http.Request) { r.Host = "API-private.atlassian.com:443" }, answer{200, ""}},
		{"form", `{}`, false, header("Content-Type", "application/x-www-form-urlencoded"), answer{415, "Content-Type must be application/json"}},
		{"no Content-Type", `{}`, false, drop("Content-Type"), answer{415, "Content-Type must be application/json"}},
		{"no body", ``, false, nil, answer{400, "The body must be a JSON object"}},
		{"null", `null`, false, nil, answer{400, "The body must be a JSON object"}},
		{"array", `[]`, false, nil, answer{400, "The body must be a JSON object"}},
		{"two objects", `{}{}`, false, nil, answer{400, "The body must be a JSON object"}},
		{"rule wants work items, none named", `{"trigger":"taskSuccess"}`, true, nil, answer{400, "The body names no work items"}},
		{"rule wants work items, some named", `{"issues":["KEY-1"]}`, true, nil, answer{200, ""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := webhooktest.New(t, &webhooktest.Options{Secret: sign.NewSecret(token), NeedsWorkItems: tt.items})
			r := newPost(t, e, tt.body)
			if tt.edit != nil {
				tt.edit(r)
			}
			if diff := cmp.Diff(tt.want, send(t, e, r)); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if got := e.Requests()[0]; got.Problem != tt.want.Body || got.Answer.Status != tt.want.Status {
				t.Errorf("recorded problem %q and status %d, want what was answered", got.Problem, got.Answer.Status)
			}
		})
	}
}

func TestGenericAcceptsAnything(t *testing.T) {
	t.Parallel()
	e := webhooktest.New(t, &webhooktest.Options{Generic: true, Hosts: []string{"Tenant.Example.net"}, HTTP1: true})
	if e.URL() != "https://Tenant.Example.net/hook" {
		t.Errorf("URL = %s, want the first of Hosts", e.URL())
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, "https://tenant.example.net/a/b?c=d", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := send(t, e, r); got.Status != 200 {
		t.Errorf("status %d, want 200", got.Status)
	}
	got := e.Requests()[0]
	if got.Time.IsZero() {
		t.Error("no time was recorded")
	}
	got.Time, got.Header, got.Body = time.Time{}, nil, nil
	want := webhooktest.Request{N: 1, Proto: "HTTP/1.1", Method: "DELETE", Host: "tenant.example.net", Path: "/a/b", Query: "c=d", Answer: webhooktest.Response{Status: 200}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	for _, o := range []webhooktest.Options{{Generic: true}, {Generic: true, Hosts: []string{"127.0.0.1"}}, {Generic: true, Hosts: []string{"::1"}}} {
		e := webhooktest.New(t, &o)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, e.URL(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := send(t, e, r); got.Status != 200 {
			t.Errorf("%s: status %d, want 200", e.URL(), got.Status)
		}
	}
}

func TestRequestsAreRecordedExactly(t *testing.T) {
	t.Parallel()
	e := webhooktest.New(t, &webhooktest.Options{SecretInPath: true})
	const body = "{\"name\":\"a \\u0026 b\",\n \"x\": 1.0}"
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, e.URL()+"?q=1", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header["X-Two"] = []string{"a", "b"}
	if got := send(t, e, r); got.Status != 200 {
		t.Fatalf("status %d, want 200", got.Status)
	}
	all, err := e.Wait(t.Context(), 1)
	if err != nil || len(all) != 1 {
		t.Fatalf("Wait = %d requests, %v", len(all), err)
	}
	got := all[0]
	if string(got.Body) != body || got.Query != "q=1" || got.Host != webhooktest.AutomationHost || got.Proto != "HTTP/2.0" {
		t.Errorf("recorded %+v", got)
	}
	if want := "/automation/webhooks/{product}/a/{id}/{id}/{secret}"; got.Shape != want || !strings.HasSuffix(got.Path, "/"+e.Secret().Reveal()) {
		t.Errorf("shape %q, path %q", got.Shape, got.Path)
	}
	if diff := cmp.Diff([]string{"a", "b"}, got.Header["X-Two"]); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	got.Body[0], got.Header["X-Two"][0] = '!', "!"
	if again := e.Requests()[0]; string(again.Body) != body || again.Header["X-Two"][0] != "a" {
		t.Error("Requests must return copies")
	}
}

func TestStartRefusesOptions(t *testing.T) {
	t.Parallel()
	for field, o := range map[string]webhooktest.Options{
		"Options.Hosts":        {Hosts: []string{"example.com:443"}},
		"Options.Hosts: \"\"":  {Hosts: []string{""}},
		"Options.SecretInPath": {SecretInPath: true, Secret: sign.NewSecret("a/b")},
	} {
		e, err := webhooktest.Start(&o)
		if err == nil {
			e.Close()
		}
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("Start = %v, want an error that names %s", err, field)
		}
	}
}

func TestWaitEndsWithItsContextAndWithTheEndpoint(t *testing.T) {
	t.Parallel()
	e := webhooktest.New(t, nil)
	send(t, e, newPost(t, e, "{}"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if all, err := e.Wait(ctx, 2); !errors.Is(err, context.Canceled) || len(all) != 1 {
		t.Errorf("Wait = %d requests, %v; want the one that came, and context.Canceled", len(all), err)
	}
	e.Close()
	e.Close()
	if all, err := e.Wait(t.Context(), 2); !errors.Is(err, webhooktest.ErrClosed) || len(all) != 1 {
		t.Errorf("Wait = %d requests, %v; want the one that came, and ErrClosed", len(all), err)
	}
	if _, err := e.DialContext(t.Context(), "tcp", webhooktest.AutomationHost+":443"); !errors.Is(err, webhooktest.ErrClosed) {
		t.Errorf("DialContext = %v, want ErrClosed", err)
	}
}
