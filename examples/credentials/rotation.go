package main

import (
	"context"
	"errors"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sign"
	"github.com/postrider/postrider/webhook/webhooktest"
)

// rotation changes the secret of a webhook under traffic. The receiver has one secret at a time and
// changes over later; it refuses nothing. Then the older one is revoked.
func rotation(ctx context.Context, say func(string, ...any)) error {
	var known sign.Secret // the receiver's secret
	s, err := newStage(ctx, webhook.Standard(), func(r webhooktest.Request) error {
		return sign.VerifyStandard(r.Header, r.Body, time.Now(), 0, known)
	})
	if err != nil {
		return err
	}
	return errors.Join(s.rotate(ctx, say, &known), s.close())
}

func (s *stage) rotate(ctx context.Context, say func(string, ...any), known *sign.Secret) error {
	const n = 20 // events of each step
	hook, err := s.manager.Add(ctx, webhook.Webhook{Scope: scope, Name: "Ops", URL: s.endpoint.URL(), Events: []string{"*"}, Active: true})
	if err != nil {
		return err
	}
	first := hook.Secrets[0] // generated, and shown only here
	s.change(func() { *known = first })
	if err := s.traffic(ctx, n); err != nil {
		return err
	}
	say("%d events accepted with the first secret", n)
	err = s.during(ctx, n, func() error {
		hook, err = s.manager.RotateSecret(ctx, scope, hook.ID, webhook.Secret{})
		return err
	})
	if err != nil {
		return err
	}
	next := hook.Secrets[0]
	say("%d accepted while the secret was rotated; the receiver still knows the first", n)
	if err := s.during(ctx, n, func() error { s.change(func() { *known = next }); return nil }); err != nil {
		return err
	}
	say("%d accepted while the receiver changed over", n)
	infos, err := s.manager.Secrets(ctx, scope, hook.ID)
	if err != nil {
		return err
	}
	if len(infos) != 2 || infos[1].ExpiresAt.IsZero() {
		return errors.New("the first secret has no end")
	}
	err = s.during(ctx, n, func() error {
		_, err := s.manager.RevokeSecret(ctx, scope, hook.ID, infos[1].ID)
		return err
	})
	if err != nil {
		return err
	}
	if err := s.traffic(ctx, 1); err != nil {
		return err
	}
	all := s.endpoint.Requests()
	last := all[len(all)-1]
	if err := sign.VerifyStandard(last.Header, last.Body, time.Now(), 0, first); !errors.Is(err, sign.ErrSignature) {
		return errors.New("the first secret was revoked and still signs")
	}
	say("revoked the first %s before its end; of %d events each was accepted once, 0 refused",
		time.Until(infos[1].ExpiresAt).Round(time.Hour), s.events)
	return nil
}
