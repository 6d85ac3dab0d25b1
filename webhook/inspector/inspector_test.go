package inspector_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook/inspector"
	"github.com/postrider/postrider/webhook/sign"
)

const (
	canary    = "canary0123456789abcdef0123456789abcdef01"
	whsec     = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwY2FuYXJ5"
	body      = `{"trigger":"taskSuccess","name":"a < b"}`
	prefix    = "/dev"
	host      = "dev.example.com"
	clientKey = "jira:1234"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// dev is an inspector, mounted.
type dev struct {
	*inspector.Inspector
	t       *testing.T
	handler http.Handler
}

func start(t *testing.T, o *inspector.Options) *dev {
	t.Helper()
	if o == nil {
		o = new(inspector.Options)
	}
	o.Hosts = append(o.Hosts, host)
	in, err := inspector.New(o)
	check(t, err)
	return &dev{in, t, http.StripPrefix(prefix, in)}
}

// send makes a request; pairs are headers. No answer may hold the canary.
func (d *dev) send(method, path, body string, pairs ...string) *httptest.ResponseRecorder {
	d.t.Helper()
	return d.serve(request(method, path, body, pairs...))
}

func request(method, path, body string, pairs ...string) *http.Request {
	r := httptest.NewRequest(method, "https://"+host+prefix+path, strings.NewReader(body))
	r.RequestURI = prefix + path
	for i := 0; i+1 < len(pairs); i += 2 {
		r.Header.Set(pairs[i], pairs[i+1])
	}
	return r
}

func (d *dev) serve(r *http.Request) *httptest.ResponseRecorder {
	d.t.Helper()
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	if strings.Contains(w.Body.String()+fmt.Sprint(w.Header()), canary) {
		d.t.Errorf("%s %s: the answer holds a secret", r.Method, r.URL.Path)
	}
	return w
}

func (d *dev) form(path string, f url.Values) *httptest.ResponseRecorder {
	d.t.Helper()
	return d.send(http.MethodPost, path, f.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin")
}

func (d *dev) latest() inspector.Request {
	d.t.Helper()
	kept := d.Requests()
	if len(kept) == 0 {
		d.t.Fatal("nothing was received")
	}
	return kept[len(kept)-1]
}

// signed is a request that a Signer has signed.
func signed(t *testing.T, s sign.Signer, at time.Time) *http.Request {
	t.Helper()
	r := request(http.MethodPost, "/in/hook?user_id=7", body)
	check(t, s.Sign(r, sign.Message{ID: "evt_1", Attempt: 1, Time: at, Body: []byte(body)}))
	return r
}

// Rule: a repeat is found by identifier and target. A body that changed is marked. The sender's own
// retry number comes first.
func TestDuplicates(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	d.send(http.MethodPost, "/in/a", body, "Webhook-Id", "evt_1")
	d.send(http.MethodPost, "/in/b", body, "Webhook-Id", "evt_1")
	d.send(http.MethodPost, "/in/a", body, "Webhook-Id", "evt_1")
	d.send(http.MethodPost, "/in/a", body+" ", "Webhook-Id", "evt_1")
	d.send(http.MethodPost, "/in/a", body)
	d.send(http.MethodPost, "/in/a", body, "X-Atlassian-Webhook-Identifier", "j1", "X-Atlassian-Webhook-Retry", "3")
	type seen struct {
		Copy, Retry int
		Changed     bool
	}
	var got []seen
	for _, r := range d.Requests() {
		got = append(got, seen{r.Copy, r.Retry, r.Changed})
	}
	want := []seen{{1, 0, false}, {1, 0, false}, {2, 1, false}, {3, 2, true}, {1, 0, false}, {1, 3, false}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// Rule: the console gets one line for each request; a sender cannot put control characters into it.
func TestConsole(t *testing.T) {
	t.Parallel()
	var console bytes.Buffer
	d := start(t, &inspector.Options{Console: &console})
	d.send(http.MethodPost, "/in", `{"trigger":"red \u001b[31m\n"}`)
	d.send(http.MethodPost, "/in", body, "Webhook-Id", "e")
	d.send(http.MethodPost, "/in", body, "Webhook-Id", "e")
	lines := strings.Split(strings.TrimSpace(console.String()), "\n")
	if len(lines) != 3 || strings.ContainsRune(console.String(), 0x1b) {
		t.Fatalf("console %q", console.String())
	}
	if want := `#3 POST "taskSuccess" 40 bytes, retry 1 -> 200`; !strings.HasSuffix(lines[2], want) {
		t.Errorf("line %q, want the end %q", lines[2], want)
	}
}

// Rule: the invisible characters of an event and an identifier are shown.
func TestInvisibleCharacters(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	d.send(http.MethodPost, "/in", "{\"trigger\":\"task\u202eSuccess\U000e0061\"}", "Webhook-Id", "e\u200b1")
	if r := d.latest(); r.Event != `task\u{202e}Success\u{e0061}` || r.ID != `e\u{200b}1` {
		t.Errorf("event %+q, identifier %+q", r.Event, r.ID)
	}
}

// Rule: memory is bounded by number, by bytes and by body; the oldest request goes first.
func TestBounds(t *testing.T) {
	t.Parallel()
	d := start(t, &inspector.Options{Keep: 3, MaxBody: 100})
	for i := range 5 {
		// A dot, because a letter could be the start of the inspector's own secret, and would then
		// be cut off.
		d.send(http.MethodPost, "/in", strings.Repeat(".", 99+i))
	}
	var got []string
	for _, r := range d.Requests() {
		got = append(got, fmt.Sprintf("%d: %d of %d", r.N, len(r.Body), r.Size))
	}
	if diff := cmp.Diff([]string{"3: 100 of 101", "4: 100 of 102", "5: 100 of 103"}, got); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	d = start(t, &inspector.Options{KeepBytes: 20_000, MaxBody: 10_000})
	for range 5 {
		d.send(http.MethodPost, "/in", strings.Repeat("x", 9_000))
	}
	if n := len(d.Requests()); n != 2 {
		t.Errorf("%d requests of 9,000 bytes are kept in 20,000", n)
	}
}

// Rule: a sample of every type arrives, verified.
func TestSamples(t *testing.T) {
	t.Parallel()
	if n := len(inspector.Samples()); n < 100 {
		t.Errorf("only %d samples", n)
	}
	for _, base := range []string{"", "https://" + host + prefix} {
		d := start(t, &inspector.Options{Secrets: []sign.Secret{sign.NewSecret(canary)}, BaseURL: base})
		for _, name := range inspector.Samples() {
			r, err := d.SendSample(name)
			if err != nil || r.Verdict() != inspector.Verified || r.Event == "" || r.Size == 0 {
				t.Errorf("%s at %q: %v, %+v", name, base, err, r.Checks)
			}
		}
	}
	if _, err := start(t, nil).SendSample("nonsense"); !errors.Is(err, inspector.ErrSample) {
		t.Errorf("error %v", err)
	}
}

// Rule: the feed continues after a number.
func TestFeed(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	for range 3 {
		d.send(http.MethodPost, "/in", body)
	}
	var got struct{ Requests []inspector.Request }
	check(t, json.Unmarshal(d.send(http.MethodGet, "/requests.json?after=1", "").Body.Bytes(), &got))
	if len(got.Requests) != 2 || got.Requests[0].N != 2 || string(got.Requests[0].Body) != body {
		t.Errorf("feed %+v", got.Requests)
	}
	if w := d.send(http.MethodGet, "/requests.json?after=x", ""); w.Code != 400 {
		t.Errorf("status %d", w.Code)
	}
}

// Rule: the page shows every request as text, and runs nothing.
func TestPage_escapes(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	d.send(http.MethodPost, "/in/<b>", `{"trigger":"<script>alert(1)</script>"}`, "X-Odd", "<img src=x>", "Webhook-Id", "<i>")
	d.send(http.MethodPost, "/in", "\xff\x00")
	for path, want := range map[string]string{"/": "&lt;script&gt;", "/requests/1": "&lt;img src=x&gt;", "/requests/2": "(2 bytes that are no text)"} {
		w := d.send(http.MethodGet, path, "")
		if text := w.Body.String(); !strings.Contains(text, want) || regexp.MustCompile(`<(script>|img|i>|b>)`).MatchString(text) {
			t.Errorf("%s:\n%s", path, text)
		}
		if p := w.Header().Get("Content-Security-Policy"); !strings.Contains(p, "default-src 'none'") || strings.Contains(p, "unsafe") {
			t.Errorf("policy %q", p)
		}
	}
}

// Rule: impossible options are refused by name.
func TestNew_refuses(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]*inspector.Options{
		"Keep":      {Keep: 10_001},
		"KeepBytes": {KeepBytes: -1},
		"MaxBody":   {MaxBody: 2, KeepBytes: 1},
		"Refresh":   {Refresh: 1},
		"Secrets":   {Secrets: []sign.Secret{{}}},
		"BaseURL":   {BaseURL: "dev.example.com"},
		// With these no sample could be signed, and no request of a Connect app verified.
		"BaseURL must":               {BaseURL: "https://dev.example.com/inspector?a=b"},
		"BaseURL must be":            {BaseURL: "https://ann@dev.example.com/"},
		"BaseURL must be an":         {BaseURL: "https://dev.example.com/a/../b"},
		"TokenHeader":                {TokenHeader: "X Token"},
		"TokenHeader: sign: header ": {TokenHeader: "Content-Length"},
	} {
		if _, err := inspector.New(o); err == nil || !strings.Contains(err.Error(), "Options."+want) {
			t.Errorf("error %v, want one that names %s", err, want)
		}
	}
}
