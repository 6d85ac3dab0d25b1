package connect

import (
	"encoding/json"
	"maps"
	"strings"

	"github.com/postrider/postrider/webhook"
)

// Keys in webhook.Webhook.Attributes. [Descriptor.Install] sets them; a webhook that is added by
// hand may lack any of them.
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

// Values of authentication.type in an add-on's descriptor.
const (
	AuthJWT  = "jwt"
	AuthNone = "none"
)

// Uninstalled returns the webhook of an add-on that has been uninstalled. It receives
// connect_addon_disabled alone, without a token, because the shared secret is void. Store it with
// Manager.Edit before the event is dispatched, and delete the webhook after the delivery.
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

// Params returns the params of the module behind a webhook, for the host's matching. It is nil
// where there are none or they cannot be read.
func Params(w webhook.Webhook) map[string]string {
	var params map[string]string
	if json.Unmarshal([]byte(w.Attributes[AttrParams]), &params) != nil {
		return nil
	}
	return params
}

// PropertyKeys returns the propertyKeys of the module behind a webhook.
func PropertyKeys(w webhook.Webhook) []string {
	var keys []string
	if json.Unmarshal([]byte(w.Attributes[AttrPropertyKeys]), &keys) != nil {
		return nil
	}
	return keys
}

// encodeAttribute writes the JSON that Params and PropertyKeys read; "" for an empty value.
func encodeAttribute[T map[string]string | []string](v T) string {
	if len(v) == 0 {
		return ""
	}
	data, _ := json.Marshal(v) // strings only: this cannot fail
	return string(data)
}

// baseURL returns the add-on's base URL, or scheme and host of the webhook's URL.
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
