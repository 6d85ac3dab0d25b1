// Package receiver is a webhook endpoint that remembers what arrived, so that what became
// of every event can be told from the outside.
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

// Host is the name under which the endpoint is called. Senders dial [Receiver.Addr].
const Host = "example.com"

// SenderHeader is where a host says who it is.
const SenderHeader = "X-Sender"

// URL is the address of a webhook. What follows the ID in the path is free.
func URL(webhookID string) string { return "https://" + Host + "/" + webhookID }

// Request is one that arrived in full.
type Request struct {
	// N counts the requests with the same webhook and event from 1.
	N int
	// At is when the body had been read, Answered when the answer was given; zero if the
	// sender went away before.
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

// Mark is what a Reader makes out.
type Mark struct {
	// Event is the ID of the event.
	Event string
	// Identifier is what the sender gives a receiver to know repeats by, if it does.
	Identifier string
	// Signed is why the signature was refused, nil if it is right.
	Signed error
}

// Reader reads a request to a webhook. Now is the receiver's time.
type Reader func(r *http.Request, webhookID string, body []byte, now time.Time) Mark

// Standard reads what is signed after Standard Webhooks 1.0.0. keys are the secrets with
// which requests to a webhook may be signed.
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

// Answer decides the status of an answer. It may block; gone is closed when the sender
// goes away, and what it returns then is not sent. It is called from many goroutines.
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
	changed  chan struct{} // closed and replaced whenever there is news
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
	r.server.Config.ErrorLog = log.New(io.Discard, "", 0) // a killed sender breaks off handshakes
	r.server.StartTLS()
	return r
}

// Close ends the endpoint. Nothing may be held any more.
func (r *Receiver) Close() { r.server.CloseClientConnections(); r.server.Close() }

// Addr is where the endpoint listens.
func (r *Receiver) Addr() string { return r.server.Listener.Addr().String() }

// Certificate is the one that a sender must trust, as DER.
func (r *Receiver) Certificate() []byte { return r.server.Certificate().Raw }

// SetClock sets how far the receiver's clock, which judges the age of signatures, is
// ahead of this process's.
func (r *Receiver) SetClock(ahead time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ahead = ahead
}

func (r *Receiver) serve(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the sender went away
	}
	got := &Request{At: time.Now(), Path: req.URL.Path, Sender: req.Header.Get(SenderHeader), Body: body}
	r.mu.Lock()
	got.Mark = r.read(req, got.Webhook(), body, got.At.Add(r.ahead))
	key := got.Webhook() + " " + got.Event
	r.count[key]++
	got.N = r.count[key]
	r.requests = append(r.requests, got)
	r.tell()
	shown := *got
	r.mu.Unlock()

	status := r.answer(shown, req.Context().Done())
	if req.Context().Err() != nil {
		panic(http.ErrAbortHandler)
	}
	r.mu.Lock()
	got.Status, got.Answered = status, time.Now()
	r.tell()
	r.mu.Unlock()
	w.WriteHeader(status)
}

func (r *Receiver) tell() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// Requests returns copies of all requests so far, in the order of arrival, and a channel
// that is closed when there is news.
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
