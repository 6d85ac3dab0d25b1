package settings

import (
	"errors"
	"net/http"

	"github.com/postrider/postrider/webhook"
)

// secretView is a secret as the page shows it, without its value.
type secretView struct {
	ID            string
	Created, Ends *moment // nil for an unknown age, and for no end
	Last          bool    // it cannot be revoked
}

func (v *visit) secretViews() ([]secretView, error) {
	infos, err := v.m.Secrets(v.ctx, v.scope, v.id)
	if errors.Is(err, webhook.ErrSealed) {
		return nil, nil // a secret that cannot be opened is not listed
	}
	c := v.clock()
	views := make([]secretView, len(infos))
	for i, s := range infos {
		views[i] = secretView{ID: s.ID, Created: c.at(s.CreatedAt), Ends: c.at(s.ExpiresAt), Last: len(infos) == 1}
	}
	return views, err
}

// shownSecret is the page that shows a generated secret, once.
type shownSecret struct{ ID, Value, Said string }

// showSecret answers the request that made the secret, and does not redirect: no cookie, link or
// later answer holds the value. A repeat of the form leads to the webhook.
func (v *visit) showSecret(w webhook.Webhook, said string) error {
	v.moved, v.sent, v.left = true, "webhooks/"+w.ID, &notice{Kind: noticeShown}
	return v.render(http.StatusOK, "secret", page{Title: v.t.SecretOf(w.Name), Body: shownSecret{w.ID, w.Secrets[0].Reveal(), said}})
}

// rotate puts a generated secret in place of the newest.
func (v *visit) rotate() error {
	if !v.makes {
		return problem{http.StatusNotFound, v.t.NoPage}
	}
	var opts []webhook.RotateOption
	if v.r.PostForm.Get("now") != "" {
		opts = append(opts, webhook.RevokeNow())
	}
	w, err := v.m.RotateSecret(v.ctx, v.scope, v.id, webhook.Secret{}, opts...)
	if err != nil {
		return v.notRotated(err)
	}
	return v.showSecret(w, "")
}

// notRotated says why a rotation was refused.
func (v *visit) notRotated(err error) error {
	var open *webhook.RotatingError
	switch {
	case errors.As(err, &open):
		return problem{http.StatusConflict, v.t.SecretRotating(v.clock().at(open.Until).Text)}
	case errors.Is(err, webhook.ErrUnsupported):
		return problem{http.StatusNotImplemented, v.t.SecretUnsupported}
	}
	return err
}

// revoke ends a secret at once.
func (v *visit) revoke() error {
	w, err := v.m.RevokeSecret(v.ctx, v.scope, v.id, v.r.PathValue("secret"))
	switch {
	case errors.Is(err, webhook.ErrLast):
		return problem{http.StatusConflict, v.t.SecretLast}
	case err != nil:
		return err
	}
	v.leaveNotice(notice{Kind: noticeRevoked, Name: w.Name})
	return v.see("webhooks/" + w.ID)
}
