package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook/internal/transport"
	"github.com/postrider/postrider/webhook/sign"
)

const (
	maxBodyRead     = 64 << 10
	maxSnippet      = 4 << 10
	userAgent       = "Postrider/1 (+https://github.com/postrider/postrider)"
	contentTypeJSON = "application/json"
)

// sender makes requests. It owns the only transport: deliveries, tests and
// redeliveries all go through attempt.
type sender struct {
	profile   *Profile
	transport http.RoundTripper    // the host's, nil for own
	own       *transport.Transport // nil for the host's
	lookup    bool                 // of the target's addresses, before each request
	timeout   time.Duration
	bounds    bounds
	prepared  prepared
}

func newSender(p *Profile, o *Options) *sender {
	s := &sender{profile: p, transport: o.Transport, timeout: o.Timeout, bounds: defaultBounds()}
	if s.transport == nil {
		s.own = newTransport(p, o, s.bounds)
	}
	s.lookup = o.Proxy != nil && o.Proxy.AddressesCheckedBy == ByLookup
	return s
}

// timeoutOf is how long an attempt to w may take.
func (s *sender) timeoutOf(w *Webhook) time.Duration {
	if w.Timeout > 0 && w.Timeout < s.timeout {
		return w.Timeout
	}
	return s.timeout
}

// attempt makes one request and judges it. The answer is decided by the status line:
// what happens to the body afterwards changes nothing, because the receiver has
// answered and another request would only repeat it. It never panics.
//
// Within the attempt and its time the transport may make the request a second time, with the
// same bytes: see [transport.Transport.Send].
func (s *sender) attempt(ctx context.Context, w *Webhook, d *Delivery, now time.Time) (a Attempt) {
	a = Attempt{Number: d.Attempts + 1, Start: now}
	began := time.Now()
	defer func() {
		if recover() != nil && a.Status == 0 {
			a.Code = CodeConfig // code of the host panicked before there was an answer
		}
		a.Duration = max(0, time.Since(began))
	}()
	ctx, cancel := context.WithTimeout(ctx, s.timeoutOf(w))
	defer cancel()
	x := transport.Begin(ctx, d.Body)
	req, to, err := s.request(x, w, d, a)
	if err != nil {
		a.Code = buildCode(err)
		return a
	}
	if s.lookup {
		if err := s.own.Lookup(ctx, req.URL.Hostname()); err != nil {
			a.Code, a.Detail = unanswered(x, err)
			return a
		}
	}
	resp, err := s.roundTrip(x, req)
	if err != nil {
		a.Code, a.Detail = unanswered(x, err)
		return a
	}
	a.Status = resp.StatusCode
	a.Code = s.statusCode(resp.StatusCode)
	if a.Code == CodeStatus && s.profile.transient(a) {
		if after, ok := retry.ParseAfter(resp.Header, now.Add(time.Since(began))); ok {
			a.RetryAfter = after
		}
	}
	if resp.StatusCode < 200 {
		_ = resp.Body.Close() // 101: the body is the bare connection, which no deadline ends
		return a
	}
	a.Snippet = s.readBody(resp.Body, cancel, to, req.Header)
	return a
}

// roundTrip sends a request. It contains a transport of the host that panics or breaks its
// contract.
func (s *sender) roundTrip(x *transport.Exchange, req *http.Request) (resp *http.Response, err error) {
	if s.own != nil {
		return s.own.Send(x, req)
	}
	defer contain("Transport", &err)
	if req.ContentLength > 0 {
		req.GetBody = x.Again
	}
	resp, err = s.transport.RoundTrip(req)
	if err == nil && resp == nil {
		err = errors.New("webhook: Transport returned neither response nor error")
	}
	return resp, err
}

func (s *sender) statusCode(status int) Code {
	switch {
	case s.profile.success(status):
		return CodeOK
	case status >= 300 && status <= 399:
		return CodeRedirect
	}
	return CodeStatus
}

// errRequest tells which code a request that could not be built ends with.
type errRequest struct {
	code Code
	err  error
}

func (e *errRequest) Error() string { return e.err.Error() }
func (e *errRequest) Unwrap() error { return e.err }

func buildCode(err error) Code {
	var r *errRequest
	if errors.As(err, &r) {
		return r.code
	}
	return CodeConfig
}

// parts is what a request is made of, in one allocation.
type parts struct {
	url    url.URL
	values [8]string // of headers
	set    int       // values that are in use
}

// header sets a header of which there is one value.
func (p *parts) header(h http.Header, name, value string) {
	if p.set == len(p.values) {
		h[name] = []string{value}
		return
	}
	p.values[p.set] = value
	p.set++
	h[name] = p.values[p.set-1 : p.set : p.set]
}

// request builds and signs a request. Its errors may hold what hooks of the host
// said and are never shown.
func (s *sender) request(x *transport.Exchange, w *Webhook, d *Delivery, a Attempt) (req *http.Request, to *target, err error) {
	defer contain("Profile", &err)
	if len(d.Body) > s.profile.maxBody() {
		return nil, nil, &errRequest{CodePayload, ErrTooLarge}
	}
	prep := s.prepared.at(a.Start, w)
	w = prep.liveHook(w)
	if to, err = prep.targetOf(s.profile, w, d); err != nil {
		return nil, nil, err
	}
	if prep.refused != nil {
		return nil, nil, prep.refused
	}
	p := &parts{url: to.url}
	req = x.Request()
	req.Method, req.URL, req.Host = http.MethodPost, &p.url, p.url.Host
	req.Proto, req.ProtoMajor, req.ProtoMinor = "HTTP/1.1", 1, 1
	req.Header = make(http.Header, 8)
	for _, h := range prep.headers {
		p.header(req.Header, h.name, h.value)
	}
	p.header(req.Header, "User-Agent", userAgent)
	if len(d.Body) > 0 {
		p.header(req.Header, "Content-Type", contentTypeJSON)
	}
	if s.profile.Header != nil {
		s.profile.Header(*w, *d, req.Header)
	}
	signer, err := prep.signerOf(s.profile, a.Start)
	if err != nil {
		return nil, nil, err
	}
	if signer != nil {
		if err := s.sign(signer, req, d, a); err != nil {
			return nil, nil, err
		}
	}
	// net/http repeats a POST by itself when it sees one of these.
	for name := range req.Header {
		if strings.EqualFold(name, "Idempotency-Key") || strings.EqualFold(name, "X-Idempotency-Key") {
			delete(req.Header, name)
		}
	}
	return req, to, nil
}

// sign lets a signer set headers, and nothing else.
func (s *sender) sign(signer sign.Signer, req *http.Request, d *Delivery, a Attempt) error {
	u, judged := req.URL, *req.URL
	if err := signer.Sign(req, sign.Message{ID: d.EventID, Attempt: a.Number, Time: a.Start, Body: d.Body}); err != nil {
		return err
	}
	if req.URL != u || *u != judged || req.Host != judged.Host || req.Method != http.MethodPost {
		return errors.New("webhook: a Signer may set headers only")
	}
	return nil
}

// contain turns a panic in code of the host into an error. The panic's value is not
// kept: it may hold a secret.
func contain(what string, err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%w: %s", ErrPanic, what)
	}
}
