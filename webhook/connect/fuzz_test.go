package connect_test

import (
	"errors"
	"net/url"
	"testing"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/connect"
	"github.com/postrider/postrider/webhook/sign"
)

// FuzzParseDescriptor feeds hostile descriptors: no panic and only documented errors. An accepted
// descriptor can be installed, and every URL stays under the base URL for any values of the
// variables.
func FuzzParseDescriptor(f *testing.F) {
	f.Add([]byte(whole), "EXA-1")
	f.Add([]byte(`{"key":"a","baseUrl":"https://h.example.com/b","authentication":{"type":"none"},"scopes":["ADMIN"],"modules":{"webhooks":[{"event":"x","url":"@evil.example.com"}]}}`), "..")
	f.Add([]byte(`{"key":"a","baseUrl":"https://h.example.com","authentication":{"type":"jwt"},"scopes":["READ"],"modules":{"webhooks":[{"event":"x","url":"{a}{b}?{c}"}]}}`), "//evil")
	f.Add([]byte(`{"modules":{"webhooks":[{},[],null,1,"x"]}}`), "")
	f.Fuzz(func(t *testing.T, data []byte, value string) {
		d, err := connect.ParseDescriptor(data)
		if err != nil {
			if !errors.Is(err, connect.ErrDescriptor) {
				t.Fatalf("undocumented error %v", err)
			}
			return
		}
		ws, err := d.Install(connect.Installation{Scope: scope, SharedSecret: shared})
		if err != nil {
			t.Fatalf("what was parsed cannot be installed: %v", err)
		}
		if len(ws) != len(d.Webhooks) {
			t.Fatalf("%d webhooks of %d modules", len(ws), len(d.Webhooks))
		}
		p := connect.Profile(connect.WithParams())
		for _, w := range ws {
			vars := map[string]string{}
			for _, name := range webhook.Variables(w.URL) {
				vars[name] = value
			}
			target, err := p.Prepare.Target(w, webhook.Delivery{Vars: vars})
			if err != nil {
				continue // values that leave the base URL are refused
			}
			u, err := url.Parse(target)
			if err != nil || !sign.InBase(u, d.BaseURL) {
				t.Fatalf("%q of %q leads outside of %q: %v", target, w.URL, d.BaseURL, err)
			}
		}
	})
}
