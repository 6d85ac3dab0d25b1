package webhook

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/postrider/postrider/webhook/internal/redact"
	"github.com/postrider/postrider/webhook/internal/transport"
)

// Preview is the request of a delivery as it would be made now, for people to read. It holds no
// secret: of the URL only scheme and host, and of headers with credentials or signatures only the
// names.
type Preview struct {
	Method string `json:"method"`
	// URL ends after the host; "[redacted]" stands for the rest.
	URL string `json:"url"`
	// Header is sorted by name.
	Header []PreviewHeader `json:"header"`
	Body   []byte          `json:"body,omitzero"`
}

// PreviewHeader is a header of a [Preview]. The Value of a masked one is "[redacted]".
type PreviewHeader struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Masked bool   `json:"masked"`
}

// Preview builds the request of a delivery with the webhook as it is now, and sends nothing. It
// shows the headers that every Profile sends and those of Profile.Prepare.Header; it masks those of
// the webhook itself and of its signer. Errors: [ErrNotFound], also if its webhook is gone,
// [ErrUnsupported] without [History], [ErrSealed], and [ErrInvalid] if no request can be built.
func (m *Manager) Preview(ctx context.Context, scope, deliveryID string) (Preview, error) {
	d, _, err := m.Delivery(ctx, scope, deliveryID)
	if err != nil {
		return Preview{}, err
	}
	w, err := m.Webhook(ctx, scope, d.WebhookID)
	if err != nil {
		return Preview{}, err
	}
	if w.Unreadable != nil {
		return Preview{}, fmt.Errorf("webhook: preview %s: %w", deliveryID, w.Unreadable)
	}
	now := m.d.now()
	x := transport.Begin(ctx, d.Body)
	req, to, err := m.d.sender.request(x, m.d.sender.prepared.get(now, &w), &w, &d, d.Attempts+1, now, &authorization{unsent: true})
	if err != nil {
		return Preview{}, fmt.Errorf("webhook: preview %s: %w: no request can be made of it (%s)", deliveryID, ErrInvalid, asRequestError(err).code)
	}
	p := Preview{Method: req.Method, URL: redact.URL(req.URL.String()), Body: d.Body}
	open, secrets := m.d.profile.openHeaders(w, d), to.secrets()
	for name, values := range req.Header {
		for _, v := range values {
			h := PreviewHeader{Name: name, Value: v}
			if h.Masked = !slices.Contains(open, name) || secrets.Clean(v, len(v), false) != v || holdsSecret(v, w.Secrets); h.Masked {
				h.Value = redact.Mask
			}
			p.Header = append(p.Header, h)
		}
	}
	slices.SortStableFunc(p.Header, func(a, b PreviewHeader) int { return cmp.Compare(a.Name, b.Name) })
	return p, nil
}

// openHeaders are the names of headers whose values are shown together with the delivery.
func (p *Profile) openHeaders(w Webhook, d Delivery) []string {
	open := slices.Clone(redact.PublicHeaders)
	if p.Prepare.Header != nil {
		own := make(http.Header)
		func() {
			defer func() { _ = recover() }() // unexpected, because the hook has just built the request
			p.Prepare.Header(w.Clone(), d, own)
		}()
		for name := range own {
			open = append(open, name)
		}
	}
	return slices.DeleteFunc(open, func(name string) bool {
		if w.Auth.Scheme != "" && name == "Authorization" {
			return true
		}
		for own := range w.Headers {
			if http.CanonicalHeaderKey(own) == name {
				return true
			}
		}
		return false
	})
}

// Curl is the request as a command line for a POSIX shell, with "[redacted]" for masked parts.
func (p Preview) Curl() string {
	var b strings.Builder
	quote := func(s string) { b.WriteString("'" + strings.ReplaceAll(s, "'", `'\''`) + "'") }
	b.WriteString("curl -X " + p.Method + " ")
	quote(p.URL)
	for _, h := range p.Header {
		b.WriteString(" \\\n  -H ")
		quote(h.Name + ": " + h.Value)
	}
	if len(p.Body) > 0 {
		option := "--data-binary"
		if p.Body[0] == '@' {
			option = "--data-raw" // the other reads a file of that name
		}
		b.WriteString(" \\\n  " + option + " ")
		quote(string(bytes.ToValidUTF8(p.Body, []byte("?"))))
	}
	return b.String()
}
