package settings

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook"
)

// Options configures a [Handler]. A zero field means the default, apart from Scope.
type Options struct {
	// Scope tells whose webhooks a request is about. It is required: without it everybody
	// would see everything. An error, or an empty scope, is answered with 403; what the
	// error says goes to Logger only.
	Scope func(*http.Request) (scope string, err error)
	// ReadOnly tells whether a request may look but not change; nil means that all may change.
	ReadOnly func(*http.Request) bool
	// Triggers are the event types to choose from, in the order of the form; default those
	// of the Dispatcher's Profile. Required where it names none. A webhook's other types stay
	// when it is edited.
	Triggers []string
	// ClientCertificates adds client certificates and authorities to the form; default is to leave
	// them out. What a webhook has of them stays. Authorization is in the form where the Profile
	// allows a scheme.
	ClientCertificates bool
	// ConfirmDelete asks before a webhook is deleted; default is to delete at once.
	ConfirmDelete bool
	// Back is a link out of the page, into the host; default none.
	Back Link
	// Refresh is how often the script asks for news; default 2 s, at least 500 ms.
	Refresh time.Duration
	// PageSize is the number of deliveries on a page, 1 to 100; default 20.
	PageSize int
	// Location is the time zone in which times are shown; default UTC.
	Location *time.Location
	// TrustedOrigins are other origins ("https://admin.example.com") whose forms are
	// accepted; default none.
	TrustedOrigins []string
	// CookieKey signs the cookie that carries the outcome of a form to the next page, such as
	// "saved" or that of a test: at least 32 bytes. Give several hosts the same one; default
	// is a random one, so a page that another host answers comes without the outcome.
	CookieKey webhook.Secret
	// CookiePath is the path of that cookie; default is where the page is mounted, as the
	// request tells. Set it where a proxy in front changes paths.
	CookiePath string
	// SecureCookie marks that cookie for https only, also where TLS ends at a proxy in front.
	// Where it ends in this process that is so in any case.
	SecureCookie bool
	// Texts replaces the words; default [English]. Zero fields, and entries that
	// its maps lack, are filled in from there.
	Texts *Texts
	// Logger is told why a request was refused or failed; default nobody is.
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
		out.Triggers = p.Events
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
	texts := out.Texts.withDefaults()
	out.Texts = &texts
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
	}
	return out, nil
}
