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
	"github.com/postrider/postrider/webhook/internal/redact"
	"github.com/postrider/postrider/webhook/internal/transport"
)

// authorization is the state of an attempt's Authorization header.
type authorization struct {
	client  *oauth.Client // nil for schemes without a client
	token   oauth.Token
	fetched bool // this attempt fetched the token
	unsent  bool // the request is only shown, so no token is fetched
}

// authorize sets the Authorization header if the webhook has Auth. It may fetch a token.
func (s *sender) authorize(ctx context.Context, w *Webhook, h http.Header, auth *authorization) error {
	if w.Auth.Scheme == "" {
		return nil
	}
	if !slices.Contains(s.profile.Form.Auth, w.Auth.Scheme) {
		return errors.New("webhook: the Profile does not allow this scheme of Authorization")
	}
	if w.Auth.Scheme != AuthOAuth {
		value, err := w.Auth.headerValue()
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
		setAuthorization(h, "Bearer "+redact.Mask)
		return nil
	}
	auth.client = w.oauthClient()
	var err error
	var fetched bool
	if auth.token, fetched, err = s.tokens.Token(ctx, auth.client); err != nil {
		return tokenError(err)
	}
	auth.fetched = auth.fetched || fetched
	setAuthorization(h, "Bearer "+auth.token.Value)
	return nil
}

// renewToken reports whether the request is to be made once more with a new token: the receiver
// refused a token that came from the cache and may have been revoked. It drops that token.
func (s *sender) renewToken(status int, auth *authorization) bool {
	if status != http.StatusUnauthorized || auth.token.Value == "" || auth.fetched {
		return false
	}
	s.tokens.Drop(auth.client, auth.token)
	auth.fetched = true // once
	return true
}

// tokenError is the refusal of a request for which no token could be fetched. Of the answer of the
// token endpoint it keeps only the status and the error name of RFC 6749.
func tokenError(err error) error {
	out := &requestError{code: CodeAuth, err: err}
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

// postToken sends a request to a token endpoint with the checks of every request: of the URL
// before, and of the address at the dial. It follows no redirect and shows no client certificate.
func (s *sender) postToken(ctx context.Context, raw string, h http.Header, body []byte) (status int, answer []byte, err error) {
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
		if err := s.tokenTransport.Lookup(ctx, u.Hostname()); err != nil {
			return 0, nil, err
		}
	}
	resp, err := s.roundTrip(s.tokenTransport, x, req, new(Attempt))
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

// isPermanentAuth reports whether the error of a token endpoint makes another try useless.
func isPermanentAuth(d Detail) bool {
	switch d {
	case DetailInvalidClient, DetailUnauthorizedClient, DetailInvalidScope, DetailUnsupportedGrantType:
		return true
	}
	return false
}

// checkSignedAuthorization refuses a Signer that changed the header of the webhook's Auth.
func checkSignedAuthorization(was []string, h http.Header) error {
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

// attemptTime is the present time in an attempt that began at start. began holds the monotonic
// clock.
func attemptTime(start, began time.Time) time.Time { return start.Add(time.Since(began)) }
