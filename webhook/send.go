package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook/internal/oauth"
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
	profile        *Profile
	hostTransport  http.RoundTripper    // the host's; nil for ownTransport
	ownTransport   *transport.Transport // nil for the host's
	tokenTransport *transport.Transport // to token endpoints; nil for the host's
	tokens         *oauth.Cache
	// identities are the transports of webhooks that have TLS; nil for the host's transport.
	identities *transport.Identities
	lookup     bool // the target's addresses are looked up before each request
	timeout    time.Duration
	bounds     bounds
	prepared   preparedCache
}

func newSender(p *Profile, o *Options) *sender {
	s := &sender{profile: p, hostTransport: o.Transport, timeout: o.Timeout, bounds: defaultBounds}
	if s.hostTransport == nil {
		s.makeTransports(o)
	} else {
		s.bounds.header = 0 // a transport of the host has bounds of its own
	}
	s.tokens = oauth.NewCache(func(ctx context.Context, url string, h http.Header, body []byte) (status int, answer []byte, err error) {
		err = isolated("Transport", func() (err error) {
			status, answer, err = s.postToken(ctx, url, h, body)
			return err
		})
		return status, answer, err
	})
	s.lookup = o.Proxy != nil && o.Proxy.AddressesCheckedBy == ByLookup
	return s
}

// closeIdleConnections closes the idle connections of the sender's own transports.
func (s *sender) closeIdleConnections() {
	if s.ownTransport == nil {
		return
	}
	s.ownTransport.CloseIdleConnections()
	s.tokenTransport.CloseIdleConnections()
	s.identities.CloseIdleConnections()
}

// timeoutOf is the longest duration of an attempt to w.
func (s *sender) timeoutOf(w *Webhook) time.Duration {
	if w.Timeout > 0 && w.Timeout < s.timeout {
		return w.Timeout
	}
	return s.timeout
}

// attempt makes one request and judges the answer by its status line, into a. An error while the
// body is read changes nothing, because the receiver has answered and another request would only
// repeat it. attempt never panics. Code of the host may end the goroutine; then too a is complete.
//
// Within the attempt and its time the transport may make the request a second time, with the same
// bytes: see [transport.Transport.Send]. The attempt itself makes it a second time after a cached
// token was refused: see renewToken.
func (s *sender) attempt(ctx context.Context, w *Webhook, d *Delivery, now time.Time, a *Attempt) {
	*a = Attempt{Number: d.Attempts + 1, Start: now}
	began := time.Now()
	returned := false
	defer func() {
		if _ = recover(); !returned && a.Status == 0 && a.Code == CodeOK {
			a.Code = CodeConfig // code of the host panicked, or ended its goroutine, before there was an answer
		}
		a.Duration = max(0, time.Since(began))
	}()
	var auth authorization
	for s.tryRequest(ctx, w, d, a, &auth, began) {
	}
	returned = true
}

// tryRequest makes one request of an attempt and reports whether it is to be made again.
func (s *sender) tryRequest(ctx context.Context, w *Webhook, d *Delivery, a *Attempt, auth *authorization, began time.Time) (again bool) {
	x := transport.Begin(ctx, d.Body)
	x.Limit(s.timeoutOf(w)-time.Since(began), s.bounds.header)
	defer x.End()
	at := attemptTime(a.Start, began)
	prep := s.prepared.get(at, w)
	req, to, err := s.request(x, prep, w, d, a.Number, at, auth)
	if err != nil {
		refused := asRequestError(err)
		a.Code, a.Detail, a.Snippet = refused.code, refused.detail, refused.snippet
		return false
	}
	if s.lookup {
		if err := s.ownTransport.Lookup(x, req.URL.Hostname()); err != nil {
			a.Code, a.Detail = unanswered(x, err)
			return false
		}
	}
	by := s.ownTransport
	if id := prep.identity; id != nil {
		use := s.identities.Take(id.Digest, transport.Identity{Certificate: id.Certificate, RootCAs: id.RootCAs})
		defer use.Give()
		by = use.Transport
	}
	resp, err := s.roundTrip(by, x, req, a)
	if err != nil {
		a.Code, a.Detail = unanswered(x, err)
		return false
	}
	if s.renewToken(resp.StatusCode, auth) {
		_ = resp.Body.Close()
		return true
	}
	s.judgeAnswer(a, resp, x, to, req.Header, began)
	return false
}

// judgeAnswer sets the code of an attempt and keeps parts of the answer.
func (s *sender) judgeAnswer(a *Attempt, resp *http.Response, x *transport.Exchange, to *target, sent http.Header, began time.Time) {
	defer func() { _ = resp.Body.Close() }() // also if Judge ends this goroutine
	a.Status = resp.StatusCode
	if a.Code = CodeStatus; a.Status >= 300 && a.Status <= 399 {
		a.Code = CodeRedirect
	}
	switch verdict := s.profile.verdict(a); {
	case verdict == VerdictAccept:
		a.Code = CodeOK
	case verdict == VerdictRetry && a.Code == CodeStatus:
		if after, ok := retry.ParseAfter(resp.Header, attemptTime(a.Start, began)); ok {
			a.RetryAfter = after
		}
	}
	if !a.OK() {
		a.Header = answerHeader(resp.Header, to, sent)
	}
	if resp.StatusCode >= 200 { // of 101 the body is the bare connection, which no deadline ends
		a.Snippet = s.readBody(resp.Body, x, to, sent)
	}
}

// roundTrip sends a request by own. If own is nil it uses the transport of the host, and turns its
// panics and broken answers into errors. If that ends the goroutine, a has the code of such an error.
func (s *sender) roundTrip(own *transport.Transport, x *transport.Exchange, req *http.Request, a *Attempt) (resp *http.Response, err error) {
	if own != nil {
		return own.Send(x, req)
	}
	returned := false
	defer func() {
		if _ = recover(); !returned {
			err = fmt.Errorf("%w: Transport", ErrPanic)
			a.Code, a.Detail = unanswered(x, err)
		}
	}()
	if req.ContentLength > 0 {
		req.GetBody = x.Again
	}
	resp, err = s.hostTransport.RoundTrip(req)
	if err == nil && resp == nil {
		err = errors.New("webhook: Transport returned neither response nor error")
	}
	returned = true
	return resp, err
}

// requestError is the outcome of an attempt whose request could not be built.
type requestError struct {
	code    Code
	err     error
	detail  Detail
	snippet string
}

func (e *requestError) Error() string { return e.err.Error() }
func (e *requestError) Unwrap() error { return e.err }

// asRequestError returns the requestError of err. Any other error has CodeConfig.
func asRequestError(err error) *requestError {
	var r *requestError
	if errors.As(err, &r) {
		return r
	}
	return &requestError{code: CodeConfig, err: err}
}

// requestParts are the parts of a request, in one allocation.
type requestParts struct {
	url    url.URL
	values [8]string // of headers
	set    int       // values that are in use
}

// header sets a header with one value.
func (p *requestParts) header(h http.Header, name, value string) {
	if p.set == len(p.values) {
		h[name] = []string{value}
		return
	}
	p.values[p.set] = value
	p.set++
	h[name] = p.values[p.set-1 : p.set : p.set]
}

// request builds and signs a request. Its errors may hold texts of the host's hooks and are never
// shown.
func (s *sender) request(x *transport.Exchange, prep *preparedWebhook, w *Webhook, d *Delivery, number int, at time.Time, auth *authorization) (req *http.Request, to *target, err error) {
	defer contain("Profile", &err)
	if len(d.Body) > s.profile.maxBody() {
		return nil, nil, &requestError{code: CodePayload, err: ErrTooLarge}
	}
	w = prep.liveHook(w)
	if to, err = prep.targetOf(s.profile, w, d); err != nil {
		return nil, nil, err
	}
	if prep.refused != nil {
		return nil, nil, prep.refused
	}
	if prep.identity != nil && s.ownTransport == nil {
		return nil, nil, errors.New("webhook: Options.Transport cannot show the certificate of a webhook")
	}
	p := &requestParts{url: to.url}
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
	if s.profile.Prepare.Header != nil {
		s.profile.Prepare.Header(*w, *d, req.Header)
	}
	if err := s.authorize(x, w, req.Header, auth); err != nil {
		return nil, nil, err
	}
	signer, err := prep.signerOf(s.profile, at)
	if err != nil {
		return nil, nil, err
	}
	if signer != nil {
		if err := s.sign(signer, req, w, sign.Message{ID: d.EventID, Attempt: number, Time: at, Body: d.Body}); err != nil {
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
func (s *sender) sign(signer sign.Signer, req *http.Request, w *Webhook, m sign.Message) error {
	u, judged := req.URL, *req.URL
	auth := slices.Clone(req.Header["Authorization"])
	if err := signer.Sign(req, m); err != nil {
		return err
	}
	if w.Auth.Scheme != "" {
		if err := checkSignedAuthorization(auth, req.Header); err != nil {
			return err
		}
	}
	if req.URL != u || *u != judged || req.Host != judged.Host || req.Method != http.MethodPost {
		return errors.New("webhook: a Signer may set headers only")
	}
	return nil
}
