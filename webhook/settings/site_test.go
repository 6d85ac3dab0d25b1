package settings_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
	"github.com/postrider/postrider/webhook/settings"
)

// Canaries: the parts of a URL behind the host, and secrets. No answer may hold one.
const (
	canaryPath   = "11111111-2222-3333-4444-555555555555/canary-in-the-url"
	canarySecret = "canary0123456789abcdef0123456789abcdef01"
	goodURL      = "https://api-private.atlassian.com/automation/webhooks/jira/a/" + canaryPath
	processID    = "007b5c6c-0078-4cf2-a9d9-3f8c02f74205"
	prefix       = "/admin/webhooks"
)

// site is a host that mounts the page, and a browser without JavaScript that keeps cookies and
// follows redirects.
type site struct {
	t      *testing.T
	hooks  *webhook.Dispatcher
	store  *memstore.Store
	m      *webhook.Manager
	server *httptest.Server
	client *http.Client
	status atomic.Int32  // of the receiver's answers
	after  atomic.Value  // its Retry-After, a string
	block  chan struct{} // receives before each answer, when not nil
	sent   atomic.Int32

	mu  sync.Mutex
	ids []string // Webhook-Id of each request
}

// state is a text that any change of a tenant's webhooks, and of one of its deliveries, changes.
func (s *site) state(tenant, delivery string) string {
	s.t.Helper()
	d, as, err := s.m.Delivery(s.t.Context(), tenant, delivery)
	check(s.t, err)
	return fmt.Sprintf("%v\n%+v\n%+v\n%d sent", s.list(tenant), d, as, s.sent.Load())
}

// newSite mounts a page for the tenant that the header X-Tenant names, "acme" without one.
func newSite(t *testing.T, change func(*settings.Options)) *site {
	t.Helper()
	return newSiteOf(t, webhook.Automation(), change)
}

func newSiteOf(t *testing.T, p webhook.Profile, change func(*settings.Options)) *site {
	t.Helper()
	s := &site{t: t}
	s.status.Store(200)
	var err error
	s.store, err = memstore.New(nil)
	check(t, err)
	receiver := func(r *http.Request) (*http.Response, error) {
		s.sent.Add(1)
		s.mu.Lock()
		s.ids = append(s.ids, r.Header.Get("Webhook-Id"))
		s.mu.Unlock()
		if s.block != nil {
			<-s.block
		}
		header := http.Header{"Server": {"front <b>7</b>"}}
		if after, ok := s.after.Load().(string); ok {
			header.Set("Retry-After", after)
		}
		return &http.Response{StatusCode: int(s.status.Load()), Header: header, Body: io.NopCloser(strings.NewReader("answer of the rule")), Request: r}, nil
	}
	s.hooks, err = webhook.New(s.store, p, &webhook.Options{Transport: roundTripper(receiver)})
	check(t, err)
	s.m, err = s.hooks.Manager()
	check(t, err)
	o := &settings.Options{Scope: func(r *http.Request) (string, error) {
		switch tenant := r.Header.Get("X-Tenant"); tenant {
		case "":
			return "acme", nil
		case "nobody":
			return "", fmt.Errorf("not signed in")
		default:
			return tenant, nil
		}
	}}
	if change != nil {
		change(o)
	}
	page, err := settings.New(s.hooks, o)
	check(t, err)
	mux := http.NewServeMux()
	mux.Handle(prefix+"/", http.StripPrefix(prefix, page))
	s.server = httptest.NewServer(mux)
	t.Cleanup(s.server.Close)
	jar, err := cookiejar.New(nil)
	check(t, err)
	s.client = s.server.Client()
	s.client.Jar = jar
	return s
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// answer is the last answer to a browser after its redirects.
type answer struct {
	status int
	path   string // below the prefix
	body   string
	header http.Header
}

func (s *site) do(method, path string, form url.Values, header ...string) answer {
	s.t.Helper()
	r, err := http.NewRequest(method, s.server.URL+prefix+path, strings.NewReader(form.Encode()))
	check(s.t, err)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := s.client.Do(r)
	check(s.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	check(s.t, err)
	a := answer{resp.StatusCode, strings.TrimPrefix(resp.Request.URL.RequestURI(), prefix), string(body), resp.Header}
	canaries := []string{canarySecret, "canary0123"}
	if form.Get("url") == "" || a.status < 400 { // a typed URL comes back only for correction
		canaries = append(canaries, canaryPath, "canary-in-the-url")
	}
	for _, canary := range canaries {
		if strings.Contains(a.body+fmt.Sprint(a.header), canary) {
			s.t.Errorf("%s %s: the answer holds the canary %q", method, path, canary)
		}
	}
	if a.header.Get("Content-Security-Policy") == "" || a.header.Get("Cache-Control") == "" {
		s.t.Errorf("%s %s: security headers are missing: %v", method, path, a.header)
	}
	return a
}

func (s *site) get(path string, header ...string) answer {
	s.t.Helper()
	return s.do(http.MethodGet, path, nil, header...)
}

func (s *site) post(path string, form url.Values, header ...string) answer {
	s.t.Helper()
	return s.do(http.MethodPost, path, form, header...)
}

// form is a form in order. Pairs replace fields; an empty value leaves a field out.
func form(pairs ...string) url.Values {
	f := url.Values{"name": {"Ops"}, "url": {goodURL}, "secret": {canarySecret}, "trigger": {"taskSuccess", "taskFailure"}, "active": {"on"}}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			f.Del(pairs[i])
		} else {
			f.Set(pairs[i], pairs[i+1])
		}
	}
	return f
}

// add stores a webhook past the page.
func (s *site) add(scope, name string) webhook.Webhook {
	s.t.Helper()
	w, err := s.m.Add(context.Background(), webhook.Webhook{Scope: scope, Name: name, URL: goodURL, Notes: "ask Kim",
		Secrets: []webhook.Secret{webhook.NewSecret(canarySecret)}, Events: []string{"taskSuccess"}, Active: true})
	check(s.t, err)
	return w
}

// dispatch queues an event and returns the ID of its delivery; nothing is sent before run.
func (s *site) dispatch(scope, process string) string {
	s.t.Helper()
	e, err := payload.New(scope, payload.TaskSuccess{ProcessID: process, Name: "Deactivate <b>inactive</b> users",
		ActionTypes: []string{"removeAppAccess"}, DeepLink: "https://your-site.atlassian.net/x"}, payload.WithID(process))
	check(s.t, err)
	receipt, err := s.hooks.Dispatch(context.Background(), e)
	check(s.t, err)
	return receipt.Events[0].Deliveries[0]
}

// run sends until the receiver has had n requests and their outcomes are stored.
func (s *site) run(n int32, done func() bool) {
	s.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.hooks.Run(ctx) }()
	for s.sent.Load() < n || !done() {
		time.Sleep(time.Millisecond)
	}
	stop()
	check(s.t, <-ended)
}

func (s *site) list(scope string) []webhook.Webhook {
	s.t.Helper()
	ws, err := s.m.List(context.Background(), scope)
	check(s.t, err)
	return ws
}

var spaces = regexp.MustCompile(`\s+`)

// text is roughly the visible text of a page.
func (a answer) text() string {
	return strings.TrimSpace(spaces.ReplaceAllString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(a.body, " "), " "))
}

func (a answer) wants(t *testing.T, status int, texts ...string) {
	t.Helper()
	if a.status != status {
		t.Errorf("%s: status %d, want %d\n%s", a.path, a.status, status, a.text())
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) && !strings.Contains(a.text(), text) {
			t.Errorf("%s: %q is missing in:\n%s", a.path, text, a.text())
		}
	}
}
