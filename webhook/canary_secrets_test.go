package webhook_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sign"
)

// timestamped is a profile that signs with every secret, of any text.
func timestamped() webhook.Profile {
	p := webhook.Standard()
	p.Form.Check = nil
	p.Prepare.Sign = func(w webhook.Webhook) (sign.Signer, error) { return sign.Timestamped("X-Signature", w.Secrets...) }
	return p
}

// Rule: a rotation, a revocation and the list of secrets show no secret in results, refusals and
// logs. Nor does an answer that repeats one, newest, older or ended.
func TestCanaryRotation(t *testing.T) {
	t.Parallel()
	const first, next, third = "firstCanary-wqwqwq", "nextCanary-ykykyk", "thirdCanary-vxvxvx"
	synctest.Test(t, func(t *testing.T) {
		var all collected
		echo := func(r *http.Request) (*http.Response, error) {
			return respond(400, strings.Join([]string{first, next, r.Header.Get("X-Signature")}, "\n"))(r)
		}
		h := newHost(t, newStore(t), timestamped(), &webhook.Options{Transport: transportFunc(echo), Poll: 24 * time.Hour, Logger: all.logger(), Observer: all.observer()})
		in := hidden()
		in.URL, in.Secrets = "https://hooks.example.com/pathCanary-qjqjqjqj", secrets(first)
		w, err := h.hooks.Add(ctx, in)
		all.add("added", w, err)
		if err != nil {
			t.Fatal(err)
		}
		h.start()
		defer h.stop()
		w, err = h.hooks.RotateSecret(ctx, scope, w.ID, webhook.NewSecret(next))
		all.add("rotated", w, w.Secrets, err)
		if err != nil || len(w.Secrets) != 2 {
			t.Fatalf("%d secrets, %v", len(w.Secrets), err)
		}
		ask := func() {
			t.Helper()
			r, err := h.Dispatch(ctx, success(t))
			all.add("receipt", r, err)
			settled(time.Second)
			infos, err := h.hooks.Secrets(ctx, scope, w.ID)
			all.add("infos", infos, err)
			all.queryAll(h, w)
		}
		ask()
		_, err = h.hooks.RotateSecret(ctx, scope, w.ID, webhook.NewSecret(third))
		var open *webhook.RotatingError
		all.add("within a rotation", err, errors.As(err, &open), open)
		for _, opt := range []webhook.RotateOption{webhook.Overlap(-1), webhook.RevokeNow()} {
			_, err = h.hooks.RotateSecret(ctx, scope, w.ID, webhook.NewSecret(third+"\n"), opt)
			all.add("refused", err)
		}
		_, err = h.hooks.RevokeSecret(ctx, scope, w.ID, first)
		all.add("unknown", err)
		settled(25 * time.Hour) // the first has ended and is still stored
		ask()
		_, err = h.hooks.RevokeSecret(ctx, scope, w.ID, w.Secrets[0].ID())
		all.add("the last", err)
		all.check(t, 60)
	})
}
