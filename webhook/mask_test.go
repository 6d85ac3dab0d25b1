package webhook_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook"
)

// Rule: every way of printing, logging or encoding a Webhook hides its secrets, header values and
// the URL after the host, and nothing else.
func TestWebhookMasksItself(t *testing.T) {
	t.Parallel()
	w := hidden()
	w.ID = "whk_1"
	var printed []string
	for _, verb := range strings.Split("%v %+v %#v %s %q %x %X %d %t %T|%v %10v %-5s %.3s % x", " ") {
		printed = append(printed, fmt.Sprintf(verb, w), fmt.Sprintf(verb, &w), fmt.Sprintf(verb, []webhook.Webhook{w}),
			fmt.Sprintf(verb, struct{ W webhook.Webhook }{w}), fmt.Sprintf(verb, map[string]*webhook.Webhook{"a": &w}))
	}
	printed = append(printed, fmt.Sprint(w), fmt.Sprintln(&w), w.String(), fmt.Errorf("cannot use %v", w).Error())
	for _, v := range []any{w, &w, []webhook.Webhook{w}, struct{ W webhook.Webhook }{w}, map[string]any{"w": &w}} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		printed = append(printed, string(b))
		var text, js bytes.Buffer
		slog.New(slog.NewTextHandler(&text, nil)).Info("m", "w", v)
		slog.New(slog.NewJSONHandler(&js, nil)).Info("m", "w", v)
		printed = append(printed, text.String(), js.String())
	}
	for _, s := range printed {
		if strings.Contains(s, "Canary") || strings.Contains(s, fmt.Sprintf("%x", "Canary")) {
			t.Errorf("printed %s", s)
		}
	}
	for _, s := range []string{fmt.Sprintf("%v", w), fmt.Sprintf("%#v", w), printed[len(printed)-3]} {
		for _, want := range []string{"whk_1", "Ops", "https://api-private.atlassian.com/[redacted]", "X-Key"} {
			if !strings.Contains(s, want) {
				t.Errorf("%q is missing in %s", want, s)
			}
		}
	}
}

// Rule: in an unexported field, where fmt calls no methods, secrets are masked all the same, and %v
// prints a *Webhook as a pointer.
func TestMaskInUnexportedFields(t *testing.T) {
	t.Parallel()
	w := hidden()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if text := fmt.Sprintf(verb, struct{ w webhook.Webhook }{w}); strings.Contains(text, "secretCanary") || strings.Contains(text, "olderCanary") {
			t.Errorf("%s prints a secret: %s", verb, text)
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		if text := fmt.Sprintf(verb, struct{ w *webhook.Webhook }{&w}); strings.Contains(text, "Canary") {
			t.Errorf("%s prints %s", verb, text)
		}
	}
}

// Rule: every way of printing, logging or encoding a Proxy, or Options with one, hides user name
// and password.
func TestProxyMasksItself(t *testing.T) {
	t.Parallel()
	u, err := url.Parse("http://userCanary:passwordCanary@proxy.example.com:3128/")
	if err != nil {
		t.Fatal(err)
	}
	p := webhook.Proxy{URL: u, AddressesCheckedBy: webhook.ByProxy}
	var printed []string
	for _, v := range []any{p, &p, []webhook.Proxy{p}, struct{ P *webhook.Proxy }{&p}, struct{ p webhook.Proxy }{p}, struct{ p *webhook.Proxy }{&p},
		webhook.Options{Proxy: &p}, &webhook.Options{Proxy: &p}, struct{ o webhook.Options }{webhook.Options{Proxy: &p}}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%10v"} {
			printed = append(printed, fmt.Sprintf(verb, v))
		}
		var text bytes.Buffer
		slog.New(slog.NewTextHandler(&text, nil)).Info("m", "p", v)
		printed = append(printed, text.String())
	}
	for _, v := range []any{p, &p, map[string]any{"p": p}} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		printed = append(printed, string(b))
		var js bytes.Buffer
		slog.New(slog.NewJSONHandler(&js, nil)).Info("m", "p", v)
		printed = append(printed, js.String())
	}
	for _, s := range printed {
		if strings.Contains(s, "Canary") || strings.Contains(s, fmt.Sprintf("%x", "Canary")) {
			t.Errorf("printed %s", s)
		}
	}
	if got, want := p.String(), "proxy http://[redacted]@proxy.example.com:3128, addresses checked by 1"; got != want {
		t.Errorf("String() = %q, want %q", got, want)
	}
	if got := (webhook.Proxy{}).String(); got != "proxy none, addresses checked by 0" {
		t.Errorf("of nothing: %q", got)
	}
}

// Rule: a mask never becomes a value: a Webhook that was read back from JSON is refused.
func TestMaskIsNotReadBack(t *testing.T) {
	t.Parallel()
	h := newHost(t, newStore(t), webhook.Automation(), nil)
	w := h.add("one", func(w *webhook.Webhook) { w.Headers = headers("X-Key", "value") })
	again := func(w webhook.Webhook) (out webhook.Webhook, err error) {
		b, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		return out, json.Unmarshal(b, &out)
	}
	if _, err := again(w); err == nil {
		t.Error("a masked secret was decoded")
	}
	w.Secrets = nil // keeps what is stored
	w, err := again(w)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.hooks.Edit(ctx, w); complaint(err) != "url A2; headers refused" {
		t.Errorf("%s, want url A2; headers refused", complaint(err))
	}
}

// Rule: a URL among the attributes is masked like the webhook's own.
func TestWebhookMasksAttributes(t *testing.T) {
	t.Parallel()
	w := webhook.Webhook{Attributes: map[string]string{"base": "https://hooks.example.com/canary-attribute", "colour": "blue"}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if text := fmt.Sprintf(verb, w); strings.Contains(text, "canary") || !strings.Contains(text, "blue") {
			t.Errorf("%s prints %s", verb, text)
		}
	}
	if w.Attributes["base"] != "https://hooks.example.com/canary-attribute" {
		t.Error("printing changed the webhook")
	}
}
