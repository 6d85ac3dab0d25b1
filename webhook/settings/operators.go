package settings

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/webpage"
)

// OperatorOptions configures an [Operators] page. A zero field means the default, apart from
// Allow.
type OperatorOptions struct {
	// Allow decides who sees the page, which shows the scopes of all tenants. It is required. An
	// error is answered with 403; its text goes to Logger only.
	Allow func(*http.Request) error
	// ScopeURL links to the host's own page about a scope; default none.
	ScopeURL func(scope string) string
	// Back is a link out of the page, into the host; default none.
	Back Link
	// Refresh is the interval of the script's polling; default 10 s, at least 500 ms.
	Refresh time.Duration
	// Location is the time zone in which times are shown; default UTC.
	Location *time.Location
	// TrustedOrigins are other origins ("https://admin.example.com") whose forms are
	// accepted; default none.
	TrustedOrigins []string
	// CSS follows the page's own rules in its stylesheet, as for [Options].
	CSS string
	// Logger receives why a request was refused or failed; default none.
	Logger *slog.Logger
}

const operatorRefresh = 10 * time.Second

// Operators is the page for the people who run the service. Over all scopes it shows how much
// waits, in which scopes, which webhooks fail, and the deliveries of an event. It only reads,
// except for a switch that stops sending by this process. It shows no body and nothing of a URL. It
// is a handler of its own: mount it where tenants have no access. It is safe for concurrent use.
type Operators struct {
	ops    *webhook.Operators
	o      OperatorOptions
	texts  Texts
	origin *http.CrossOriginProtection
	site   *webpage.Site
	mux    *http.ServeMux
}

// NewOperators returns the operators' page of a Dispatcher. It does no I/O. Errors:
// OperatorOptions.Allow is missing, another option is invalid, or the Store has no [webhook.Stats]
// ([webhook.ErrUnsupported]).
func NewOperators(d *webhook.Dispatcher, o *OperatorOptions) (*Operators, error) {
	if d == nil {
		return nil, errors.New("settings: NewOperators needs a Dispatcher")
	}
	opts, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	ops, err := d.Operators()
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	h := &Operators{ops: ops, o: opts, texts: English(), origin: http.NewCrossOriginProtection(), mux: http.NewServeMux()}
	for _, origin := range opts.TrustedOrigins {
		if err := h.origin.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("settings: OperatorOptions.TrustedOrigins: %w", err)
		}
	}
	if h.site, err = webpage.Load(files, "settings", opts.CSS); err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	h.mux.HandleFunc("GET /{$}", h.overview)
	h.mux.HandleFunc("POST /pause", h.pause)
	h.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { h.problem(w, r, http.StatusNotFound, h.texts.NoPage) })
	return h, nil
}

// withDefaults returns a checked copy.
func (o *OperatorOptions) withDefaults() (OperatorOptions, error) {
	if o == nil || o.Allow == nil {
		return OperatorOptions{}, errors.New("settings: OperatorOptions.Allow is required: the page shows what all tenants have")
	}
	out := *o
	if out.Refresh == 0 {
		out.Refresh = operatorRefresh
	}
	if out.Location == nil {
		out.Location = time.UTC
	}
	if out.Logger == nil {
		out.Logger = slog.New(slog.DiscardHandler)
	}
	if out.Refresh < minRefresh {
		return OperatorOptions{}, fmt.Errorf("settings: OperatorOptions.Refresh %v must be at least %v", out.Refresh, minRefresh)
	}
	return out, nil
}

// ServeHTTP answers one request.
func (h *Operators) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	webpage.SetHeaders(w.Header(), "no-referrer")
	if err := h.allowed(r); err != nil {
		h.o.Logger.InfoContext(r.Context(), "settings: request to the operators' page was refused", "error", err)
		h.problem(w, r, http.StatusForbidden, "This page is for the people who run the service.")
		return
	}
	if webpage.ToRoot(w, r) || h.site.ServeAsset(w, r) {
		return
	}
	if !webpage.Clean(r.URL.Path) {
		h.problem(w, r, http.StatusNotFound, h.texts.NoPage)
		return
	}
	h.mux.ServeHTTP(w, r)
}

// allowed asks the host; a panic counts as a refusal.
func (h *Operators) allowed(r *http.Request) (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("OperatorOptions.Allow panicked")
		}
	}()
	return h.o.Allow(r)
}

// pause stops or resumes sending by this process.
func (h *Operators) pause(w http.ResponseWriter, r *http.Request) {
	if err := h.origin.Check(r); err != nil {
		h.problem(w, r, http.StatusForbidden, h.texts.CrossSite)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	to := ""
	if err := r.ParseForm(); err == nil {
		to = r.PostForm.Get("to")
	}
	if to != "on" && to != "off" {
		h.problem(w, r, http.StatusBadRequest, h.texts.BadForm)
		return
	}
	h.ops.SetPaused(to == "on")
	w.Header().Set("Location", webpage.Root(r))
	w.WriteHeader(http.StatusSeeOther)
}

func (h *Operators) problem(w http.ResponseWriter, r *http.Request, status int, text string) {
	p := page{Title: h.texts.ProblemTitle, Body: text}
	h.frame(&p, r)
	if err := h.site.Render(w, status, "problem", p); err != nil {
		h.o.Logger.ErrorContext(r.Context(), "settings: problem page failed", "error", err)
		http.Error(w, text, status)
	}
}

// frame fills in the parts of the layout.
func (h *Operators) frame(p *page, r *http.Request) {
	p.T, p.Root, p.Back, p.Name = &h.texts, webpage.Root(r), h.o.Back, operatorsTitle
	p.CSS, p.JS, p.Refresh = h.site.CSS, h.site.JS, h.o.Refresh.Milliseconds()
}

const operatorsTitle = "Webhooks of all tenants"
