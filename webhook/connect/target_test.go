package connect_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/connect"
	"github.com/postrider/postrider/webhook/sign"
)

func TestWithoutUser(t *testing.T) {
	t.Parallel()
	p := connect.Profile(connect.WithoutUser(), connect.WithSubject())
	w := webhook.Webhook{Scope: scope, URL: "https://hooks.example.com/a", Secrets: []webhook.Secret{shared}}
	got, err := p.Prepare.Target(w, webhook.Delivery{Vars: map[string]string{"user_id": "admin", "user_key": "admin"}})
	if err != nil || got != w.URL {
		t.Errorf("Target = %s, %v; want %s", got, err, w.URL)
	}
}

// Rule: nothing outside the base URL is sent or signed, even when the stored webhook asks for it.
func TestOutsideTheBaseURL(t *testing.T) {
	t.Parallel()
	h := newHost(t, connect.Profile(), webhook.Options{})
	w := h.install(descriptor(t, `[{"event":"jira:issue_updated","url":"/a"}]`))[0]
	for name, target := range map[string]string{
		"another host":           "https://elsewhere.example.com/addon/a",
		"another path":           "https://hooks.example.com/other",
		"a path that looks like": "https://hooks.example.com/addons/a",
	} {
		moved := w.Clone()
		moved.URL, moved.Version = target, 0
		_, err := h.manager.Edit(t.Context(), moved)
		var bad *webhook.ValidationError
		if !errors.As(err, &bad) || bad.Field("url") == "" {
			t.Errorf("%s: Edit = %v, want an error about the url", name, err)
		}
		signer, err := connect.Profile().Prepare.Sign(moved)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequest(http.MethodPost, target, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := signer.Sign(r, sign.Message{Time: time.Unix(1, 0)}); !errors.Is(err, sign.ErrConfig) || len(r.Header) != 0 {
			t.Errorf("%s: Sign = %v with headers %v, want ErrConfig and none", name, err, r.Header)
		}
	}
	// The stored webhook is changed without the Manager.
	stored, err := h.store.Webhook(t.Context(), scope, w.ID)
	if err != nil {
		t.Fatal(err)
	}
	stored.URL = "https://hooks.example.com/other"
	if err := h.store.Update(t.Context(), stored); err != nil {
		t.Fatal(err)
	}
	stop := h.run()
	id := h.dispatch(issueUpdated(t)).Deliveries[0]
	d := h.settled(id)
	stop()
	if d.State != webhook.StateFailed || d.LastCode != webhook.CodeURLRejected || len(h.addOn.Requests()) != 0 {
		t.Errorf("%v, %s, %d requests; want failed, url_rejected and none", d.State, d.LastCode, len(h.addOn.Requests()))
	}
}
