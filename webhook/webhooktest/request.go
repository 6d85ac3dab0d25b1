package webhooktest

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"time"
)

// Request is one request that arrived completely, and its answer.
type Request struct {
	N      int       // counts from 1, in the order of arrival
	Time   time.Time // after the body was read
	Proto  string    // "HTTP/1.1" or "HTTP/2.0"
	Method string
	Host   string // of the request, unchanged
	Path   string // escaped, without the query
	Query  string // the text behind the "?"
	// Shape is the path with names in place of the parts that differ between
	// webhooks: "/automation/webhooks/{product}/a/{id}/{id}", with or without
	// "/{secret}". It is empty for a path that is not of Atlassian Automation.
	Shape  string
	Header http.Header
	Body   []byte // the exact bytes
	// Problem is the failed check of the request; empty when every check passed.
	Problem string
	// Answer is the answer that the endpoint chose, with its Status set. A
	// sender that disconnects early does not receive it.
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

// Wait returns copies of all requests as soon as there are at least n. It fails with the
// context's error when ctx ends before, and with ErrClosed when the endpoint is closed
// before; it then returns the requests so far.
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
