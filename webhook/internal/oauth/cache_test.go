package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// endpoint is a token endpoint that counts, and answers as told.
type endpoint struct {
	asked  atomic.Int64
	answer func(n int64, ctx context.Context) (int, string, error)
}

func (e *endpoint) post(ctx context.Context, _ string, _ http.Header, _ []byte) (int, []byte, error) {
	n := e.asked.Add(1)
	if e.answer == nil {
		return 200, fmt.Appendf(nil, `{"access_token":"token-%d","token_type":"Bearer","expires_in":3600}`, n), nil
	}
	status, body, err := e.answer(n, ctx)
	return status, []byte(body), err
}

func mustGet(t *testing.T, c *Cache, client *Client) (string, bool) {
	t.Helper()
	got, fetched, err := c.Token(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	return got.Value, fetched
}

// Rule: a hundred who need a token at once fetch it once, and one of them knows that it did.
func TestOneFetch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{answer: func(n int64, _ context.Context) (int, string, error) {
			time.Sleep(time.Second)
			return 200, fmt.Sprintf(`{"access_token":"token-%d"}`, n), nil
		}}
		c := NewCache(e.post)
		var wg sync.WaitGroup
		var fetched atomic.Int64
		for range 100 {
			wg.Go(func() {
				got, own, err := c.Token(t.Context(), &Client{ID: "a"})
				if err != nil || got.Value != "token-1" {
					t.Errorf("%q, %v", got.Value, err)
				}
				if own {
					fetched.Add(1)
				}
			})
		}
		wg.Wait()
		if e.asked.Load() != 1 || fetched.Load() != 1 {
			t.Errorf("%d requests, %d callers fetched, want 1 and 1", e.asked.Load(), fetched.Load())
		}
	})
}

// Rule: all who wait hear of an error, and the next one asks again.
func TestOneFetchFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{answer: func(n int64, _ context.Context) (int, string, error) {
			time.Sleep(time.Second)
			return 400, `{"error":"invalid_client"}`, nil
		}}
		c := NewCache(e.post)
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				var answered *Error
				if _, _, err := c.Token(t.Context(), &Client{}); !errors.As(err, &answered) || answered.Error() != "token endpoint: 400 invalid_client" {
					t.Errorf("%v", err)
				}
			})
		}
		wg.Wait()
		if _, _, err := c.Token(t.Context(), &Client{}); err == nil || e.asked.Load() != 2 {
			t.Errorf("%v after %d requests", err, e.asked.Load())
		}
		if len(c.known) > 0 {
			t.Error("an entry without a token is kept")
		}
	})
}

// Rule: each waits in its own time. Where the time of the one who fetches ends first, another
// one fetches.
func TestWaitersHaveTheirOwnTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{answer: func(n int64, ctx context.Context) (int, string, error) {
			if n == 1 {
				<-ctx.Done()
				return 0, "", ctx.Err()
			}
			time.Sleep(time.Second)
			return 200, `{"access_token":"t"}`, nil
		}}
		c := NewCache(e.post)
		var wg sync.WaitGroup
		begin := func(limit time.Duration, want error) {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				if _, _, err := c.Token(ctx, &Client{}); !errors.Is(err, want) {
					t.Errorf("within %v: %v, want %v", limit, err, want)
				}
			})
			synctest.Wait()
		}
		start := time.Now()
		begin(4*time.Second, context.DeadlineExceeded)
		begin(2*time.Second, context.DeadlineExceeded)
		begin(20*time.Second, nil)
		begin(20*time.Second, nil)
		wg.Wait()
		if took := time.Since(start); took != 5*time.Second || e.asked.Load() != 2 {
			t.Errorf("%v, %d requests; want 5s, 2", took, e.asked.Load())
		}
	})
}

// Rule: a fetch takes 10 seconds at most.
func TestFetchIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{answer: func(_ int64, ctx context.Context) (int, string, error) { <-ctx.Done(); return 0, "", ctx.Err() }}
		start := time.Now()
		_, _, err := NewCache(e.post).Token(t.Context(), &Client{})
		if took := time.Since(start); err == nil || took != 10*time.Second {
			t.Errorf("%v after %v", err, took)
		}
	})
}

// Rule: a transport that panics leaves none of those who wait behind.
func TestPanicLeavesNoneWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{answer: func(n int64, _ context.Context) (int, string, error) { time.Sleep(time.Second); panic("x") }}
		c := NewCache(e.post)
		go func() {
			defer func() { _ = recover() }()
			_, _, _ = c.Token(t.Context(), &Client{})
		}()
		synctest.Wait()
		if _, _, err := c.Token(t.Context(), &Client{}); !errors.Is(err, errPanic) {
			t.Errorf("%v", err)
		}
	})
}

// Rule: a token is used until expires_in after the fetch began, less a minute or half of it where that
// is less; without one for five minutes, and for a day at most. One that has ended is used once.
func TestEnd(t *testing.T) {
	t.Parallel()
	for said1, want := range map[string]time.Duration{
		`,"expires_in":3600`:     59 * time.Minute,
		`,"expires_in":"3600"`:   59 * time.Minute,
		`,"expires_in":3600.5`:   59*time.Minute + time.Second/2,
		`,"expires_in":120`:      time.Minute,
		`,"expires_in":60`:       30 * time.Second,
		`,"expires_in":1`:        time.Second / 2,
		``:                       4 * time.Minute,
		`,"expires_in":null`:     4 * time.Minute,
		`,"expires_in":"soon"`:   4 * time.Minute,
		`,"expires_in":"NaN"`:    4 * time.Minute,
		`,"expires_in":{}`:       4 * time.Minute,
		`,"expires_in":1e300`:    24*time.Hour - time.Minute,
		`,"expires_in":"Inf"`:    24*time.Hour - time.Minute,
		`,"expires_in":99999999`: 24*time.Hour - time.Minute,
		`,"expires_in":0`:        0,
		`,"expires_in":-1`:       0,
		`,"expires_in":-1e300`:   0,
		`,"expires_in":"-Inf"`:   0,
	} {
		t.Run(said1, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				slow := 300 * time.Millisecond
				if want == 0 {
					slow = 0
				}
				e := &endpoint{answer: func(n int64, _ context.Context) (int, string, error) {
					time.Sleep(slow)
					return 200, `{"access_token":"t"` + said1 + `}`, nil
				}}
				c := NewCache(e.post)
				if _, fetched := mustGet(t, c, &Client{}); !fetched {
					t.Error("not fetched")
				}
				if want > 0 {
					time.Sleep(want - slow - 1)
					if _, fetched := mustGet(t, c, &Client{}); fetched {
						t.Error("fetched before its end")
					}
					time.Sleep(time.Nanosecond)
				}
				if _, fetched := mustGet(t, c, &Client{}); !fetched {
					t.Error("used after its end")
				}
			})
		})
	}
}

// Rule: only an answer with a usable bearer token gives one; an error says its status and, of the
// six names, which.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		want   string // the token, or the error
	}{
		"a token":                  {200, `{"access_token":"t","token_type":"Bearer"}`, "t"},
		"another case":             {200, `{"access_token":"t","token_type":"bEARER"}`, "t"},
		"no type":                  {200, `{"access_token":"t"}`, "t"},
		"created":                  {201, `{"access_token":"t"}`, "t"},
		"4,096 bytes":              {200, `{"access_token":"` + strings.Repeat("t", 4096) + `"}`, strings.Repeat("t", 4096)},
		"4,097 bytes":              {200, `{"access_token":"` + strings.Repeat("t", 4097) + `"}`, "token endpoint: 200"},
		"mac":                      {200, `{"access_token":"t","token_type":"mac"}`, "token endpoint: 200"},
		"DPoP":                     {200, `{"access_token":"t","token_type":"DPoP"}`, "token endpoint: 200"},
		"no token":                 {200, `{}`, "token endpoint: 200"},
		"empty":                    {200, ``, "token endpoint: 200"},
		"HTML":                     {200, `<html>login</html>`, "token endpoint: 200"},
		"two values":               {200, `{"access_token":"t"}{"access_token":"u"}`, "token endpoint: 200"},
		"a token with a break":     {200, `{"access_token":"t\r\nX: y"}`, "token endpoint: 200"},
		"a token beyond ASCII":     {200, `{"access_token":"ä"}`, "token endpoint: 200"},
		"a token with a space":     {200, `{"access_token":"t "}`, "token endpoint: 200"},
		"a number":                 {200, `{"access_token":1}`, "token endpoint: 200"},
		"64 KiB":                   {200, `{"access_token":"t"}` + strings.Repeat(" ", MaxAnswer-20), "t"},
		"more than 64 KiB":         {200, `{"access_token":"t"}` + strings.Repeat(" ", MaxAnswer-19), "token endpoint: 200"},
		"deep":                     {200, strings.Repeat("[", 60_000), "token endpoint: 200"},
		"an error with 200":        {200, `{"error":"invalid_scope"}`, "token endpoint: 200 invalid_scope"},
		"an error":                 {400, `{"error":"invalid_client","error_description":"canary"}`, "token endpoint: 400 invalid_client"},
		"an error of its own":      {400, `{"error":"canary"}`, "token endpoint: 400"},
		"an error that is no text": {401, `{"error":{"canary":1}}`, "token endpoint: 401"},
		"a redirect":               {307, `{"access_token":"t"}`, "token endpoint: 307"},
		"an error with a token":    {500, `{"access_token":"t"}`, "token endpoint: 500"},
		"too many":                 {429, `slow down`, "token endpoint: 429"},
		"switching protocols":      {101, ``, "token endpoint: 101"},
	} {
		e := &endpoint{answer: func(int64, context.Context) (int, string, error) { return c.status, c.body, nil }}
		got, _, err := NewCache(e.post).Token(t.Context(), &Client{})
		text := got.Value
		if err != nil {
			text = err.Error()
		}
		if text != c.want {
			t.Errorf("%s: %.60q, want %.60q", name, text, c.want)
		}
	}
	for _, name := range Names {
		_, err := parse(400, []byte(`{"error":"`+name+`"}`), time.Now())
		if want := "token endpoint: 400 " + name; err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// Rule: any field makes another client, and one owner's token is never another's.
func TestKey(t *testing.T) {
	t.Parallel()
	base := Client{"owner", "url", "id", "secret", []string{"a", "b"}, "audience", "resource", Basic}
	clients := []Client{base}
	for _, change := range []func(*Client){
		func(c *Client) { c.Owner = "x" }, func(c *Client) { c.TokenURL = "x" }, func(c *Client) { c.ID = "x" },
		func(c *Client) { c.Secret = "x" }, func(c *Client) { c.Scopes = []string{"a b"} }, func(c *Client) { c.Scopes = []string{"b", "a"} },
		func(c *Client) { c.Audience = "x" }, func(c *Client) { c.Resource = "x" }, func(c *Client) { c.Auth = Post },
		func(c *Client) { c.ID, c.Secret = "ids", "ecret" }, func(c *Client) { c.Audience, c.Resource = "", "audienceresource" },
	} {
		c := base
		change(&c)
		clients = append(clients, c)
	}
	e := &endpoint{}
	cache := NewCache(e.post)
	for i, c := range clients {
		if got, fetched := mustGet(t, cache, &c); !fetched {
			t.Errorf("client %d got the token %s of another one", i, got)
		}
		if _, fetched := mustGet(t, cache, &c); fetched {
			t.Errorf("client %d fetched twice", i)
		}
	}
}

// Rule: a token that was refused is dropped unless another one has come in its place.
func TestDrop(t *testing.T) {
	t.Parallel()
	e := &endpoint{}
	c := NewCache(e.post)
	client := &Client{}
	first, _, err := c.Token(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	c.Drop(client, first)
	if got, fetched := mustGet(t, c, client); !fetched || got != "token-2" {
		t.Errorf("%s, fetched %t", got, fetched)
	}
	c.Drop(client, first) // somebody who comes late
	if got, fetched := mustGet(t, c, client); fetched || got != "token-2" {
		t.Errorf("%s, fetched %t", got, fetched)
	}
}

// Rule: what an owner has is forgotten, and so is a token that is on its way meanwhile.
func TestForget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{answer: func(n int64, _ context.Context) (int, string, error) {
			time.Sleep(time.Second)
			return 200, `{"access_token":"t"}`, nil
		}}
		c := NewCache(e.post)
		a, b := &Client{Owner: "a"}, &Client{Owner: "b"}
		mustGet(t, c, a)
		mustGet(t, c, b)
		c.Forget("a")
		go c.Token(t.Context(), a)
		synctest.Wait()
		c.Forget("a")
		time.Sleep(2 * time.Second)
		if _, fetched := mustGet(t, c, b); fetched {
			t.Error("another owner's token was forgotten")
		}
		if _, fetched := mustGet(t, c, a); !fetched {
			t.Error("a token was kept")
		}
	})
}

// Rule: 4,096 tokens are kept; those that have ended, and then the one that was not used for
// the longest time, go first.
func TestBound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{}
		c := NewCache(e.post)
		get := func(i int) bool {
			_, fetched := mustGet(t, c, &Client{ID: fmt.Sprint(i)})
			return fetched
		}
		for i := range maxEntries {
			get(i)
			time.Sleep(time.Millisecond)
		}
		get(0) // used again
		for i := range 100 {
			time.Sleep(time.Millisecond)
			get(maxEntries + i)
			if len(c.known) > maxEntries {
				t.Fatalf("%d are kept", len(c.known))
			}
		}
		if get(0) {
			t.Error("one that is in use went first")
		}
		if get(200) || !get(1) {
			t.Error("another one than the oldest went")
		}
		time.Sleep(2 * time.Hour)
		get(-1)
		if len(c.known) != 1 {
			t.Errorf("%d are kept, want 1: the others have ended", len(c.known))
		}
	})
}
