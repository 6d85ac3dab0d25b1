package sim

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// mode is a behaviour of an endpoint.
type mode struct {
	name   string
	answer func(w *World, r *wire) (*http.Response, error)
}

// wire is a request in flight.
type wire struct {
	req      *http.Request
	delivery string
	n        int // counts the requests of the delivery
}

var errReset = errors.New("connection reset by peer")

func reply(status int, header ...string) func(*World, *wire) (*http.Response, error) {
	return func(*World, *wire) (*http.Response, error) {
		return response(status, strings.NewReader(""), header...), nil
	}
}

func response(status int, body io.Reader, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Add(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(body)}
}

// modes are the behaviours of endpoints. A healed endpoint has the first.
var modes = []mode{
	{"well", reply(200)},
	{"well, slowly", func(w *World, r *wire) (*http.Response, error) {
		w.pass(r, time.Duration(w.draw(20_000, "slow", r.delivery, r.n))*time.Millisecond)
		return response(204, strings.NewReader("")), r.req.Context().Err()
	}},
	{"500", reply(500)},
	{"503 with Retry-After in seconds", reply(503, "Retry-After", "30")},
	{"503 with a date", func(*World, *wire) (*http.Response, error) {
		return response(503, strings.NewReader("busy"), "Retry-After", time.Now().Add(time.Minute).UTC().Format(http.TimeFormat)), nil
	}},
	{"429 for ever", reply(429, "Retry-After", "99999999999999999999")},
	{"429 with garbage", reply(429, "Retry-After", "-1.5")},
	{"404", reply(404)},
	{"410", reply(410)},
	{"redirect", reply(307, "Location", "http://169.254.169.254/")},
	{"hang", func(w *World, r *wire) (*http.Response, error) {
		w.pass(r, time.Hour)
		return nil, r.req.Context().Err()
	}},
	{"reset", func(*World, *wire) (*http.Response, error) { return nil, errReset }},
	{"reset after a while", func(w *World, r *wire) (*http.Response, error) {
		w.pass(r, 5*time.Second)
		return nil, errReset
	}},
	{"body hangs", func(w *World, r *wire) (*http.Response, error) {
		return response(200, hangingBody{r.req}), nil
	}},
	{"body without end", func(*World, *wire) (*http.Response, error) { return response(200, endless{}), nil }},
	{"body breaks", func(*World, *wire) (*http.Response, error) {
		return response(500, io.MultiReader(strings.NewReader("half"), broken{})), nil
	}},
	{"every second one fails", func(w *World, r *wire) (*http.Response, error) {
		if w.draw(2, "flaky", r.delivery, r.n) == 0 {
			return response(502, strings.NewReader("")), nil
		}
		return response(200, strings.NewReader("")), nil
	}},
	{"transport panics", func(*World, *wire) (*http.Response, error) { panic("transport") }},
}

// hanging is the index of "hang" in modes.
var hanging = slices.IndexFunc(modes, func(m mode) bool { return m.name == "hang" })

// pass waits for d, or for the end of the request's context.
func (w *World) pass(r *wire, d time.Duration) {
	select {
	case <-time.After(d):
	case <-r.req.Context().Done():
	}
}

type hangingBody struct{ req *http.Request }

func (b hangingBody) Read([]byte) (int, error) {
	<-b.req.Context().Done()
	return 0, b.req.Context().Err()
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errReset }

// traffic has the requests of the receivers.
type traffic struct {
	mu    sync.Mutex
	modes map[string]int // by URL
	seen  map[string]*record
	total int
}

// record has the requests of one delivery.
type record struct {
	body, id string
	requests int
}

// RoundTrip carries a request of one host.
func (h *host) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	w := h.world
	id, scope := req.Header.Get("X-Delivery"), req.Header.Get("X-Scope")
	if h.at("before the request") {
		return nil, errDead
	}
	w.mayBeSent(h, scope, id, req.URL.String())
	w.net.mu.Lock()
	rec := w.net.seen[id]
	if rec == nil {
		rec = &record{body: string(body), id: req.Header.Get("Webhook-Id")}
		w.net.seen[id] = rec
	}
	rec.requests++
	w.net.total++
	n, m := rec.requests, modes[w.net.modes[req.URL.Path]]
	if rec.body != string(body) || rec.id != req.Header.Get("Webhook-Id") {
		w.violated("I4: delivery %s changed its body or identifier at request %d", id, n)
	}
	w.net.mu.Unlock()
	if h.at("request received") {
		return nil, errDead
	}
	resp, err := m.answer(w, &wire{req, id, n})
	if h.dead() || h.at("answer received") {
		return nil, errDead
	}
	return resp, err
}

func (w *World) draw(n uint64, about ...any) uint64 { return w.story.draw(n, about...) }

func hookURL(n int) string {
	return fmt.Sprintf("https://api-private.atlassian.com/automation/webhooks/canary-path/%d", n)
}
