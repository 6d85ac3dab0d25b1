// Package receiver is a webhook endpoint that keeps its requests, so that the fate of every event
// can be observed from outside.
package receiver

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/postrider/postrider/webhook/sign"
)

// Host is the endpoint's name. Senders dial [Receiver.Addr].
const Host = "example.com"

// SenderHeader is the header with the name of the sending host.
const SenderHeader = "X-Sender"

// URL is the address of a webhook. The rest of the path after the ID is free.
func URL(webhookID string) string { return "https://" + Host + "/" + webhookID }

// Request is a complete request.
type Request struct {
	// N counts the requests with the same webhook and event from 1.
	N int
	// At is when the body had been read, Answered when the answer was given; zero if the sender
	// left before.
	At, Answered time.Time
	// Path begins with the webhook's ID.
	Path string
	Mark
	// Sender is the host's name, from SenderHeader.
	Sender string
	Body   []byte
	// Status is the answer, 0 until it is given.
	Status int
}

// Mark is a Reader's result.
type Mark struct {
	// Event is the ID of the event.
	Event string
	// Identifier is the sender's identifier for recognising repeats, if it has one.
	Identifier string
	// Signed is why the signature was refused, nil if it is right.
	Signed error
}

// Reader reads a request to a webhook. Now is the receiver's time.
type Reader func(r *http.Request, webhookID string, body []byte, now time.Time) Mark

// Standard reads requests signed after Standard Webhooks 1.0.0. keys returns the valid secrets of a
// webhook.
func Standard(keys func(webhookID string) []sign.Secret) Reader {
	return func(r *http.Request, webhookID string, body []byte, now time.Time) Mark {
		id := r.Header.Get(sign.IDHeader)
		return Mark{Event: id, Identifier: id, Signed: sign.VerifyStandard(r.Header, body, now, 0, keys(webhookID)...)}
	}
}

// Webhook is the ID in the path.
func (r Request) Webhook() string {
	id, _, _ := strings.Cut(strings.TrimPrefix(r.Path, "/"), "/")
	return id
}

// Answer decides the status of an answer. It may block; gone is closed when the sender leaves, and
// the result is then not sent. It is called from many goroutines.
type Answer func(r Request, gone <-chan struct{}) (status int)

// Receiver is a running endpoint on 127.0.0.1. Its methods are safe for concurrent use.
type Receiver struct {
	server *httptest.Server
	read   Reader
	answer Answer

	mu       sync.Mutex
	ahead    time.Duration
	requests []*Request
	count    map[string]int
	changed  chan struct{} // closed and replaced at each change
}

// Start starts an endpoint of Standard Webhooks; see [Standard].
func Start(keys func(webhookID string) []sign.Secret, answer Answer) *Receiver {
	return StartReader(Standard(keys), answer)
}

// StartReader starts an endpoint.
func StartReader(read Reader, answer Answer) *Receiver {
	r := &Receiver{read: read, answer: answer, count: make(map[string]int), changed: make(chan struct{})}
	r.server = httptest.NewUnstartedServer(http.HandlerFunc(r.serve))
	r.server.EnableHTTP2 = true
	r.server.Config.ErrorLog = log.New(io.Discard, "", 0) // killed senders abort handshakes
	r.server.StartTLS()
	return r
}

// Close ends the endpoint. No answer may still block.
func (r *Receiver) Close() { r.server.CloseClientConnections(); r.server.Close() }

// Addr is the endpoint's address.
func (r *Receiver) Addr() string { return r.server.Listener.Addr().String() }

// Certificate is the certificate that a sender must trust, as DER.
func (r *Receiver) Certificate() []byte { return r.server.Certificate().Raw }

// SetClock sets how far the receiver's clock, which judges the age of signatures, is ahead of this
// process's.
func (r *Receiver) SetClock(ahead time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ahead = ahead
}

func (r *Receiver) serve(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the sender left
	}
	got := &Request{At: time.Now(), Path: req.URL.Path, Sender: req.Header.Get(SenderHeader), Body: body}
	r.mu.Lock()
	got.Mark = r.read(req, got.Webhook(), body, got.At.Add(r.ahead))
	key := got.Webhook() + " " + got.Event
	r.count[key]++
	got.N = r.count[key]
	r.requests = append(r.requests, got)
	r.announce()
	shown := *got
	r.mu.Unlock()

	status := r.answer(shown, req.Context().Done())
	if req.Context().Err() != nil {
		panic(http.ErrAbortHandler)
	}
	r.mu.Lock()
	got.Status, got.Answered = status, time.Now()
	r.announce()
	r.mu.Unlock()
	w.WriteHeader(status)
}

func (r *Receiver) announce() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// Requests returns copies of all requests so far, in the order of arrival, and a channel that is
// closed at the next change.
func (r *Receiver) Requests() (all []Request, news <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all = make([]Request, len(r.requests))
	for i, one := range r.requests {
		all[i] = *one
		all[i].Body = bytes.Clone(one.Body)
	}
	return all, r.changed
}

// Of returns the requests of one event to one webhook.
func (r *Receiver) Of(webhookID, event string) []Request {
	all, _ := r.Requests()
	return slices.DeleteFunc(all, func(one Request) bool { return one.Webhook() != webhookID || one.Event != event })
}
