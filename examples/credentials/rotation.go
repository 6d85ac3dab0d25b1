package main

import (
	"context"
	"errors"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sign"
	"github.com/postrider/postrider/webhook/webhooktest"
)

// rotation changes the secret of a webhook: the receiver follows later and refuses nothing.
func rotation(ctx context.Context, say func(string, ...any)) error {
	first, err := sign.GenerateSecret()
	if err != nil {
		return err
	}
	known := first // by the receiver, which knows one secret at a time
	s, err := newStage(ctx, webhook.Standard(), func(r webhooktest.Request) error {
		return sign.VerifyStandard(r.Header, r.Body, time.Now(), 0, known)
	})
	if err != nil {
		return err
	}
	err = s.rotate(ctx, say, first, &known)
	return errors.Join(err, s.close())
}

func (s *stage) rotate(ctx context.Context, say func(string, ...any), first sign.Secret, known *sign.Secret) error {
	hook, err := s.manager.Add(ctx, webhook.Webhook{Scope: scope, Name: "Ops", URL: s.endpoint.URL(),
		Secrets: []webhook.Secret{first}, Events: []string{"*"}, Active: true})
	if err != nil {
		return err
	}
	if err := s.traffic(ctx, 20); err != nil {
		return err
	}
	next, err := sign.GenerateSecret()
	if err != nil {
		return err
	}
	if _, err := s.manager.RotateSecret(ctx, scope, hook.ID, next); err != nil {
		return err
	}
	if err := s.traffic(ctx, 20); err != nil {
		return err
	}
	s.change(func() { *known = next })
	if err := s.traffic(ctx, 20); err != nil {
		return err
	}
	say("%d events, each accepted once", s.events)
	return nil
}
