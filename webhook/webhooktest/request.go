package webhooktest

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"time"
)

// Request is one request that arrived in full, and what became of it.
type Request struct {
	N      int       // counts from 1, in the order of arrival
	Time   time.Time // when the body had been read
	Proto  string    // "HTTP/1.1" or "HTTP/2.0"
	Method string
	Host   string // as the sender wrote it
	Path   string // escaped, without the query
	Query  string // what follows the "?"
	// Shape is the path with the parts that differ from webhook to webhook
	// replaced by names, or empty when it is no path of Atlassian Automation:
	// "/automation/webhooks/{product}/a/{id}/{id}", with or without "/{secret}".
	Shape  string
	Header http.Header
	Body   []byte // the exact bytes
	// Problem says what the endpoint did not like about the request; empty when
	// every check passed.
	Problem string
	// Answer is what the endpoint was about to answer, Status filled in. A
	// sender that gives up early does not get to see it.
	Answer Response
}

func (r Request) clone() Request {
	r.Header, r.Body, r.Answer = r.Header.Clone(), bytes.Clone(r.Body), r.Answer.clone()
	return r
}

// Requests returns copies of all requests so far, in the order of arrival.
func (e *Endpoint) Requests() []Request {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.copies()
}

// Wait returns copies of all requests as soon as there are at least n. Before
// that it fails with the context's error once ctx ends, and with ErrClosed once
// the endpoint is closed; it returns the requests that came in either case.
func (e *Endpoint) Wait(ctx context.Context, n int) ([]Request, error) {
	for {
		e.mu.Lock()
		all, changed := e.copies(), e.changed
		e.mu.Unlock()
		if len(all) >= n {
			return all, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return all, ctx.Err()
		case <-e.closing.Done():
			return all, ErrClosed
		}
	}
}

func (e *Endpoint) copies() []Request {
	out := slices.Clone(e.requests)
	for i := range out {
		out[i] = out[i].clone()
	}
	return out
}

func (e *Endpoint) record(r Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.requests = append(e.requests, r)
	close(e.changed)
	e.changed = make(chan struct{})
}
