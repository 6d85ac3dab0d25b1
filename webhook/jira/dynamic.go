package jira

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/postrider/postrider/allowlist"
	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/webhook/jira/jql"
)

// Errors of the host's authentication that refuse a request.
var (
	// ErrUnauthenticated: no credentials, or wrong ones. Answered with 401.
	ErrUnauthenticated = errors.New("jira: request is not authenticated")
	// ErrNotApp: the caller is a user, not an app. Answered with 403.
	ErrNotApp = errors.New("jira: only apps may register webhooks")
)

// App is the caller of the registration API.
type App struct {
	Owner
	// BaseURL is the app's own: callback URLs must begin with it, up to the end of a path segment.
	// Empty allows any URL.
	BaseURL string
	// OAuth marks an app that is no Connect app. It has no access to the failed list.
	OAuth bool
}

// DynamicOptions configures [NewDynamic]. Nil, or a zero field, means the default.
type DynamicOptions struct {
	// Max is the number of live registrations that an app may have on a tenant; default
	// [MaxRegistrations].
	Max int
	// Life is the lifetime of a registration; default [RegistrationLife].
	Life time.Duration
	// Events are the events that can be registered; default [Events2019]. See also [CurrentEvents].
	Events []string
	// Grammar reads the JQL filters; default jql.Dynamic().
	Grammar *jql.Grammar
	// Allow judges callback URLs; default that of [Profile].
	Allow *allowlist.Policy
	// Failures is the list behind GET /failed. Nil means that there is no such resource. See
	// [RecordFailures].
	Failures Failures
	// BaseURL is the start of links in answers; default https and the host that the request names.
	BaseURL string
	// Changed is called after an owner's registrations have changed, before the request is
	// answered. The context of its request has a minute and does not end when the caller leaves,
	// because what was stored must reach the webhook of the app.
	Changed func(*http.Request, Owner)
}

// Events2019 returns the six events that Jira Cloud's documentation of 2019
// allows: those of issues and comments.
func Events2019() []string {
	return jiraevent.Events(jiraevent.FamilyIssue, jiraevent.FamilyComment)
}

// CurrentEvents returns the events that Jira Cloud allows today: those of
// [Events2019], of issue properties, sprints and versions. jira:version_merged is
// among them as an alias.
func CurrentEvents() []string {
	return jiraevent.Events(jiraevent.FamilyIssue, jiraevent.FamilyComment, jiraevent.FamilyIssueProperty,
		jiraevent.FamilySprint, jiraevent.FamilyVersion)
}

// NewDynamic returns the REST API for apps to register webhooks, at /rest/api/2/webhook and
// /rest/api/3/webhook: POST registers, GET lists, DELETE deletes, PUT there or at /refresh
// refreshes, GET at /failed lists failed callbacks. Requests and answers have the shapes of Jira
// Cloud: version 2 answers a registration with an array, as the documentation of 2019 shows,
// version 3 with the object of today.
//
// auth returns the app that calls; it is required. Its error is answered with 401 for
// [ErrUnauthenticated], 403 for [ErrNotApp] and 500 for any other.
func NewDynamic(rs Registrations, auth func(*http.Request) (App, error), opts *DynamicOptions) (http.Handler, error) {
	switch {
	case rs == nil:
		return nil, errors.New("jira: NewDynamic needs Registrations, such as *Memory")
	case auth == nil:
		return nil, errors.New("jira: NewDynamic needs a func that authenticates requests")
	}
	var o DynamicOptions
	if opts != nil {
		o = *opts
	}
	if o.Max < 0 || o.Life < 0 {
		return nil, errors.New("jira: DynamicOptions.Max and Life must not be negative")
	}
	d := &dynamic{
		store: rs, failures: o.Failures, baseURL: o.BaseURL, auth: auth, changed: o.Changed, max: cmp.Or(o.Max, MaxRegistrations), life: cmp.Or(o.Life, RegistrationLife),
		events: slices.Clone(o.Events), grammar: jql.Dynamic(), allow: allowlist.Policy{Ports: slices.Clone(atlassianPorts)},
	}
	if len(d.events) == 0 {
		d.events = Events2019()
	}
	for _, name := range d.events {
		if _, err := jiraevent.Lookup(name); err != nil {
			return nil, errors.New("jira: DynamicOptions.Events holds a name that jiraevent.Events does not list")
		}
	}
	if o.Grammar != nil {
		d.grammar = *o.Grammar
	}
	if o.Allow != nil {
		d.allow = *o.Allow
	}
	if err := d.allow.Validate(); err != nil {
		return nil, err
	}
	return d.routes(), nil
}

// dynamic serves the registration API.
type dynamic struct {
	store    Registrations
	failures Failures // may be nil
	baseURL  string
	auth     func(*http.Request) (App, error)
	changed  func(*http.Request, Owner)
	max      int
	life     time.Duration
	events   []string
	grammar  jql.Grammar
	allow    allowlist.Policy
}

// changeTimeout bounds DynamicOptions.Changed.
const changeTimeout = time.Minute

// dialect is the version of the REST API, which decides the shapes.
type dialect int

func (d *dynamic) routes() http.Handler {
	mux := http.NewServeMux()
	for _, v := range [...]dialect{2, 3} {
		path := path(v)
		mux.Handle("POST "+path, d.handle(v, d.register))
		mux.Handle("GET "+path, d.handle(v, d.list))
		mux.Handle("DELETE "+path, d.handle(v, d.delete))
		mux.Handle("PUT "+path, d.handle(v, d.refresh))
		mux.Handle("PUT "+path+"/refresh", d.handle(v, d.refresh))
		if d.failures != nil {
			mux.Handle("GET "+path+"/failed", d.handle(v, d.failed))
		}
	}
	return mux
}

// handle authenticates a request and writes the answer of serve.
func (d *dynamic) handle(v dialect, serve func(v dialect, app App, r *http.Request) (status int, answer any, err error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		app, err := d.auth(r)
		if err == nil && (app.Tenant == "" || app.App == "") {
			err = errors.New("jira: authentication named no tenant or app")
		}
		if err != nil {
			writeError(w, err)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
		status, answer, err := serve(v, app, r)
		if err != nil {
			writeError(w, err)
			return
		}
		writeJSON(w, status, answer)
	})
}

// change tells the host that the registrations of an owner have changed.
func (d *dynamic) change(r *http.Request, o Owner) {
	if d.changed == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), changeTimeout)
	defer cancel()
	d.changed(r.WithContext(ctx), o)
}
