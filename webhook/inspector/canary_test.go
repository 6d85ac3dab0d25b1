package inspector_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook/inspector"
	"github.com/postrider/postrider/webhook/sign"
)

// Rule: no page shows the shared secret of an installation, for any form of the request.
func TestCanaryOfInstallations(t *testing.T) {
	t.Parallel()
	secret := `"sharedSecret":"` + canary + `"`
	for name, body := range map[string]string{
		"as documented":     `{"clientKey":"c",` + secret + `,"eventType":"installed"}`,
		"without a client":  `{` + secret + `}`,
		"twice":             `{"clientKey":"c",` + secret + `,` + secret + `}`,
		"an escaped name":   `{"clientKey":"c","shared\u0053ecret":"` + canary + `"}`,
		"not text":          `{"clientKey":"c","sharedSecret":["` + canary + `"]}`,
		"too long to read":  `{"clientKey":"c",` + secret + `,"x":"` + strings.Repeat("x", 2000) + `"}`,
		"too long a client": `{"clientKey":"` + strings.Repeat("c", 300) + `",` + secret + `}`,
		"cut off":           `{"clientKey":"c",` + secret,
		"in a list":         `[{` + secret + `}]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var console bytes.Buffer
			d := start(t, &inspector.Options{Console: &console, MaxBody: 1000})
			for _, path := range []string{"/in/connect/installed?user_id=1", "/in/connect/installed/", "/in/my/app/installed"} { // and of other apps
				d.send(http.MethodPost, path, body)
			}
			d.mustNotShow(&console)
		})
	}
}

// Rule: a request with a wrong signature, or a refused form, is not repeated in the answer.
func TestCanaryOfRefusals(t *testing.T) {
	t.Parallel()
	var console bytes.Buffer
	d := start(t, &inspector.Options{Secrets: []sign.Secret{sign.NewSecret(canary)}, Console: &console})
	for _, s := range []sign.Signer{
		sign.Token(sign.TokenHeader, sign.NewSecret("wrong-"+canary)),
		sign.HMAC(sign.NewSecret(canary + "-wrong")),
	} {
		d.serve(signed(t, s, time.Now().Add(-24*time.Hour)))
	}
	for _, value := range []string{canary, "JWT " + canary, "JWT a." + canary + ".c", "Bearer " + canary} {
		d.send(http.MethodPost, "/in/hook", body, "Authorization", value, sign.SignatureHeader, "v1,"+canary, sign.HubSignatureHeader, "sha256="+canary)
	}
	d.form("/answer", url.Values{"status": {canary}})
	d.form("/sample", url.Values{"type": {canary}})
	d.form("/"+canary, nil)
	d.send(http.MethodGet, "/requests/"+canary, "")
	d.send(http.MethodGet, "/requests.json?after="+canary, "")
	if n := len(d.Requests()); n != 6 {
		t.Errorf("%d requests were recorded, want 6", n)
	}
	for _, r := range d.Requests() {
		for _, name := range []string{"Authorization", sign.TokenHeader} {
			if strings.Contains(r.Header.Get(name), canary) {
				t.Errorf("%s is shown", name)
			}
		}
	}
	d.mustNotShow(&console)
}

// mustNotShow checks that neither a page nor the console holds the canary.
func (d *dev) mustNotShow(console *bytes.Buffer) {
	d.t.Helper()
	for _, path := range []string{"/", "/requests/1", "/requests.json", "/atlassian-connect.json"} { // send checks for the canary
		if w := d.send(http.MethodGet, path, ""); w.Code != http.StatusOK {
			d.t.Errorf("%s: status %d", path, w.Code)
		}
	}
	var bodies strings.Builder
	for _, r := range d.Requests() {
		bodies.Write(r.Body)
	}
	for where, text := range map[string]string{"console": console.String(), "records": fmt.Sprintf("%v %+v", d.Requests(), d.Requests()), "bodies": bodies.String()} {
		if strings.Contains(text, canary) {
			d.t.Errorf("the secret is in the %s: %s", where, text)
		}
	}
}
