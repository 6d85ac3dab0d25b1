package inspector_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/postrider/postrider/webhook/inspector"
)

// Rule: scripted answers come first, each once, then the standing one.
func TestAnswers(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	check(t, d.Always(inspector.Answer{Status: 503, RetryAfter: 1500 * time.Millisecond}))
	check(t, d.Script(inspector.Answer{Status: 204}, inspector.Answer{Status: 429}))
	var got []int
	for range 4 {
		w := d.send(http.MethodPut, "/in/any/path", body)
		got = append(got, w.Code)
		if after := w.Header().Get("Retry-After"); w.Code == 503 && after != "2" {
			t.Errorf("Retry-After %q", after)
		}
	}
	if diff := cmp.Diff([]int{204, 429, 503, 503}, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	for _, a := range []inspector.Answer{{Status: 199}, {Status: 600}, {Delay: -1}, {Delay: time.Hour}, {RetryAfter: 25 * time.Hour}} {
		if err := d.Script(inspector.Answer{}, a); !errors.Is(err, inspector.ErrAnswer) {
			t.Errorf("%+v: %v", a, err)
		}
		if err := d.Always(a); !errors.Is(err, inspector.ErrAnswer) {
			t.Errorf("%+v: %v", a, err)
		}
	}
	if w := d.send(http.MethodPost, "/in", body); w.Code != 503 {
		t.Errorf("a refused script changed the answer to %d", w.Code)
	}
	if err := d.Script(make([]inspector.Answer, 1001)...); !errors.Is(err, inspector.ErrAnswer) {
		t.Errorf("1,001 answers: %v", err)
	}
}

// Rule: a delay passes before the answer, and ends when the sender leaves.
func TestAnswers_delay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := start(t, nil)
		check(t, d.Always(inspector.Answer{Delay: time.Minute}))
		began := time.Now()
		if w := d.send(http.MethodPost, "/in", body); w.Code != 200 || time.Since(began) != time.Minute {
			t.Errorf("status %d after %v", w.Code, time.Since(began))
		}
		began = time.Now()
		r := request(http.MethodPost, "/in", body)
		ctx, stop := context.WithTimeout(r.Context(), time.Second)
		defer stop()
		d.serve(r.WithContext(ctx))
		if took := time.Since(began); took != time.Second {
			t.Errorf("the sender left after a second, the handler after %v", took)
		}
	})
}

// Rule: the page's forms script answers, send samples and clear the list. An invalid form changes
// nothing, and other sites cannot use the forms.
func TestForms(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	if w := d.form("/answer", url.Values{"status": {"503"}, "delay": {"0"}, "after": {"3"}, "count": {"1"}}); w.Code != 303 || w.Header().Get("Location") != "./" {
		t.Errorf("status %d to %q", w.Code, w.Header().Get("Location"))
	}
	if w := d.send(http.MethodPost, "/in", body); w.Code != 503 || w.Header().Get("Retry-After") != "3" {
		t.Errorf("answered %d", w.Code)
	}
	for _, f := range []url.Values{{"status": {"99"}}, {"status": {"abc"}}, {"delay": {"601"}}, {"count": {"1001"}}, {"after": {"-1"}}} {
		if w := d.form("/answer", f); w.Code != 422 || !strings.Contains(w.Body.String(), "Nothing has changed") {
			t.Errorf("%v: status %d", f, w.Code)
		}
	}
	if w := d.form("/answer", url.Values{"status": {"503"}, "x": {strings.Repeat("x", 16<<10)}}); w.Code != 400 {
		t.Errorf("a form of more than 16 KiB: status %d", w.Code)
	}
	if w := d.form("/sample", url.Values{"type": {"nonsense"}}); w.Code != 422 {
		t.Errorf("unknown sample: status %d", w.Code)
	}
	if w := d.send(http.MethodPost, "/clear", "", "Sec-Fetch-Site", "cross-site"); w.Code != 403 || len(d.Requests()) != 1 {
		t.Errorf("cross-site: status %d, %d requests are left", w.Code, len(d.Requests()))
	}
	if w := d.form("/clear", nil); w.Code != 303 || len(d.Requests()) != 0 {
		t.Errorf("status %d, %d requests are left", w.Code, len(d.Requests()))
	}
	for _, path := range []string{"/nothing", "/requests/1", "/requests/x"} {
		if w := d.send(http.MethodGet, path, ""); w.Code != 404 {
			t.Errorf("%s: status %d", path, w.Code)
		}
	}
	if w := d.send(http.MethodPut, "/", ""); w.Code != 405 || w.Header().Get("Allow") == "" {
		t.Errorf("PUT: status %d", w.Code)
	}
}

// Rule: the durations of an answer say their unit in the feed.
func TestAnswer_json(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal(inspector.Answer{Status: 503, Delay: time.Second, RetryAfter: time.Minute, Body: "not in the feed"})
	if want := `{"status":503,"delayNs":1000000000,"retryAfterNs":60000000000}`; err != nil || string(got) != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
}
