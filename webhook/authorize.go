package webhook

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/postrider/postrider/internal/ascii"
	"github.com/postrider/postrider/webhook/internal/oauth"
	"github.com/postrider/postrider/webhook/internal/transport"
)

// authorization is what one attempt knows of its Authorization header.
type authorization struct {
	client  *oauth.Client // nil without one, which costs nothing then
	token   oauth.Token
	fetched bool // by this attempt
	unsent  bool // the request is for people to look at: no token is fetched for it
}

// authorize puts the Authorization header of a webhook in, where it has one. It may fetch a token.
func (s *sender) authorize(ctx context.Context, w *Webhook, h http.Header, auth *authorization) error {
	if w.Auth.Scheme == "" {
		return nil
	}
	if !slices.Contains(s.profile.Form.Auth, w.Auth.Scheme) {
		return errors.New("webhook: the Profile does not allow this scheme of Authorization")
	}
	if w.Auth.Scheme != AuthOAuth {
		value, err := w.Auth.static()
		if err == nil && (!ascii.IsPrintable(value) || strings.TrimSpace(value) != value || w.Auth.Secret.IsZero()) {
			err = errHeaderValue
		}
		if err != nil {
			return err
		}
		setAuthorization(h, value)
		return nil
	}
	if auth.unsent {
		setAuthorization(h, "Bearer "+redacted)
		return nil
	}
	auth.client = w.client()
	var err error
	var fetched bool
	if auth.token, fetched, err = s.tokens.Token(ctx, auth.client); err != nil {
		return noToken(err)
	}
	auth.fetched = auth.fetched || fetched
	setAuthorization(h, "Bearer "+auth.token.Value)
	return nil
}

// renews tells whether the request of an attempt is made once more with another token: the receiver
// does not accept this one, which the attempt had found in memory. It may have been revoked.
func (s *sender) renews(status int, auth *authorization) bool {
	if status != http.StatusUnauthorized || auth.token.Value == "" || auth.fetched {
		return false
	}
	s.tokens.Drop(auth.client, auth.token)
	auth.fetched = true // once
	return true
}

// noToken is the refusal of a request for which there is no token. What the endpoint said is left
// out but for its status and the name of an error of RFC 6749.
func noToken(err error) error {
	out := &errRequest{code: CodeAuth, err: err}
	var answered *oauth.Error
	var failed *transport.Error
	switch {
	case errors.As(err, &answered):
		out.detail, out.snippet = Detail(answered.Name), answered.Error()
	case errors.As(err, &failed) && failed.Kind == transport.Egress:
		out.code, out.detail = CodeEgress, Detail(failed.Reason)
	case errors.As(err, &failed):
		out.detail, out.snippet = Detail(failed.Reason), "token endpoint: "+string(failed.Kind)
	case errors.Is(err, context.DeadlineExceeded):
		out.snippet = "token endpoint: " + string(CodeTimeout)
	default:
		out.snippet = "token endpoint: " + string(CodeURLRejected)
	}
	return out
}

// post sends a request to a token endpoint, along the way of all requests: the URL is judged, and
// the address when it is dialled. No redirect is followed, and no certificate of a client shown.
func (s *sender) post(ctx context.Context, raw string, h http.Header, body []byte) (status int, answer []byte, err error) {
	canonical, err := s.profile.Form.AllowToken.CheckURL(raw)
	if err != nil {
		return 0, nil, err
	}
	u, err := url.Parse(canonical)
	if err != nil {
		return 0, nil, err
	}
	x := transport.Begin(ctx, body)
	req := x.Request()
	req.Method, req.URL, req.Host, req.Header = http.MethodPost, u, u.Host, h
	req.Proto, req.ProtoMajor, req.ProtoMinor = "HTTP/1.1", 1, 1
	h.Set("User-Agent", userAgent)
	if s.lookup {
		if err := s.tokenWay.Lookup(ctx, u.Hostname()); err != nil {
			return 0, nil, err
		}
	}
	resp, err := s.roundTrip(s.tokenWay, x, req)
	if err != nil {
		return 0, nil, x.Failure(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode < 200 {
		return resp.StatusCode, nil, nil
	}
	if answer, err = io.ReadAll(io.LimitReader(resp.Body, oauth.MaxAnswer+1)); err != nil {
		return 0, nil, x.Failure(err)
	}
	return resp.StatusCode, answer, nil
}

// givesUpOnAuth tells whether the error of a token endpoint says that asking again is of no use.
func givesUpOnAuth(d Detail) bool {
	switch d {
	case DetailInvalidClient, DetailUnauthorizedClient, DetailInvalidScope, DetailUnsupportedGrantType:
		return true
	}
	return false
}

// signedAuthorization keeps a Signer from changing a header that the webhook's Auth has set.
func signedAuthorization(was []string, h http.Header) error {
	for name, is := range h {
		if strings.EqualFold(name, "Authorization") && (name != "Authorization" || !slices.Equal(was, is)) {
			return errors.New("webhook: a Signer may not change the Authorization of a webhook that has Auth")
		}
	}
	if _, ok := h["Authorization"]; !ok {
		return errors.New("webhook: a Signer may not remove the Authorization of a webhook that has Auth")
	}
	return nil
}

// elapsed is a time of the attempt that began at start.
func elapsed(start, began time.Time) time.Time { return start.Add(time.Since(began)) }
