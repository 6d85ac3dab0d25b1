package settings

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/webpage"
)

// Handler is the settings page. It is safe for concurrent use. It keeps only the forms of the last
// minutes, to carry out each once. Any number of hosts can serve the same people; see
// Options.CookieKey.
type Handler struct {
	d      *webhook.Dispatcher
	m      *webhook.Manager
	marks  webhook.Marks // nil where the Store has none
	o      Options
	texts  Texts  // of the Profile
	most   int    // greatest number of webhooks of a scope; 0 for no limit
	secret bool   // the Profile requires a secret
	makes  bool   // the Manager makes secrets
	certs  bool   // certificates can be requested and entered
	asks   bool   // before something is lost
	key    []byte // key of the cookies
	origin *http.CrossOriginProtection
	site   *webpage.Site
	mux    *http.ServeMux
	forms  forms
	types  map[string]described // of the Profile's catalogue
}

// New returns the settings page of a Dispatcher. It does no I/O. Errors: Options.Scope is missing,
// another option is invalid, or the Store keeps no webhooks ([webhook.ErrUnsupported]).
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
	h := &Handler{d: d, m: m, o: opts, texts: textsOf(&profile), most: profile.Form.MaxPerScope, secret: profile.Form.RequireSecret, makes: profile.Form.NewSecret != nil,
		key: cookieKey(&opts), origin: http.NewCrossOriginProtection(), mux: http.NewServeMux(), types: readCatalogue(profile.Form.Catalogue)}
	h.texts.describe(h.types)
	h.certs = opts.ClientCertificates && m.KeepsKeys()
	h.asks = opts.ConfirmDelete || profile.Name != webhook.Automation().Name
	h.marks, _ = m.Marks()
	for _, origin := range opts.TrustedOrigins {
		if err := h.origin.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("settings: Options.TrustedOrigins: %w", err)
		}
	}
	if h.site, err = webpage.Load(files, "settings", opts.CSS); err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	for _, rt := range routes {
		h.mux.HandleFunc(rt.path, func(w http.ResponseWriter, r *http.Request) { h.visit(w, r).answer(rt) })
	}
	return h, nil
}

// route is a path, as a pattern of [http.ServeMux], with its handlers.
type route struct {
	path      string
	get, post func(*visit) error
}

var routes = []route{
	{"/", nil, nil}, // any other path
	{"/{$}", (*visit).list, nil},
	{"/add", (*visit).addForm, (*visit).add},
	{"/deliveries", (*visit).log, nil},
	{"/deliveries/{delivery}", (*visit).delivery, nil}, // the short link of the list
	{"/webhooks/{id}", (*visit).webhook, nil},
	{"/webhooks/{id}/edit", (*visit).editForm, (*visit).edit},
	{"/webhooks/{id}/secrets", nil, (*visit).rotate},
	{"/webhooks/{id}/secrets/confirm", (*visit).confirmReplace, nil},
	{"/webhooks/{id}/secrets/{secret}/revoke", nil, (*visit).revoke},
	{"/webhooks/{id}/secrets/{secret}/revoke/confirm", (*visit).confirmRevoke, nil},
	{"/webhooks/{id}/certificate", (*visit).certificateForm, (*visit).setCertificate},
	{"/webhooks/{id}/certificate/request", (*visit).downloadRequest, (*visit).requestCertificate},
	{"/webhooks/{id}/active", nil, (*visit).setActive},
	{"/webhooks/{id}/test", nil, (*visit).test},
	{"/webhooks/{id}/try", nil, (*visit).tryNow},
	{"/webhooks/{id}/delete", (*visit).confirmDelete, (*visit).delete},
	{"/webhooks/{id}/resend", (*visit).resendForm, (*visit).resend},
	{"/webhooks/{id}/deliveries/{delivery}", (*visit).delivery, nil},
	{"/webhooks/{id}/deliveries/{delivery}/redeliver", nil, (*visit).redeliver},
	{"/webhooks/{id}/deliveries/{delivery}/cancel", nil, (*visit).cancel},
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	webpage.SetHeaders(w.Header(), "same-origin", h.o.FrameAncestors...) // the path holds identifiers
	if webpage.ToRoot(w, r) || h.site.ServeAsset(w, r) {
		return
	}
	if !webpage.Clean(r.URL.Path) {
		h.visit(w, r).answer(routes[0])
		return
	}
	h.mux.ServeHTTP(w, r)
}
