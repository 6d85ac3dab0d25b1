package inspector_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook/inspector"
	"github.com/postrider/postrider/webhook/sign"
)

// Rule: no request makes a page, the feed or the console long: output is bounded like input.
func TestOutputBounds(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	flood := func(n int, name, value string) []string {
		var pairs []string
		for i := range n {
			pairs = append(pairs, fmt.Sprintf(name, i), value)
		}
		return pairs
	}
	for name, tt := range map[string]struct {
		method, path, body string
		headers            []string
	}{
		"nesting":              {body: strings.Repeat("[", 101_000) + strings.Repeat("]", 101_000)},
		"5,000 levels":         {body: strings.Repeat(`{"a":[`, 2500) + "1" + strings.Repeat("]}", 2500)},
		"60 levels, broad":     {body: strings.Repeat("[", 60) + strings.Repeat("0,", 400_000) + "0" + strings.Repeat("]", 60)},
		"quotes":               {body: strings.Repeat(`"`, mib)},
		"a long body":          {body: strings.Repeat("x", 2*mib)},
		"no text":              {body: strings.Repeat("\xff", mib)},
		"many headers":         {headers: flood(20_000, "X-%d", "v")},
		"many long headers":    {headers: flood(500, "X-%d", strings.Repeat("<", 100_000))},
		"a long header name":   {headers: []string{strings.Repeat("x", mib), "v"}},
		"a long method":        {method: strings.Repeat("X", mib)},
		"a long target":        {path: "/in/" + strings.Repeat("<", mib)},
		"a long identifier":    {headers: []string{"Webhook-Id", strings.Repeat("x", mib)}},
		"a long event":         {body: `{"trigger":"` + strings.Repeat("x", mib-20) + `"}`},
		"a long Connect event": {path: "/in/connect/" + strings.Repeat("x", mib)},
		"a long token":         {headers: []string{"Authorization", "JWT " + strings.Repeat("x", mib), sign.SignatureHeader, strings.Repeat("v1,x ", mib/5)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var console strings.Builder
			d := start(t, &inspector.Options{Console: &console, Secrets: []sign.Secret{sign.NewSecret("qwertyuiop")}})
			method, path := tt.method, tt.path
			if method == "" {
				method = http.MethodPost
			}
			if path == "" {
				path = "/in"
			}
			r := request(http.MethodPost, "/in", tt.body, tt.headers...)
			r.Method, r.RequestURI = method, prefix+path
			if w := d.serve(r); w.Code != 200 {
				t.Fatalf("status %d", w.Code)
			}
			for path, most := range map[string]int{"/": 64 << 10, "/requests/1": 7 * mib, "/requests.json": 7 * mib} {
				w := d.send(http.MethodGet, path, "")
				if n := w.Body.Len(); w.Code != 200 || n > most {
					t.Errorf("%s: status %d, %d bytes, want at most %d", path, w.Code, n, most)
				}
			}
			if console.Len() > 4<<10 {
				t.Errorf("console: %d bytes", console.Len())
			}
		})
	}
}

// Rule: the list and an answer of the feed hold a bounded part of the kept requests. The feed
// continues where it stopped, and misses nothing.
func TestListsAreBounded(t *testing.T) {
	t.Parallel()
	d := start(t, &inspector.Options{Keep: 1000})
	for range 300 {
		d.send(http.MethodPost, "/in", body)
	}
	for range 12 {
		d.send(http.MethodPost, "/in", strings.Repeat("x", 900_000))
	}
	list := d.send(http.MethodGet, "/", "").Body.String()
	if n := strings.Count(list, `href="requests/`); n != 200 || !strings.Contains(list, "112 older requests are in") || len(list) > 1<<20 {
		t.Errorf("the list has %d requests in %d bytes", n, len(list))
	}
	after, answers := 0, 0
	for more := true; more; answers++ {
		w := d.send(http.MethodGet, fmt.Sprintf("/requests.json?after=%d", after), "")
		if w.Body.Len() > 8<<20 {
			t.Errorf("an answer of %d bytes", w.Body.Len())
		}
		var got struct {
			Requests []inspector.Request
			More     bool
		}
		check(t, json.Unmarshal(w.Body.Bytes(), &got))
		if len(got.Requests) == 0 || len(got.Requests) > 200 {
			t.Fatalf("%d requests in an answer, more %t", len(got.Requests), got.More)
		}
		for _, r := range got.Requests {
			if after++; r.N != after {
				t.Fatalf("request %d where %d is next", r.N, after)
			}
		}
		more = got.More
	}
	if after != 312 || answers < 4 {
		t.Errorf("%d requests in %d answers, want 312 in several", after, answers)
	}
}
