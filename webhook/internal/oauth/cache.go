package oauth

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

// PostFunc sends a request and returns status and body of the answer. It reads at most MaxAnswer bytes
// of the body and one more. It follows no redirect.
type PostFunc func(ctx context.Context, url string, h http.Header, body []byte) (status int, answer []byte, err error)

// Cache keeps tokens in memory. It is safe for concurrent use.
type Cache struct {
	post PostFunc

	mu    sync.Mutex
	known map[Key]*entry
}

// entry is the state of one client. The Cache's lock guards it.
type entry struct {
	owner string
	token Token
	used  time.Time
	fetch *fetch // the current one, or nil
}

// fetch is one request for a token. Its result is set when done is closed.
type fetch struct {
	done  chan struct{}
	token Token
	err   error
	own   bool // the fetch ended because the context of the fetching caller ended
}

const (
	maxEntries = 4096
	// maxFetch bounds one fetch.
	maxFetch = 10 * time.Second
)

// NewCache returns an empty Cache.
func NewCache(post PostFunc) *Cache {
	return &Cache{post: post, known: make(map[Key]*entry)}
}

// Token returns a token for the client, and whether this call fetched it. For each client one call
// fetches at a time; other calls wait for its result until their own contexts end. Errors are of type
// *[Error] where the endpoint answered, and otherwise those of PostFunc or of ctx.
func (c *Cache) Token(ctx context.Context, client *Client) (t Token, fetched bool, err error) {
	for {
		e, f, mine := c.join(client, time.Now())
		if f == nil {
			return e, false, nil
		}
		if mine {
			c.run(ctx, client, f)
			return f.token, true, f.err
		}
		select {
		case <-f.done:
		case <-ctx.Done():
			return Token{}, false, ctx.Err()
		}
		if !f.own {
			return f.token, false, f.err
		}
	}
}

// join returns a stored token, or a fetch, and whether the caller must run the fetch.
func (c *Cache) join(client *Client, now time.Time) (t Token, f *fetch, mine bool) {
	key := client.Key()
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.known[key]
	switch {
	case e == nil:
		e = &entry{owner: client.Owner}
		if c.makeRoom(now) {
			c.known[key] = e
		}
	case e.fetch != nil:
		return Token{}, e.fetch, false
	case now.Before(e.token.end):
		e.used = now
		return e.token, nil, false
	}
	e.used, e.token = now, Token{}
	e.fetch = &fetch{done: make(chan struct{})}
	return Token{}, e.fetch, true
}

// makeRoom removes expired tokens, or without any the least recently used one.
func (c *Cache) makeRoom(now time.Time) bool {
	if len(c.known) < maxEntries {
		return true
	}
	var oldest *Key
	var since time.Time
	for key, e := range c.known {
		switch {
		case e.fetch != nil:
		case !now.Before(e.token.end):
			delete(c.known, key)
		case oldest == nil || e.used.Before(since):
			oldest, since = &key, e.used
		}
	}
	if len(c.known) >= maxEntries && oldest != nil {
		delete(c.known, *oldest)
	}
	return len(c.known) < maxEntries
}

var errPanic = errors.New("oauth: the transport panicked")

// run fetches a token for all waiting calls.
func (c *Cache) run(ctx context.Context, client *Client, f *fetch) {
	f.err = errPanic
	defer func() {
		c.end(client.Key(), f)
		close(f.done)
	}()
	began := time.Now()
	h, body := client.request()
	limited, cancel := context.WithTimeout(ctx, maxFetch)
	defer cancel()
	status, answer, err := c.post(limited, client.TokenURL, h, body)
	if err != nil {
		f.err, f.own = err, ctx.Err() != nil
		return
	}
	f.token, f.err = parse(status, answer, began)
}

// end stores the token of a fetch, unless the client was forgotten meanwhile.
func (c *Cache) end(key Key, f *fetch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.known[key]
	if e == nil || e.fetch != f {
		return
	}
	e.fetch = nil
	if e.token = f.token; !time.Now().Before(e.token.end) {
		delete(c.known, key)
	}
}

// Drop forgets a refused token. A newer token stays.
func (c *Cache) Drop(client *Client, refused Token) {
	key := client.Key()
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.known[key]; e != nil && e.fetch == nil && e.token.Value == refused.Value {
		delete(c.known, key)
	}
}

// Forget forgets all tokens of an owner, also those of current fetches.
func (c *Cache) Forget(owner string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, e := range c.known {
		if e.owner == owner {
			delete(c.known, key)
		}
	}
}
