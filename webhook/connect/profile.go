package connect

import (
	"errors"
	"net/http"
	"slices"

	"github.com/postrider/postrider/allowlist"
	"github.com/postrider/postrider/internal/ascii"
	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/confluenceevent"
	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sign"
)

// VersionHeader is the header field with the version of Connect.
const VersionHeader = "Atlassian-Connect-Version"

// MaxBody is the largest body in bytes: Jira Cloud does not deliver what is
// larger than 25 MB.
const MaxBody = 25_000_000

var errVersion = errors.New("connect: WithVersion needs 1 to 64 characters of printable ASCII without spaces")

// Profile is the profile of Atlassian Connect's webhooks, for the add-ons of Jira
// and of Confluence: one request for each event, without a retry, delivered with any
// status from 200 to 299, https on port 443 under the base URL of the add-on only,
// signed by sign.ConnectJWT with the webhook's newest secret. A host may change
// fields of what it got before it gives it to webhook.New.
func Profile(opts ...Option) webhook.Profile {
	s := &settings{version: DefaultVersion}
	for _, opt := range opts {
		opt(s)
	}
	return webhook.Profile{
		Name:    "connect",
		Allow:   allowlist.Public(),
		Retry:   retry.None(),
		MaxBody: MaxBody,
		Route:   webhook.Grouped(s.matches, compose),
		Prepare: webhook.Prepare{Target: s.target, Header: s.header, Sign: s.signer},
		Form:    webhook.Form{Events: events(), Sample: sample, Check: s.check},
	}
}

// events are those of both products; some names are the same.
func events() []string {
	all := append(jiraevent.Events(), confluenceevent.Events()...)
	slices.Sort(all)
	return slices.Compact(all)
}

func compose(_ payload.Event, group []webhook.Webhook) (webhook.Routed, error) {
	return webhook.Routed{WebhookID: group[0].ID, NoBody: group[0].ExcludeBody}, nil
}

func (s *settings) header(_ webhook.Webhook, _ webhook.Delivery, h http.Header) {
	h.Set(VersionHeader, s.version)
}

// signer is called for each version of a webhook once.
func (s *settings) signer(w webhook.Webhook) (sign.Signer, error) {
	if !validVersion(s.version) {
		return nil, errVersion // told before a header is written
	}
	if unsigned(&w) {
		return nil, nil
	}
	var secret webhook.Secret
	if len(w.Secrets) > 0 {
		secret = w.Secrets[0]
	}
	o := &sign.ConnectOptions{Path: s.path}
	if s.subject && !s.withoutUser {
		o.Subject = subject
	}
	return sign.ConnectJWT(s.issuer(&w), secret, baseURL(&w), o)
}

func (s *settings) issuer(w *webhook.Webhook) string {
	if key := w.Attributes[AttrClientKey]; key != "" {
		return key
	}
	if s.clientKey != nil {
		return s.clientKey(w.Scope)
	}
	return w.Scope
}

// subject reads the user out of the final URL: the last parameters of these names
// are ours.
func subject(r *http.Request, _ sign.Message) string {
	query := r.URL.Query()
	for _, name := range [...]string{userKey, userID} {
		if values := query[name]; len(values) > 0 && values[len(values)-1] != "" {
			return values[len(values)-1]
		}
	}
	return ""
}

func sample(event string) (payload.Data, bool) {
	if event == Enabled || event == Disabled {
		return Lifecycle{Event: event, Key: "com.example.addon", ClientKey: "jira:1234-5678-9000", BaseURL: "https://acme.example.net",
			ProductType: "jira"}, true
	}
	if c, ok := jiraevent.Sample(event); ok {
		return c, true
	}
	return nil, false
}

func validVersion(v string) bool {
	return v != "" && len(v) <= 64 && ascii.IsVisible(v)
}
