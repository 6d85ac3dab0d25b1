package settings

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/webpage"
)

// Handler is the settings page. It is safe for concurrent use and keeps no state of its own,
// so any number of hosts can serve the same people; see Options.CookieKey.
type Handler struct {
	d         *webhook.Dispatcher
	m         *webhook.Manager
	o         Options
	most      int    // webhooks of a scope; 0 for no limit
	secret    bool   // is required
	generates bool   // the Manager makes secrets
	key       []byte // of cookies
	origin    *http.CrossOriginProtection
	site      *webpage.Site
}

// New returns the settings page of a Dispatcher. It does no I/O. Errors: Options.Scope is
// missing, another option cannot be, or the Store keeps no webhooks ([webhook.ErrUnsupported]).
func New(d *webhook.Dispatcher, o *Options) (*Handler, error) {
	if d == nil {
		return nil, errors.New("settings: New needs a Dispatcher")
	}
	profile := d.Profile()
	opts, err := o.withDefaults(profile)
	if err != nil {
		return nil, err
	}
	m, err := d.Manager()
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	h := &Handler{d: d, m: m, o: opts, most: profile.MaxPerScope, secret: profile.RequireSecret, generates: profile.NewSecret != nil, key: cookieKey(&opts), origin: http.NewCrossOriginProtection()}
	for _, origin := range opts.TrustedOrigins {
		if err := h.origin.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("settings: Options.TrustedOrigins: %w", err)
		}
	}
	if h.site, err = webpage.Load(files, "settings"); err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	return h, nil
}

// route is a path and what can be done there. "*" stands for one segment.
type route struct {
	path      string
	get, post func(*visit) error
}

var routes = []route{
	{"", (*visit).list, nil},
	{"add", (*visit).addForm, (*visit).add},
	{"webhooks/*", (*visit).webhook, nil},
	{"webhooks/*/edit", (*visit).editForm, (*visit).edit},
	{"webhooks/*/secrets", nil, (*visit).rotate},
	{"webhooks/*/secrets/*/revoke", nil, (*visit).revoke},
	{"webhooks/*/active", nil, (*visit).setActive},
	{"webhooks/*/test", nil, (*visit).test},
	{"webhooks/*/delete", (*visit).confirmDelete, (*visit).delete},
	{"webhooks/*/deliveries/*", (*visit).delivery, nil},
	{"webhooks/*/deliveries/*/redeliver", nil, (*visit).redeliver},
	{"webhooks/*/deliveries/*/cancel", nil, (*visit).cancel},
}

// visit is one request.
type visit struct {
	*Handler
	w        http.ResponseWriter
	r        *http.Request
	scope    string
	readOnly bool
	args     []string // what "*" stood for
	root     string   // relative link to the list
}

const maxForm = 128 << 10 // notes of 4,000 runes are up to 48,000 bytes when they are encoded

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	webpage.SetHeaders(w.Header(), "same-origin") // identifiers are in the path
	if webpage.ToRoot(w, r) || h.site.ServeAsset(w, r) {
		return
	}
	v := &visit{Handler: h, w: w, r: r, root: webpage.Root(r)}
	if err := v.serve(strings.TrimPrefix(r.URL.EscapedPath(), "/")); err != nil {
		v.fail(err)
	}
}

func (v *visit) serve(path string) (err error) {
	if v.scope, err = v.o.Scope(v.r); err != nil || v.scope == "" {
		v.o.Logger.InfoContext(v.r.Context(), "settings: request without a scope was refused", "error", err)
		return problem{status: http.StatusForbidden, text: v.o.Texts.NoAccess}
	}
	v.readOnly = v.o.ReadOnly != nil && v.o.ReadOnly(v.r)
	for _, rt := range routes {
		args, ok := match(rt.path, path)
		if !ok {
			continue
		}
		v.args = args
		switch {
		case (v.r.Method == http.MethodGet || v.r.Method == http.MethodHead) && rt.get != nil:
			return rt.get(v)
		case v.r.Method == http.MethodPost && rt.post != nil:
			if err := v.mayChange(); err != nil {
				return err
			}
			return rt.post(v)
		}
		var allow []string
		if rt.get != nil {
			allow = append(allow, http.MethodGet, http.MethodHead)
		}
		if rt.post != nil {
			allow = append(allow, http.MethodPost)
		}
		v.w.Header().Set("Allow", strings.Join(allow, ", "))
		return problem{status: http.StatusMethodNotAllowed, text: v.o.Texts.BadMethod}
	}
	return problem{status: http.StatusNotFound, text: v.o.Texts.NoPage}
}

func match(pattern, path string) (args []string, ok bool) {
	want, have := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(have) {
		return nil, false
	}
	for i := range want {
		switch {
		case want[i] == "*" && have[i] != "":
			args = append(args, have[i])
		case want[i] != have[i]:
			return nil, false
		}
	}
	return args, true
}

// mayChange judges a POST before anything of it is looked at.
func (v *visit) mayChange() error {
	if err := v.origin.Check(v.r); err != nil {
		return problem{status: http.StatusForbidden, text: v.o.Texts.CrossSite}
	}
	if v.readOnly {
		return problem{status: http.StatusForbidden, text: v.o.Texts.ReadOnlyRefused}
	}
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxForm)
	if err := v.r.ParseForm(); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return problem{status: http.StatusRequestEntityTooLarge, text: v.o.Texts.TooLarge}
		}
		return problem{status: http.StatusBadRequest, text: v.o.Texts.BadForm}
	}
	return nil
}

// see ends a POST: the browser goes to a page below the list, so a reload repeats nothing.
func (v *visit) see(path string) error {
	v.w.Header().Set("Location", v.root+path)
	v.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// render writes a page. Nothing has been written when it fails.
func (v *visit) render(status int, name string, p page) error {
	p.visit(v)
	if err := v.site.Render(v.w, status, name, p); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	return nil
}
