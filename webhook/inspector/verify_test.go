package inspector_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/postrider/postrider/payload/confluenceevent"
	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/webhook/inspector"
	"github.com/postrider/postrider/webhook/sign"
)

// Rule: every signature scheme is recognised, and verified when a known secret fits.
func TestVerify(t *testing.T) {
	t.Parallel()
	now := time.Now()
	standard := func(secret string) sign.Signer {
		s, err := sign.Standard(sign.NewSecret(secret))
		check(t, err)
		return s
	}
	other := "whsec_" + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	for name, tt := range map[string]struct {
		r    *http.Request
		want []inspector.Check
	}{
		"token":          {signed(t, sign.Token(sign.TokenHeader, sign.NewSecret(canary)), now), []inspector.Check{{Scheme: "token", Result: "verified"}}},
		"wrong token":    {signed(t, sign.Token(sign.TokenHeader, sign.NewSecret("other")), now), []inspector.Check{{Scheme: "token", Result: "rejected", Detail: "wrong token"}}},
		"token in path":  {request(http.MethodPost, "/in/hook/"+canary, body), []inspector.Check{{Scheme: "token in path", Result: "verified"}}},
		"standard":       {signed(t, standard(whsec), now), []inspector.Check{{Scheme: "Standard Webhooks", Result: "verified"}}},
		"wrong standard": {signed(t, standard(other), now), []inspector.Check{{Scheme: "Standard Webhooks", Result: "rejected", Detail: "no matching signature"}}},
		"old standard":   {signed(t, standard(whsec), now.Add(-time.Hour)), []inspector.Check{{Scheme: "Standard Webhooks", Result: "rejected", Detail: "timestamp too old"}}},
		"hub":            {signed(t, sign.HMAC(sign.NewSecret(canary)), now), []inspector.Check{{Scheme: "X-Hub-Signature", Result: "verified"}}},
		"wrong hub":      {signed(t, sign.HMAC(sign.NewSecret("other")), now), []inspector.Check{{Scheme: "X-Hub-Signature", Result: "rejected", Detail: "no matching signature"}}},
		"none":           {request(http.MethodPost, "/in/hook", body), []inspector.Check{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := start(t, &inspector.Options{Secrets: []sign.Secret{sign.NewSecret(canary), sign.NewSecret(whsec)}})
			d.serve(tt.r)
			if diff := cmp.Diff(tt.want, d.latest().Checks); diff != "" {
				t.Errorf("checks (-want +got):\n%s", diff)
			}
		})
	}
}

// Rule: without secrets no signature counts as wrong.
func TestVerify_withoutSecrets(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	d.serve(signed(t, sign.HMAC(sign.NewSecret(canary)), time.Now()))
	if got := d.latest().Checks; len(got) != 1 || got[0].Result != inspector.Unchecked {
		t.Errorf("checks %+v", got)
	}
}

// Rule: requests of a Connect site are verified after it installed the app; its secret is not
// shown.
func TestConnect(t *testing.T) {
	t.Parallel()
	d := start(t, &inspector.Options{BaseURL: "https://" + host + prefix})
	signer, err := sign.ConnectJWT(clientKey, sign.NewSecret(canary), "https://"+host+prefix, nil)
	check(t, err)
	d.serve(signed(t, signer, time.Now()))
	if got := d.latest().Checks; got[0].Result != inspector.Unchecked {
		t.Errorf("before the installation: %+v", got)
	}
	d.send(http.MethodPost, "/in/connect/installed", `{"clientKey":"`+clientKey+`","sharedSecret":"`+canary+`","eventType":"installed"}`)
	if got := d.latest(); strings.Contains(string(got.Body), canary) || got.Event != "installed" {
		t.Errorf("request %+v", got)
	}
	d.serve(signed(t, signer, time.Now()))
	if diff := cmp.Diff([]inspector.Check{{Scheme: "Connect JWT", Result: "verified"}}, d.latest().Checks); diff != "" {
		t.Errorf("checks (-want +got):\n%s", diff)
	}
	wrong, err := sign.ConnectJWT(clientKey, sign.NewSecret("another secret"), "https://"+host+prefix, nil)
	check(t, err)
	d.serve(signed(t, wrong, time.Now()))
	if got := d.latest().Checks; got[0].Result != inspector.Rejected {
		t.Errorf("checks %+v", got)
	}
}

// Rule: the descriptor listens to every event of the catalogue, each at its own URL, which names
// the event.
func TestDescriptor(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	var got struct {
		BaseURL   string
		Lifecycle map[string]string
		Modules   struct {
			Webhooks []struct{ Event, URL string }
		}
	}
	check(t, json.Unmarshal(d.send(http.MethodGet, "/atlassian-connect.json", "").Body.Bytes(), &got))
	if got.BaseURL != "https://"+host+prefix || got.Lifecycle["installed"] != "/in/connect/installed" {
		t.Errorf("descriptor %+v", got)
	}
	want := map[string]bool{}
	for _, name := range append(jiraevent.Events(), confluenceevent.Events()...) {
		want[name] = true
	}
	for _, h := range got.Modules.Webhooks {
		if !want[h.Event] {
			t.Errorf("%s is unknown or there twice", h.Event)
		}
		delete(want, h.Event)
		d.send(http.MethodPost, h.URL+"?user_id=7", `{"timestamp":1}`)
		if r := d.latest(); r.Event != h.Event {
			t.Errorf("at %s event %q", h.URL, r.Event)
		}
	}
	if len(want) != 0 {
		t.Errorf("missing: %v", want)
	}
	check(t, json.Unmarshal(d.send(http.MethodGet, "/atlassian-connect.json?product=confluence", "").Body.Bytes(), &got))
	if len(got.Modules.Webhooks) != len(confluenceevent.Events()) {
		t.Errorf("%d webhooks for Confluence alone", len(got.Modules.Webhooks))
	}
}
