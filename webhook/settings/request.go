package settings

import (
	"errors"

	"github.com/postrider/postrider/webhook"
)

// requestView is a delivery's request, without its body.
type requestView struct {
	Line    string // method and URL
	Headers []webhook.PreviewHeader
	Curl    string
}

// request builds the request of a delivery; nil where that is not possible.
func (v *visit) request(d *webhook.Delivery) (*requestView, error) {
	p, err := v.m.Preview(v.ctx, v.scope, d.ID)
	switch {
	case errors.Is(err, webhook.ErrNotFound), errors.Is(err, webhook.ErrInvalid), errors.Is(err, webhook.ErrSealed):
		return nil, nil
	case err != nil:
		return nil, err
	}
	for i := range p.Header {
		if p.Header[i].Name == "Webhook-Timestamp" { // it changes every second, and the page with it
			p.Header[i].Value, p.Header[i].Masked = "[now]", true
		}
	}
	if len(p.Body) > maxShownBody {
		p.Body = append(p.Body[:maxShownBody:maxShownBody], "…"...)
	}
	return &requestView{p.Method + " " + p.URL, p.Header, p.Curl()}, nil
}
