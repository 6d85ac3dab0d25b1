package connect

import (
	"encoding/json"
	"maps"
	"strings"

	"github.com/postrider/postrider/webhook"
)

// Keys in webhook.Webhook.Attributes. [Descriptor.Install] fills them in; who adds a
// webhook by hand may leave out any of them.
const (
	// AttrAddOn is the key of the add-on. Events about an add-on reach its own
	// webhooks only.
	AttrAddOn = "connect_addon"
	// AttrBaseURL is the base URL of the add-on, by default scheme and host of the
	// webhook's URL. Nothing outside it is sent.
	AttrBaseURL = "connect_base_url"
	// AttrClientKey names the sender in tokens; see [WithClientKey] for the default.
	AttrClientKey = "connect_client_key"
	// AttrAuth is the kind of authentication: AuthJWT, which is the default, or
	// AuthNone.
	AttrAuth = "connect_auth"
	// AttrParams is a JSON object with the params of the module.
	AttrParams = "connect_params"
	// AttrPropertyKeys is a JSON list with the propertyKeys of the module.
	AttrPropertyKeys = "connect_property_keys"
	// AttrUninstalled is "true" once the add-on has been uninstalled; see
	// [Uninstalled].
	AttrUninstalled = "connect_uninstalled"
)

// What an add-on asks for in authentication.type.
const (
	AuthJWT  = "jwt"
	AuthNone = "none"
)

// Uninstalled returns the webhook of an add-on that has been uninstalled: from now
// on it receives connect_addon_disabled alone, and that without a token, because the
// shared secret is void. Store it with Manager.Edit before the event is dispatched,
// and delete the webhook once that has been delivered.
func Uninstalled(w webhook.Webhook) webhook.Webhook {
	w = w.Clone()
	if w.Attributes == nil {
		w.Attributes = make(map[string]string, 1)
	}
	w.Attributes[AttrUninstalled] = "true"
	return w
}

func uninstalled(w *webhook.Webhook) bool { return w.Attributes[AttrUninstalled] == "true" }

func unsigned(w *webhook.Webhook) bool {
	return uninstalled(w) || w.Attributes[AttrAuth] == AuthNone
}

// Params returns the params of the module that a webhook was made of, for the
// host's matching. It is nil where there are none or they cannot be read.
func Params(w webhook.Webhook) map[string]string {
	var params map[string]string
	if json.Unmarshal([]byte(w.Attributes[AttrParams]), &params) != nil {
		return nil
	}
	return params
}

// PropertyKeys returns the propertyKeys of the module that a webhook was made of.
func PropertyKeys(w webhook.Webhook) []string {
	var keys []string
	if json.Unmarshal([]byte(w.Attributes[AttrPropertyKeys]), &keys) != nil {
		return nil
	}
	return keys
}

// encodeAttribute writes what Params and PropertyKeys read; nothing for nothing.
func encodeAttribute[T map[string]string | []string](v T) string {
	if len(v) == 0 {
		return ""
	}
	data, _ := json.Marshal(v) // strings only: this cannot fail
	return string(data)
}

// baseURL is that of the add-on, or scheme and host of the webhook's URL.
func baseURL(w *webhook.Webhook) string {
	if base := w.Attributes[AttrBaseURL]; base != "" {
		return base
	}
	scheme, rest, ok := strings.Cut(w.URL, "://")
	if !ok {
		return ""
	}
	host, _, _ := strings.Cut(rest, "/")
	host, _, _ = strings.Cut(host, "?")
	return scheme + "://" + host
}

func withAttributes(pairs map[string]string) map[string]string {
	maps.DeleteFunc(pairs, func(_, value string) bool { return value == "" })
	return pairs
}
