package inspector

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/confluenceevent"
	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/webhook/sign"
)

// ErrSample is the error of SendSample for an event type without a sample.
var ErrSample = errors.New("inspector: no sample of this type")

// ofConfluence stands before a name that is in both catalogues and means Confluence's event.
const ofConfluence = "confluence/"

// sampleClient is the Connect client key of samples.
const sampleClient = "postrider-inspector-sample"

// Samples returns the event types that SendSample knows: the triggers and the catalogues of
// Jira and Confluence. A name that both of these have stands for Jira's; with "confluence/"
// in front, for the other.
func Samples() []string {
	names := payload.Triggers()
	for _, name := range jiraevent.Events() {
		if _, ok := jiraevent.Sample(name); ok {
			names = append(names, name)
		}
	}
	for _, name := range confluenceevent.Events() {
		if slices.Contains(names, name) {
			name = ofConfluence + name
		}
		names = append(names, name)
	}
	return names
}

// sample is a request as its sender would send it.
type sample struct {
	event  payload.Event
	path   string // behind the inspector's own
	header string // carries the identifier; empty for none
	signer sign.Signer
}

// SendSample makes the inspector receive an example of an event type, signed as its sender would
// with a secret of the inspector's own, and returns the request with its checks. Errors:
// [ErrSample].
func (in *Inspector) SendSample(eventType string) (Request, error) {
	base := in.o.BaseURL
	if base == "" {
		base = "http://localhost"
	}
	s, err := in.sample(eventType, base)
	if err != nil {
		return Request{}, err
	}
	u, err := url.Parse(strings.TrimSuffix(base, "/") + "/" + s.path)
	if err != nil {
		return Request{}, fmt.Errorf("inspector: sample of %s: base URL: %w", eventType, err)
	}
	r := &http.Request{Method: http.MethodPost, URL: u, Host: u.Host,
		Header: http.Header{"Content-Type": {"application/json"}, "User-Agent": {"Postrider-Inspector"}},
		Body:   io.NopCloser(bytes.NewReader(s.event.Body))}
	if s.header != "" {
		r.Header.Set(s.header, s.event.ID)
	}
	if err := s.signer.Sign(r, sign.Message{ID: s.event.ID, Attempt: 1, Time: time.Now(), Body: s.event.Body}); err != nil {
		return Request{}, fmt.Errorf("inspector: sample of %s: %w", eventType, err)
	}
	return in.record(r), nil
}

func (in *Inspector) sample(eventType, base string) (s sample, err error) {
	if data, ok := payload.Sample(eventType); ok {
		s = sample{path: "in/sample", header: sign.IDHeader, signer: sign.Token(in.o.TokenHeader, in.own)}
		s.event, err = payload.New("sample", data)
		return s, err
	}
	if c, ok := jiraevent.Sample(eventType); ok {
		s = sample{path: "in/sample", header: jiraIdentifier, signer: sign.HMAC(in.own)}
		s.event, err = jiraevent.New("sample", c)
		return s, err
	}
	name := strings.TrimPrefix(eventType, ofConfluence)
	if c, ok := confluenceevent.Sample(name); ok {
		s = sample{path: connectPath + name}
		if s.event, err = confluenceevent.New("sample", c); err == nil {
			s.signer, err = sign.ConnectJWT(sampleClient, in.own, base, nil)
		}
		return s, err
	}
	return sample{}, fmt.Errorf("%w: %.100q", ErrSample, eventType)
}
