package webhook_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sign"
	"github.com/postrider/postrider/webhook/webhooktest"
)

// Rule: the URL that was checked is the one that arrives, byte for byte, over both versions of
// HTTP: URLs of many kinds of receivers, and names with an underscore or in the form for
// international ones, which certificates have to match.
func TestPublicURLsOnTheWire(t *testing.T) {
	t.Parallel()
	for _, http1 := range []bool{true, false} {
		t.Run(fmt.Sprintf("HTTP1=%t", http1), func(t *testing.T) {
			t.Parallel()
			names := []string{"build_1.example.com", "xn--bcher-kva.example.com"}
			endpoint := webhooktest.New(t, &webhooktest.Options{Generic: true, HTTP1: http1, Hosts: names})
			profile := webhook.Standard()
			profile.HTTP2 = !http1
			d, err := webhook.New(newStore(t), profile, &webhook.Options{DialContext: endpoint.DialContext, RootCAs: endpoint.RootCAs()})
			if err != nil {
				t.Fatal(err)
			}
			hooks, err := d.Manager()
			if err != nil {
				t.Fatal(err)
			}
			secret, err := sign.GenerateSecret()
			if err != nil {
				t.Fatal(err)
			}
			for i, tt := range []struct{ url, host, path, query string }{
				{"https://Build_1.example.com/job/My%20Job/build?token=x", names[0], "/job/My%20Job/build", "token=x"},
				{"https://build_1.example.com:443/job/a/job/feature%252Fx/build", names[0], "/job/a/job/feature%252Fx/build", ""},
				{"https://XN--Bcher-KVA.example.com/api/v4/projects/a%2fb/trigger?variables[ENV]=prod", names[1], "/api/v4/projects/a%2fb/trigger", "variables[ENV]=prod"},
				{"https://build_1.example.com/caf\u00e9/%c3%a9?q=\u65e5", names[0], "/caf%C3%A9/%c3%a9", "q=%E6%97%A5"},
				{"https://build_1.example.com//a///b/", names[0], "//a///b/", ""},
				{"https://build_1.example.com//evil.example.net/x", names[0], "//evil.example.net/x", ""},
				{"https://build_1.example.com/a%5Cb/%25/%2F", names[0], "/a%5Cb/%25/%2F", ""},
			} {
				w, err := hooks.Add(t.Context(), webhook.Webhook{Scope: "acme", Name: fmt.Sprint(i), URL: tt.url, Secrets: []webhook.Secret{secret}, Events: []string{"taskSuccess"}})
				if err != nil {
					t.Errorf("%s: %v", tt.url, err)
					continue
				}
				if a, err := hooks.Test(t.Context(), "acme", w.ID); err != nil || a.Code != webhook.CodeOK {
					t.Errorf("%s: %v, %v", tt.url, a.Code, err)
					continue
				}
				all := endpoint.Requests()
				got := all[len(all)-1]
				proto := "HTTP/2.0"
				if http1 {
					proto = "HTTP/1.1"
				}
				if diff := cmp.Diff([]string{tt.host, tt.path, tt.query, proto}, []string{got.Host, got.Path, got.Query, got.Proto}); diff != "" {
					t.Errorf("%s (-want +got):\n%s", tt.url, diff)
				}
			}
		})
	}
}
