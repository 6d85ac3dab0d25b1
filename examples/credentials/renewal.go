package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sign"
	"github.com/postrider/postrider/webhook/webhooktest"
)

// renewal revokes an OAuth 2.0 token: the receiver refuses it, and the same attempt fetches another
// one and is accepted.
func renewal(ctx context.Context, say func(string, ...any)) error {
	p := &provider{}
	s, err := newStage(ctx, webhook.Standard(), func(webhooktest.Request) error { return nil },
		func(s *stage, _ *webhook.Options) { s.aside = p.answer })
	if err != nil {
		return err
	}
	err = s.renew(ctx, say, p)
	return errors.Join(err, s.close())
}

// provider issues tokens, and refuses requests without the latest one. The stage calls it for one
// request at a time.
type provider struct {
	given   atomic.Int64
	refused atomic.Int64
}

const tokenPath = "/oauth/token"

func (p *provider) answer(r webhooktest.Request) *webhooktest.Response {
	switch {
	case r.Path == tokenPath:
		return &webhooktest.Response{Status: http.StatusOK,
			Body: fmt.Sprintf(`{"access_token":"token-%d","token_type":"Bearer","expires_in":3600}`, p.given.Add(1))}
	case r.Header.Get("Authorization") != fmt.Sprintf("Bearer token-%d", p.given.Load()):
		p.refused.Add(1)
		return &webhooktest.Response{Status: http.StatusUnauthorized}
	}
	return nil
}

// revoke ends the latest token.
func (p *provider) revoke() { p.given.Add(1) }

func (s *stage) renew(ctx context.Context, say func(string, ...any), p *provider) error {
	secret, err := sign.GenerateSecret()
	if err != nil {
		return err
	}
	endpoint, err := url.Parse(s.endpoint.URL())
	if err != nil {
		return err
	}
	endpoint.Path = tokenPath
	_, err = s.manager.Add(ctx, webhook.Webhook{Scope: scope, Name: "Ops", URL: s.endpoint.URL(), Secrets: []webhook.Secret{secret},
		Events: []string{"*"}, Active: true, Auth: webhook.Auth{Scheme: webhook.AuthOAuth, Secret: webhook.NewSecret("client secret"),
			OAuth: webhook.OAuth{TokenURL: endpoint.String(), ClientID: "postrider"}}})
	if err != nil {
		return err
	}
	if err := s.traffic(ctx, 20); err != nil {
		return err
	}
	s.change(p.revoke)
	if err := s.traffic(ctx, 20); err != nil {
		return err
	}
	if p.refused.Load() == 0 || p.given.Load() != 3 {
		return fmt.Errorf("%d requests were refused and %d tokens counted, want some and 3", p.refused.Load(), p.given.Load())
	}
	say("%d events, each accepted once; the token was revoked and renewed once", s.events)
	return nil
}
