package webhook

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/postrider/postrider/webhook/internal/redact"
)

// shown has the fields of a Webhook without its methods, so that printing it does not recurse.
type shown Webhook

// masked returns the webhook without its credentials. It keeps scheme and host of the URL and the
// names of the headers; Secrets mask themselves.
func (w Webhook) masked() shown {
	w.URL = redact.URL(w.URL)
	if w.Headers != nil {
		headers := make(map[string]string, len(w.Headers))
		for name := range w.Headers {
			headers[name] = redact.Mask
		}
		w.Headers = headers
	}
	if w.Attributes != nil {
		attributes := make(map[string]string, len(w.Attributes))
		for key, value := range w.Attributes {
			attributes[key] = maskIfURL(value) // a Profile may keep another URL there
		}
		w.Attributes = attributes
	}
	return shown(w)
}

// maskIfURL masks a URL after its host and returns any other text unchanged.
func maskIfURL(s string) string {
	if strings.Contains(s, "://") {
		return redact.URL(s)
	}
	return s
}

// Format prints the webhook for every verb of package fmt, with "[redacted]" in place of
// its secrets, the values of its headers, and its URL after the host, or the whole URL where
// the host is an address. The same goes for a URL among the attributes.
//
// That covers a Webhook by itself and wherever fmt calls methods: in exported fields, slices and
// maps. It does not cover a Webhook in an unexported field of another struct: there fmt
// calls no methods, and %v prints URL, header values and attributes in clear. Secrets stay
// masked even there, and of a field with a *Webhook %v prints the pointer. A type of the
// host with such a field needs a Format or String method of its own before it is printed.
func (w Webhook) Format(f fmt.State, verb rune) {
	if verb == 'v' && f.Flag('#') {
		fmt.Fprintf(f, "%#v", w.masked())
		return
	}
	fmt.Fprintf(f, "%+v", w.masked())
}

// String is the webhook as Format prints it.
func (w Webhook) String() string { return fmt.Sprintf("%+v", w.masked()) }

// LogValue is the webhook in a log, masked like in Format and in short.
func (w Webhook) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("id", w.ID), slog.String("scope", w.Scope), slog.String("name", w.Name), slog.String("url", redact.URL(w.URL)),
		slog.Any("events", w.Events), slog.Bool("active", w.Active), slog.String("disabled_reason", w.DisabledReason),
		slog.Int64("version", w.Version))
}

// MarshalJSON encodes the webhook masked like in Format: it is for showing, not for storing. A mask
// cannot be stored: a Secret refuses to be decoded, and the Manager refuses "[redacted]" as a
// secret, as the value of a header and in a URL. Stores take the fields one by one. Names are
// stable, times are in RFC 3339, and "unreadable" says that the Store cannot open the secrets.
func (w Webhook) MarshalJSON() ([]byte, error) {
	s := w.masked()
	if s.Events == nil {
		s.Events = []string{} // an array, never null
	}
	return json.Marshal(struct {
		shown
		Unreadable bool `json:"unreadable,omitempty"`
	}{s, w.Unreadable != nil})
}

// Format prints the proxy for every verb of package fmt, with "[redacted]" in place of user
// name and password.
func (p Proxy) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, p.String()) }

// String is the proxy as Format prints it.
func (p Proxy) String() string {
	return fmt.Sprintf("proxy %s, addresses checked by %d", p.masked(), p.AddressesCheckedBy)
}

// LogValue is the proxy in a log, masked like in Format.
func (p Proxy) LogValue() slog.Value { return slog.StringValue(p.String()) }

// MarshalJSON encodes the proxy masked like in Format.
func (p Proxy) MarshalJSON() ([]byte, error) { return json.Marshal(p.String()) }

// masked is scheme and host of the proxy's URL, and whether there are credentials.
func (p Proxy) masked() string {
	switch {
	case p.URL == nil:
		return "none"
	case p.URL.User != nil:
		return p.URL.Scheme + "://" + redact.Mask + "@" + p.URL.Host
	}
	return p.URL.Scheme + "://" + p.URL.Host
}
