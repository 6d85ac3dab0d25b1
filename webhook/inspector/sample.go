package inspector

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/jira"
	"github.com/postrider/postrider/webhook/sign"
)

// ErrSample is what SendSample returns for an event type without a sample.
var ErrSample = errors.New("inspector: no sample of this type")

// Samples returns the event types that SendSample knows: the triggers, the announced ones
// included, and Jira's catalogue.
func Samples() []string {
	var names []string
	for _, name := range append(payload.Triggers(), payload.Planned()...) {
		if _, ok := payload.Sample(name); ok {
			names = append(names, name)
		}
	}
	for _, name := range jira.Events() {
		if _, ok := jira.Sample(name); ok && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// SendSample makes the inspector receive an example of an event type, signed as its sender
// would with a secret of the inspector's own, and returns what it made of it.
func (in *Inspector) SendSample(eventType string) (Request, error) {
	e, signer, err := in.sample(eventType)
	if err != nil {
		return Request{}, err
	}
	now := time.Now()
	r := &http.Request{Method: http.MethodPost, URL: &url.URL{Path: "/in/sample"}, Host: "localhost",
		Header: http.Header{"Content-Type": {"application/json"}, "User-Agent": {"Postrider-Inspector"}},
		Body:   io.NopCloser(bytes.NewReader(e.Body))}
	if _, ok := payload.Sample(eventType); ok {
		r.Header.Set(sign.IDHeader, e.ID)
	} else {
		r.Header.Set("X-Atlassian-Webhook-Identifier", e.ID)
	}
	if err := signer.Sign(r, sign.Message{ID: e.ID, Attempt: 1, Time: now, Body: e.Body}); err != nil {
		return Request{}, fmt.Errorf("inspector: sample of %s: %w", eventType, err)
	}
	return in.record(r), nil
}

func (in *Inspector) sample(eventType string) (payload.Event, sign.Signer, error) {
	if data, ok := payload.Sample(eventType); ok {
		e, err := payload.New("sample", data, payload.WithPlanned(payload.Planned()...))
		return e, sign.Token(in.o.TokenHeader, in.own), err
	}
	if c, ok := jira.Sample(eventType); ok {
		e, err := jira.New("sample", c)
		return e, sign.HMAC(in.own), err
	}
	return payload.Event{}, nil, fmt.Errorf("%w: %.100q", ErrSample, eventType)
}
