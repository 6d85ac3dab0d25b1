package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// endpoint is a token endpoint that counts requests and sends a given answer.
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

// Rule: a hundred concurrent calls fetch a token once, and exactly one of them reports the fetch.
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

// Rule: all waiting calls get the error of a fetch, and the next call fetches again.
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

// Rule: each call waits until its own context ends. When the fetching call's context ends first,
// another call fetches.
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

// Rule: a fetch takes at most 10 seconds.
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

// Rule: after a panic of the transport no call waits for ever.
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

// Rule: clients that differ in any field, such as the owner, never share a token.
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

// Rule: a refused token is dropped, but not a newer one.
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
	c.Drop(client, first) // a late caller
	if got, fetched := mustGet(t, c, client); fetched || got != "token-2" {
		t.Errorf("%s, fetched %t", got, fetched)
	}
}

// Rule: Forget forgets all tokens of an owner, also one that is being fetched.
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

// Rule: 4,096 tokens are kept. Expired tokens are removed first, then the least recently used one.
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
			t.Error("a recently used token was removed first")
		}
		if get(200) || !get(1) {
			t.Error("another token than the oldest was removed")
		}
		time.Sleep(2 * time.Hour)
		get(-1)
		if len(c.known) != 1 {
			t.Errorf("%d are kept, want 1: the others have expired", len(c.known))
		}
	})
}
