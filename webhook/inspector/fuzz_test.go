package inspector_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook/inspector"
	"github.com/postrider/postrider/webhook/sign"
)

// Rule: every request is recorded, shown as text, and answered; a known secret is not shown.
func FuzzReceive(f *testing.F) {
	f.Add("hook", `{"trigger":"taskSuccess"}`, "Webhook-Signature", "v1,abc")
	f.Add("connect/installed", `{"clientKey":"c","sharedSecret":"`+canary+`"}`, "Authorization", "JWT a.b.c")
	f.Add("connect/%zz", "\xff<script>", "X-Hub-Signature", "sha256=00")
	f.Add("x?y="+canary, `{"webhookEvent":[1]}`, "X-Atlassian-Webhook-Retry", "-5")
	f.Fuzz(func(t *testing.T, path, body, name, value string) {
		in, err := inspector.New(&inspector.Options{Secrets: []sign.Secret{sign.NewSecret(canary)}, Console: io.Discard, MaxBody: 1000, Hosts: []string{"example.com"}})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/in", strings.NewReader(body))
		r.URL.Path, r.RequestURI = "/in/x", "/in/"+path
		r.Header[name] = []string{value}
		w := httptest.NewRecorder()
		in.ServeHTTP(w, r)
		if w.Code != 200 || len(in.Requests()) != 1 {
			t.Fatalf("status %d, %d requests", w.Code, len(in.Requests()))
		}
		for _, page := range []string{"/", "/requests/1", "/requests.json"} {
			w := httptest.NewRecorder()
			in.ServeHTTP(w, httptest.NewRequest(http.MethodGet, page, nil))
			if w.Code != 200 {
				t.Errorf("%s: status %d", page, w.Code)
			}
			if text := w.Body.String(); page != "/requests.json" && strings.Contains(text, "<script>") {
				t.Errorf("%s: markup that arrived is not escaped", page)
			}
		}
		kept := in.Requests()[0]
		if text := fmt.Sprintf("%s %s %s %s %s", kept.Target, kept.Header, kept.Event, kept.ID, kept.Body); strings.Contains(text, canary) {
			t.Errorf("what is kept holds a secret: %q", text)
		}
	})
}
