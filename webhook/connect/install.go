package connect

import (
	"unicode/utf8"

	"github.com/postrider/postrider/webhook"
)

// Installation is an add-on in use by one tenant.
type Installation struct {
	// Scope is the tenant, as in webhooks and events.
	Scope string
	// ClientKey is the tenant's key, such as "jira:1234-5678-9000": the issuer of its tokens. An
	// empty one is set by [WithClientKey].
	ClientKey string
	// SharedSecret is the secret that the add-on got at its installation. It is not used where the
	// add-on wants no authentication.
	SharedSecret webhook.Secret
}

// Install returns a webhook for each module, in their order, active and ready for
// Manager.Add. The same event in two modules makes two webhooks, each of which gets
// a request of its own.
//
// It returns a [*DescriptorError] for a descriptor that ParseDescriptor did not make: one without a
// key, or with a base URL or module that it would refuse. The same error reports an installation
// without the secret that the add-on needs.
func (d Descriptor) Install(in Installation) ([]webhook.Webhook, error) {
	if d.Key == "" || !validKey(d.Key) {
		return nil, &DescriptorError{"key", "may hold 1 to 80 letters, digits and . _ - only"}
	}
	if problem := checkBase(d.BaseURL); problem != "" {
		return nil, &DescriptorError{"baseUrl", problem}
	}
	if d.Authentication != AuthNone && in.SharedSecret.IsZero() {
		return nil, &DescriptorError{"authentication.type", "asks for a token: the installation needs its shared secret"}
	}
	out := make([]webhook.Webhook, 0, len(d.Webhooks))
	for _, m := range d.Webhooks {
		if problem := checkRelative(m.URL); problem != "" || m.URL == "" || m.Event == "" {
			return nil, &DescriptorError{"modules.webhooks", "must have an event and a relative url each"}
		}
		out = append(out, d.webhook(m, in))
	}
	return out, nil
}

func (d Descriptor) webhook(m Module, in Installation) webhook.Webhook {
	w := webhook.Webhook{
		Scope:       in.Scope,
		Name:        shorten(d.Key+": "+m.Event, 200),
		URL:         join(d.BaseURL, m.URL),
		Events:      []string{m.Event},
		Filter:      m.Filter,
		ExcludeBody: m.ExcludeBody,
		Active:      true,
		Attributes: withAttributes(map[string]string{
			AttrAddOn:        d.Key,
			AttrBaseURL:      d.BaseURL,
			AttrClientKey:    in.ClientKey,
			AttrParams:       encodeAttribute(m.Params),
			AttrPropertyKeys: encodeAttribute(m.PropertyKeys),
		}),
	}
	if d.Authentication == AuthNone {
		w.Attributes[AttrAuth] = AuthNone
	} else {
		w.Secrets = []webhook.Secret{in.SharedSecret}
	}
	return w
}

// shorten keeps the first n runes.
func shorten(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n])
}
