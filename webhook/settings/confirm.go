package settings

import (
	"errors"
	"net/http"
	"slices"

	"github.com/postrider/postrider/webhook"
)

// confirmView is the page that asks before something is lost. Its button sends the form that is sent
// without a question where none is asked.
type confirmView struct {
	Action, Back string // paths below the root
	Lost         []string
	Button       string
	Now          bool // the form replaces a secret at once
}

// confirm shows the page. title gets the name of the webhook.
func (v *visit) confirm(title func(name string) string, view confirmView) error {
	if v.readOnly {
		return problem{http.StatusForbidden, v.t.ReadOnlyRefused}
	}
	w, err := v.m.Webhook(v.ctx, v.scope, v.id)
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, "confirm", page{Title: title(w.Name), Body: &view})
}

func (v *visit) confirmDelete() error {
	if !v.asks {
		v.w.Header().Set("Allow", http.MethodPost)
		return problem{http.StatusMethodNotAllowed, v.t.BadMethod}
	}
	view := confirmView{Action: "webhooks/" + v.id + "/delete", Lost: []string{v.t.ConfirmHint}, Button: v.t.Delete}
	n, err := v.counted(webhook.Query{WebhookID: v.id, States: []webhook.State{webhook.StatePending}}, maxMissed)
	switch {
	case errors.Is(err, webhook.ErrUnsupported): // the Store keeps no log
	case err != nil:
		return err
	case n > 0:
		view.Lost = append(view.Lost, v.t.ConfirmWaiting(v.number(n, maxMissed)))
	}
	return v.confirm(v.t.Confirm, view)
}

func (v *visit) confirmRevoke() error {
	secret := v.r.PathValue("secret")
	infos, err := v.m.Secrets(v.ctx, v.scope, v.id)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(infos, func(s webhook.SecretInfo) bool { return s.ID == secret }) {
		return webhook.ErrNotFound
	}
	at := "webhooks/" + v.id
	return v.confirm(v.t.ConfirmRevoke, confirmView{Action: at + "/secrets/" + secret + "/revoke", Back: at,
		Lost: []string{v.t.ConfirmRevokeHint}, Button: v.t.SecretRevoke})
}

func (v *visit) confirmReplace() error {
	if !v.makes {
		return problem{http.StatusNotFound, v.t.NoPage}
	}
	at := "webhooks/" + v.id
	return v.confirm(v.t.ConfirmReplace, confirmView{Action: at + "/secrets", Back: at,
		Lost: []string{v.t.ConfirmReplaceHint}, Button: v.t.SecretNewNow, Now: true})
}
