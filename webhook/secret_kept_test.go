package webhook_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sign"
)

const publicURL = "https://hooks.example.com/T1/in"

// byAttribute is a Standard profile with several ways to send: the attribute "scheme" selects one,
// and "host" the host.
func byAttribute() webhook.Profile {
	p := webhook.Standard()
	p.Form.Check = nil
	p.Prepare.Target = func(w webhook.Webhook, d webhook.Delivery) (string, error) {
		if host := w.Attributes["host"]; host != "" {
			return "https://" + host + "/T1/in", nil
		}
		return webhook.Expand(w.URL, d.Vars), nil
	}
	p.Prepare.Sign = func(w webhook.Webhook) (sign.Signer, error) {
		switch w.Attributes["scheme"] {
		case "token":
			return sign.Token("X-Token", w.Secrets[0]), nil
		case "basic":
			return sign.Func(func(r *http.Request, _ sign.Message) error {
				r.SetBasicAuth("user", w.Secrets[0].Reveal())
				return nil
			}), nil
		case "broken":
			return nil, errors.New("no signer")
		}
		return sign.HMAC(w.Secrets[0]), nil
	}
	return p
}

// Rule: a stored credential that is sent goes only to the receiver for which it was entered: an
// edit that leads elsewhere must hold it again. A key that only signs may stay.
func TestEditAsksAgain(t *testing.T) {
	t.Parallel()
	const stored = "stored-secret-0123456789"
	with := func(change ...func(*webhook.Webhook)) func(*webhook.Webhook) {
		return func(w *webhook.Webhook) {
			for _, f := range change {
				f(w)
			}
		}
	}
	to := func(u string) func(*webhook.Webhook) { return func(w *webhook.Webhook) { w.URL = u } }
	attributes := func(pairs ...string) func(*webhook.Webhook) {
		return func(w *webhook.Webhook) { w.Attributes = headers(pairs...) }
	}
	with1 := func(value string) func(*webhook.Webhook) {
		return func(w *webhook.Webhook) { w.Headers = headers("x-key", value) }
	}
	secret := func(s string) func(*webhook.Webhook) { return func(w *webhook.Webhook) { w.Secrets = secrets(s) } }
	for name, c := range map[string]struct {
		profile func() webhook.Profile
		stored  func(*webhook.Webhook)
		edit    func(*webhook.Webhook)
		want    string
	}{
		"token, another path":                   {webhook.Automation, nil, to(automation + "other"), "secret again"},
		"token, a query":                        {webhook.Automation, nil, to(automation + "form?a=b"), "secret again"},
		"token, another case of the path":       {webhook.Automation, nil, to(automation + "FORM"), "secret again"},
		"token, entered again":                  {webhook.Automation, nil, with(to(automation+"other"), secret(stored)), "<nil>"},
		"token, the same URL":                   {webhook.Automation, nil, to(automation + "form"), "<nil>"},
		"token, the same URL otherwise spelled": {webhook.Automation, nil, to("HTTPS://API-Private.Atlassian.com:443" + automation[len("https://api-private.atlassian.com"):] + "form"), "<nil>"},
		"token, no URL":                         {webhook.Automation, nil, nil, "<nil>"},
		"token in the path, another path":       {webhook.Automation, attributes(webhook.AttrSecretIn, webhook.SecretInPath), with(attributes(webhook.AttrSecretIn, webhook.SecretInPath), to(automation+"other")), "secret again"},
		"token moves into the path":             {webhook.Automation, nil, attributes(webhook.AttrSecretIn, webhook.SecretInPath), "<nil>"},
		"token moves into the path of another":  {webhook.Automation, nil, with(attributes(webhook.AttrSecretIn, webhook.SecretInPath), to(automation+"other")), "secret again"},
		"token, a refused URL":                  {webhook.Automation, nil, to("https://evil.example.com/x"), "url A4"},
		"token and header":                      {webhook.Automation, with1("v"), with(to(automation+"other"), with1("")), "secret again; headers again"},
		"header":                                {webhook.Automation, with1("v"), with(to(automation+"other"), secret(stored), with1("")), "headers again"},
		"header under another spelling":         {webhook.Automation, func(w *webhook.Webhook) { w.Headers = headers("X-Key", "v") }, with(to(automation+"other"), secret(stored), with1("")), "headers again"},
		"header, entered again":                 {webhook.Automation, with1("v"), with(to(automation+"other"), secret(stored), with1("v")), "<nil>"},
		"header, left out":                      {webhook.Automation, with1("v"), with(to(automation+"other"), secret(stored)), "<nil>"},
		"header without a value":                {webhook.Automation, with1(""), with(to(automation+"other"), secret(stored), with1("")), "<nil>"},
		"header, the same URL":                  {webhook.Automation, with1("v"), with1(""), "<nil>"},
		"signing key, another host":             {webhook.Standard, nil, to("https://elsewhere.example.net/in"), "<nil>"},
		"signing key and header":                {webhook.Standard, with1("v"), with(to("https://elsewhere.example.net/in"), with1("")), "headers again"},
		"token, a slash more":                   {byAttribute, attributes("scheme", "token"), with(attributes("scheme", "token"), to("https://hooks.example.com/T1/in/")), "secret again"},
		"a Profile that does not say so":        {byAttribute, attributes("scheme", "token"), with(attributes("scheme", "token"), to("https://elsewhere.example.net/in")), "secret again"},
		"the same with Basic":                   {byAttribute, attributes("scheme", "basic"), with(attributes("scheme", "basic"), to("https://elsewhere.example.net/in")), "secret again"},
		"a signing key becomes a token":         {byAttribute, nil, attributes("scheme", "token"), "secret again"},
		"a signing key becomes a password":      {byAttribute, nil, attributes("scheme", "basic"), "secret again"},
		"a token becomes a signing key":         {byAttribute, attributes("scheme", "token"), nil, "<nil>"},
		"a scheme that cannot be asked":         {byAttribute, nil, attributes("scheme", "broken"), "secret again"},
		"an attribute moves the host":           {byAttribute, attributes("scheme", "token"), attributes("scheme", "token", "host", "elsewhere.example.net"), "secret again"},
		"an attribute moves the host, signed":   {byAttribute, nil, attributes("host", "elsewhere.example.net"), "<nil>"},
		"an attribute moves the host, header":   {byAttribute, with1("v"), with(with1(""), attributes("host", "elsewhere.example.net")), "headers again"},
		"another attribute":                     {byAttribute, attributes("scheme", "token"), attributes("scheme", "token", "colour", "red"), "<nil>"},
		"a variable comes into the path":        {byAttribute, attributes("scheme", "token"), with(attributes("scheme", "token"), to("https://hooks.example.com/{x}/in")), "secret again"},
		"a host of variables":                   {byAttribute, attributes("scheme", "token"), with(attributes("scheme", "token"), to("https://{x}.example.com/T1/in")), "url A2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, newStore(t), c.profile(), nil)
			was := h.add("form", func(w *webhook.Webhook) {
				if w.Secrets = secrets(stored); c.profile().Name == "standard" {
					w.URL, w.Events = publicURL, []string{"*"}
					w.Secrets = secrets("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
				}
				if c.stored != nil {
					c.stored(w)
				}
			})
			in := webhook.Webhook{Scope: scope, ID: was.ID, Name: was.Name, Events: was.Events, Active: true}
			if c.edit != nil {
				c.edit(&in)
			}
			_, err := h.hooks.Edit(ctx, in)
			if diff := cmp.Diff(c.want, complaint(err)); diff != "" {
				t.Errorf("Edit (-want +got):\n%s", diff)
			}
			if err == nil {
				return
			}
			if strings.Contains(err.Error(), stored) {
				t.Errorf("the error holds the secret: %v", err)
			}
			if diff := cmp.Diff(was, h.webhook(was.ID)); diff != "" {
				t.Errorf("changed although refused (-was +is):\n%s", diff)
			}
		})
	}
}

// Rule: no chain of accepted edits brings a stored credential to a receiver for which it was not
// entered.
func TestEditChainsKeepCredentials(t *testing.T) {
	t.Parallel()
	p := byAttribute()
	h := newHost(t, newStore(t), p, nil)
	was := h.add("form", func(w *webhook.Webhook) {
		w.URL, w.Events, w.Secrets = publicURL, []string{"*"}, secrets("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	})
	step := func(change func(*webhook.Webhook)) error {
		in := webhook.Webhook{Scope: scope, ID: was.ID, Name: was.Name, Events: was.Events}
		change(&in)
		_, err := h.hooks.Edit(ctx, in)
		return err
	}
	if err := step(func(w *webhook.Webhook) { w.URL = "https://elsewhere.example.net/in" }); err != nil {
		t.Fatalf("a signing key may stay: %v", err)
	}
	if err := step(func(w *webhook.Webhook) { w.Attributes = headers("scheme", "token") }); complaint(err) != "secret again" {
		t.Errorf("then it would be sent: %v, want secret again", err)
	}
	if err := step(func(w *webhook.Webhook) {
		w.Attributes, w.Secrets = headers("scheme", "token"), secrets("typed-anew-0123456789")
	}); err != nil {
		t.Fatal(err)
	}
	if got := h.webhook(was.ID).Secrets; len(got) != 1 || got[0].Reveal() != "typed-anew-0123456789" {
		t.Errorf("%d secrets are stored, want the one that was typed", len(got))
	}
}

// Rule: activation and rotation require no credential again, because they lead to no other
// receiver.
func TestRotationAndSwitchAskForNothing(t *testing.T) {
	t.Parallel()
	h := newHost(t, newStore(t), webhook.Automation(), nil)
	w := h.add("one", func(w *webhook.Webhook) { w.Headers = headers("X-Key", "v") })
	for _, next := range []string{"second", "second", "third", "second"} {
		if _, err := h.hooks.RotateSecret(ctx, scope, w.ID, webhook.NewSecret(next)); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, s := range h.webhook(w.ID).Secrets {
		got = append(got, s.Reveal())
	}
	if diff := cmp.Diff([]string{"second"}, got); diff != "" {
		t.Errorf("secrets (-want +got):\n%s", diff)
	}
	for _, active := range []bool{false, true} {
		if err := h.hooks.SetActive(ctx, scope, w.ID, active); err != nil {
			t.Error(err)
		}
	}
}
