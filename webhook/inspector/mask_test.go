package inspector_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook/inspector"
	"github.com/postrider/postrider/webhook/sign"
)

// Rule: known secrets and credentials are masked in every kept part of a request: on the page, in
// the feed, on the console.
func TestMask(t *testing.T) {
	t.Parallel()
	var console bytes.Buffer
	d := start(t, &inspector.Options{Secrets: []sign.Secret{sign.NewSecret(canary)}, Console: &console})
	d.send(http.MethodPost, "/in/x/"+canary+"?k="+canary, body, sign.TokenHeader, "wrong-"+canary, "Authorization", "Bearer "+canary,
		"Cookie", "s="+canary[:6]+" x", "X-Other", "holds "+canary)
	r := d.latest()
	if got := r.Header.Get("Authorization"); got != "Bearer (hidden, 40 characters)" {
		t.Errorf("Authorization is shown as %q", got)
	}
	if got := r.Header.Get("Cookie"); got != "(hidden, 10 characters)" {
		t.Errorf("Cookie is shown as %q", got)
	}
	if got := r.Target; got != prefix+"/in/x/(hidden)?k=(hidden)" {
		t.Errorf("target %q", got)
	}
	d.send(http.MethodPost, "/in", `{"trigger":"`+canary+`","token":"`+canary+`"}`, "Webhook-Id", canary, canary, "v", "X-Long", strings.Repeat("x", 4<<10-10)+canary)
	d.send(http.MethodPost, "/in/connect/"+canary, canary)
	if r := d.latest(); string(r.Body) != "(hidden)" || !r.Hidden || r.Size != 40 {
		t.Errorf("a body of the secret alone is kept as %q, hidden %t, size %d", r.Body, r.Hidden, r.Size)
	}
	for _, path := range []string{"/", "/requests/1", "/requests/2", "/requests/3", "/requests.json"} { // send checks for the canary
		if w := d.send(http.MethodGet, path, ""); w.Code != 200 || strings.Contains(w.Body.String(), canary[:10]) {
			t.Errorf("%s: status %d, or the beginning of the secret is shown", path, w.Code)
		}
	}
	if kept := console.String() + fmt.Sprint(d.Requests()); strings.Contains(kept, canary) {
		t.Errorf("a secret is in %s", kept)
	}
}

// Rule: a known secret is found as JSON, HTML and URLs usually write it, and where a body is
// cut off in the middle of it.
func TestMask_spellings(t *testing.T) {
	t.Parallel()
	const secret = `qjqj+wqwq/ykyk="zvzv'<hjhj>&uyuy\\`
	inJSON, err := json.Marshal(secret)
	check(t, err)
	inner := string(inJSON[1 : len(inJSON)-1])
	for name, text := range map[string]string{
		"as it is": secret, "JSON": inner, "JSON with slashes": strings.ReplaceAll(inner, "/", `\/`),
		"plain JSON": strings.NewReplacer(`"`, `\"`, `\`, `\\`).Replace(secret), "HTML": html.EscapeString(secret),
		"query": url.QueryEscape(secret), "path": url.PathEscape(secret),
	} {
		d := start(t, &inspector.Options{Secrets: []sign.Secret{sign.NewSecret(secret)}})
		d.send(http.MethodPost, "/in?k=1", "bad token "+text, "X-Echo", text)
		r := d.latest()
		if got := r.Header.Get("X-Echo"); got != "(hidden)" || string(r.Body) != "bad token (hidden)" {
			t.Errorf("%s: header %q, body %q", name, got, r.Body)
		}
		for end := range len(text) {
			d := start(t, &inspector.Options{Secrets: []sign.Secret{sign.NewSecret(secret)}, MaxBody: 10 + end})
			d.send(http.MethodPost, "/in", "bad token "+text)
			if got := string(d.latest().Body); end > 0 && strings.Contains(got, "qjqj") {
				t.Fatalf("%s, cut off after %d bytes: %q", name, end, got)
			}
		}
	}
	base64 := start(t, &inspector.Options{Secrets: []sign.Secret{sign.NewSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")}})
	base64.send(http.MethodPost, "/in", "key MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if got := string(base64.latest().Body); got != "key (hidden)" {
		t.Errorf("without its prefix: %q", got)
	}
}
