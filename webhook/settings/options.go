package settings

import (
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook"
)

// Options configures a [Handler]. A zero field means the default, apart from Scope.
type Options struct {
	// Scope returns the scope of a request's webhooks. It is required, because without it every
	// person would see everything. An error, or an empty scope, is answered with 403, or as SignIn
	// says; the text of the error goes to Logger only.
	Scope func(*http.Request) (scope string, err error)
	// ReadOnly reports whether a request may look but not change; nil means that all may change.
	ReadOnly func(*http.Request) bool
	// SignIn is where a person without a scope signs in: a URL for the browser, "" for none. A page
	// redirects there. After a form, whose input would be lost, the answer has it as a link and
	// keeps the input apart from secrets. Default is none.
	SignIn func(*http.Request) string
	// Triggers are the event types to choose from, in the order of the form; default those
	// of the Dispatcher's Profile. Required where it names none. A webhook's other types stay
	// when it is edited.
	Triggers []string
	// ClientCertificates adds client certificates and authorities to the form and, where
	// [webhook.Manager.KeepsKeys], certificate requests to the page of a webhook. Default is to
	// leave them out; the certificates of a webhook then stay as they are. Authorization is in the
	// form where the Profile allows a scheme.
	ClientCertificates bool
	// ConfirmDelete asks, on a page that says what is lost, before a webhook is deleted and before a
	// secret is revoked or replaced at once. Default is to ask, apart from webhook.Automation: its
	// vendor's page deletes at once.
	ConfirmDelete bool
	// Back is a link out of the page, into the host; default none.
	Back Link
	// Refresh is the interval of the script's polling; default 2 s, at least 500 ms.
	Refresh time.Duration
	// PageSize is the number of deliveries on a page, 1 to 100; default 20.
	PageSize int
	// TrustedOrigins are other origins ("https://admin.example.com") whose forms are
	// accepted; default none.
	TrustedOrigins []string
	// CookieKey signs the cookie that carries the outcome of a form to the next page, such as
	// "saved" or that of a test: at least 32 bytes. Several hosts need the same one. Default is a
	// random one, so that a page of another host comes without the outcome.
	CookieKey webhook.Secret
	// CookiePath is the path of that cookie; default is the mount point, derived from the request.
	// Set it where a proxy in front changes paths.
	CookiePath string
	// SecureCookie limits that cookie to https where TLS ends at a proxy in front. Where TLS ends
	// in this process, the cookie is limited to https without it.
	SecureCookie bool
	// Texts are the words, in the language and the time zone of a request; default are those of
	// the Profile: [Automation] or [English]. It is called once for each request.
	Texts func(*http.Request) *Texts
	// Location is the time zone in which times are shown where Texts names none; default UTC.
	Location *time.Location
	// Title replaces Texts.ListTitle, the heading of the list and the end of every page's title.
	Title string
	// CSS follows the page's own rules in its stylesheet. It sets the variables that the package
	// comment lists, or anything else. Images and fonts of other places are not loaded.
	CSS string
	// Header and Footer are put above and below every page as they are.
	Header, Footer template.HTML
	// FrameAncestors are the origins whose pages may show this one in a frame, such as
	// "https://app.example.com" or "'self'"; default none. The cookie is then marked for use in
	// frames of other sites, which needs https.
	FrameAncestors []string
	// Logger receives why a request was refused or failed; default none.
	Logger *slog.Logger
}

// Link is a link of the host.
type Link struct{ Text, URL string }

const (
	defaultRefresh  = 2 * time.Second
	minRefresh      = 500 * time.Millisecond
	defaultPageSize = 20
	maxPageSize     = 100
)

// withDefaults returns a checked copy.
func (o *Options) withDefaults(p webhook.Profile) (Options, error) {
	if o == nil || o.Scope == nil {
		return Options{}, errors.New("settings: Options.Scope is required: it says whose webhooks a request may see")
	}
	out := *o
	if len(out.Triggers) == 0 {
		out.Triggers = p.Form.Events
	}
	out.Triggers = slices.Clone(out.Triggers)
	if out.Refresh == 0 {
		out.Refresh = defaultRefresh
	}
	if out.PageSize == 0 {
		out.PageSize = defaultPageSize
	}
	if out.Location == nil {
		out.Location = time.UTC
	}
	if out.Logger == nil {
		out.Logger = slog.New(slog.DiscardHandler)
	}
	switch {
	case len(out.Triggers) == 0:
		return Options{}, fmt.Errorf("settings: Options.Triggers is required, because profile %q names no events", p.Name)
	case !out.CookieKey.IsZero() && len(out.CookieKey.Reveal()) < minCookieKey:
		return Options{}, fmt.Errorf("settings: Options.CookieKey must have at least %d bytes", minCookieKey)
	case out.CookiePath != "" && (out.CookiePath[0] != '/' || strings.ContainsAny(out.CookiePath, ";, \"\\") || len(out.CookiePath) > maxCookiePath):
		return Options{}, errors.New("settings: Options.CookiePath must be a path that begins with a slash and that a cookie can hold")
	case out.Refresh < minRefresh:
		return Options{}, fmt.Errorf("settings: Options.Refresh %v must be at least %v", out.Refresh, minRefresh)
	case out.PageSize < 1 || out.PageSize > maxPageSize:
		return Options{}, fmt.Errorf("settings: Options.PageSize %d must be between 1 and %d", out.PageSize, maxPageSize)
	case slices.ContainsFunc(out.FrameAncestors, notAncestor):
		return Options{}, errors.New("settings: Options.FrameAncestors must hold origins such as \"https://app.example.com\", or \"'self'\"")
	}
	return out, nil
}

// notAncestor reports a text that is more, or less, than an origin in a Content-Security-Policy.
func notAncestor(origin string) bool {
	if origin == "'self'" {
		return false
	}
	u, err := url.Parse(origin)
	return err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || origin != u.Scheme+"://"+u.Host ||
		strings.ContainsAny(origin, " ;,'\"")
}

// ofOthers reports whether pages of another site may show this one in a frame.
func (o *Options) ofOthers() bool {
	return slices.ContainsFunc(o.FrameAncestors, func(origin string) bool { return origin != "'self'" })
}
